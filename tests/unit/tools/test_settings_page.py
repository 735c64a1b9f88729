"""The page of settings says what the models say: what is required, what holds otherwise, within which bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from powerctl.runtime.settings import Section
from tools.settings_page import TABLES, page


class Bus(Section):
    """One bus."""

    channel: str
    """Name of | the
    interface."""


class Sample(Section):
    """A program."""

    limit_w: float = Field(gt=0, le=1e7)
    """No default."""
    kind: Literal["left", "right"] = "left"
    folder: Path | None = None
    bus: Bus = Bus(channel="can0")
    others: tuple[Bus, ...] = Field(default=(), alias="other")


def the_page() -> list[str]:
    return page({"sample": Sample}).splitlines()


def test_a_key_without_default_is_required_and_says_its_bounds() -> None:
    assert "| `limit_w` | number, above 0, at most 10000000 | **required** | No default. |" in the_page()


def test_choices_and_optional_keys_read_as_a_person_writes_them() -> None:
    assert '| `kind` | `"left"` or `"right"` | `"left"` |  |' in the_page()
    assert "| `folder` | path | absent |  |" in the_page()


def test_tables_and_arrays_of_tables_have_sections_of_their_own() -> None:
    assert "### `[sample.bus]`" in the_page()
    assert "### `[[sample.other]]`" in the_page()


def test_a_docstring_of_two_lines_stays_in_its_cell() -> None:
    assert the_page().count("| `channel` | string | **required** | Name of \\| the interface. |") == 2


def test_every_table_of_every_file_is_on_the_page() -> None:
    text = page(TABLES)
    assert [name for name in TABLES if f"### `[{name}]`" not in text] == []
