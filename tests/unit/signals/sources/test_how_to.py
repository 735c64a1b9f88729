"""Every table of the how-to is one that the energy manager accepts."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from powerctl.signals.sources.settings import SourcesSettings

PAGE = Path(__file__).resolve().parents[4] / "docs" / "how-to" / "connect-grid-sources.md"
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_table_of_the_page_is_accepted_and_explained(block: str) -> None:
    sources = tomllib.loads(block)["manager"]["grid"]["sources"]
    assert SourcesSettings.model_validate(sources).describe()


def test_the_page_shows_every_source() -> None:
    shown = {name for block in BLOCKS for name in tomllib.loads(block)["manager"]["grid"]["sources"]}
    assert shown == set(SourcesSettings.model_fields)
