"""Every row of the checklist has a test that is named after it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.checklist.rows import NOT_OURS, OURS

TESTS = Path(__file__).resolve().parents[1]
NAMED = re.compile(r"^(?:async )?def test_rows?_(\d+(?:_and_\d+)*)_\w+\(", re.MULTILINE)


def rows_with_a_test() -> set[int]:
    """Rows that occur in the name of a test."""
    names = [name for path in TESTS.rglob("test_*.py") for name in NAMED.findall(path.read_text())]
    return {int(number) for name in names for number in name.split("_and_")}


def test_every_row_has_a_test_of_its_name_and_no_test_names_a_row_that_is_not_ours() -> None:
    assert rows_with_a_test() == OURS


def test_a_row_without_a_test_says_why() -> None:
    assert all(len(why) > 40 for why in NOT_OURS.values())
