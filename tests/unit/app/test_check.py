"""`powerctl check` says in words what a station will do, and refuses a file that no station can use."""

from __future__ import annotations

from pathlib import Path

import pytest

from powerctl.app import check, cli
from powerctl.app.demo import files
from powerctl.app.demo.ports import Ports
from powerctl.core.errors import ConfigError


@pytest.fixture
def station_file(tmp_path: Path) -> Path:
    return files.prepare(tmp_path, Ports(), scripted=False).station_file


def test_it_says_what_happens_at_start_on_silence_and_at_night(station_file: Path) -> None:
    text = "\n".join(check.sentences(station_file))
    for heading in ("Energy manager", "At night", "Charging controller", "Uplink"):
        assert f"\n{heading}\n" in text
    assert "At start the station keeps to 4.2 kW until slot 0 (dso) has sent a heartbeat and a limit." in text
    assert "After 60 s without a heartbeat the station keeps to 4.2 kW again." in text
    assert "draws its auxiliaries, 120 W" in text


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('type = "chademo"', 'type = "ccs"', "charges by CHAdeMO only"),
        ("failsafe_w = 4200.0", "", "manager.grid.slots.0.failsafe_w: is missing"),
        ("auxiliary_w = 120.0", "auxilary_w = 120.0", "auxilary_w"),
        ("[uplink]", "[uplnik]", "is not a known table"),
        ("max_current_a = 60.0", "max_current_a = -1", "max_current_a: -1"),
    ],
)
def test_a_wrong_file_is_refused_with_its_key(station_file: Path, old: str, new: str, words: str) -> None:
    station_file.write_text(station_file.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=words):
        check.sentences(station_file)


def test_the_command_prints_it_and_ends_well(station_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--config", str(station_file)]) == 0
    assert "the file is valid" in capsys.readouterr().out


def test_a_refusal_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--config", str(tmp_path / "none.toml")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
