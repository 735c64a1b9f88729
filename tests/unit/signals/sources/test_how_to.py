"""Every table of the how-to is one that the energy manager accepts."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from powerctl.signals.settings import GridSettings
from powerctl.signals.sources.settings import SourcesSettings

PAGE = Path(__file__).resolve().parents[4] / "docs" / "how-to" / "connect-grid-sources.md"
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_table_of_the_page_is_accepted_and_explained(block: str) -> None:
    grid = tomllib.loads(block)["manager"]["grid"]
    utility = {
        "index": 0,
        "source": "dso",
        "commissioned": True,
        "failsafe_w": 4200,
        "failsafe_min_s": 7200,
        "heartbeat_timeout_s": 120,
    }
    assert GridSettings.model_validate({"slots": [utility], **grid}).describe()


def test_the_page_shows_every_source() -> None:
    shown = {name for block in BLOCKS for name in tomllib.loads(block)["manager"]["grid"].get("sources", ())}
    assert shown == set(SourcesSettings.model_fields)
