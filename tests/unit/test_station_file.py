"""The station file of the how-to is one that the programs accept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from powerctl.app.check import sentences
from powerctl.core.errors import ConfigError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "write-a-station-file.md"


def the_file() -> str:
    """The TOML block of the page."""
    found = re.search(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_file_of_the_how_to_is_valid_and_explained(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text(the_file())
    said = "\n".join(sentences(path))
    assert "Depot 7 (depot-7), 2 connectors: the file is valid." in said
    assert "At start the station keeps to 4.2 kW" in said


def test_leaving_out_what_bears_on_safety_gives_the_message_of_the_how_to(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text("".join(line for line in the_file().splitlines(True) if not line.startswith("failsafe_w")))
    with pytest.raises(ConfigError) as refused:
        sentences(path)
    message = str(refused.value).replace(str(path), "station.toml")
    assert message in PAGE.read_text()
