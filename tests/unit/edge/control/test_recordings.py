"""The black boxes' recordings, listed and taken away."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from edge.can.frame import Frame
from edge.cli import main
from edge.control.blackbox import BlackBox, keep
from edge.control.recordings import NOTHING, folder_of
from powerctl.core.clock import ManualClock, Monotonic
from tests.unit.edge.control.test_settings import GOOD


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "station.toml"
    path.write_text(GOOD.replace('state_dir = "state"', f'state_dir = "{tmp_path}/state"'))
    return path


def a_fault(config: Path, why: str, at: float) -> str:
    box = BlackBox(1, (Monotonic(0.0), ManualClock().utc()))
    box.heard(Frame(0x102, bytes(8)), Monotonic(at))
    box.note("state", Monotonic(at), state="charging")
    return keep(box.recording(why, Monotonic(at)), folder_of(config)).stem


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["blackbox", "--config", *arguments]) == 0
    return capsys.readouterr().out


def test_recordings_are_listed_the_newest_first(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert NOTHING in told(capsys, str(config))
    first, second = a_fault(config, "lock", 10.0), a_fault(config, "earth", 20.0)
    lines = told(capsys, str(config)).splitlines()
    assert [line.split()[0] for line in lines] == [second, first]
    assert "connector 1, earth, " in lines[0]


def test_one_archive_holds_the_logs_and_what_happened(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = a_fault(config, "lock", 10.0), a_fault(config, "earth", 20.0)
    assert "2 recordings" in told(capsys, str(config), "--save", str(tmp_path / "all.zip"))
    names = zipfile.ZipFile(tmp_path / "all.zip").namelist()
    assert sorted(names) == sorted(f"{name}.{ending}" for name in (first, second) for ending in ("log", "json"))
    told(capsys, str(config), "latest", "--save", str(tmp_path / "one.zip"))
    packed = zipfile.ZipFile(tmp_path / "one.zip")
    assert packed.read(f"{second}.log").decode().endswith(" can1 102#0000000000000000 R\n")


def test_a_name_that_nobody_knows_and_an_archive_that_exists_are_refused(config: Path, tmp_path: Path) -> None:
    a_fault(config, "lock", 10.0)
    assert main(["blackbox", "--config", str(config), "other"]) == 2
    (tmp_path / "all.zip").write_bytes(b"mine")
    assert main(["blackbox", "--config", str(config), "--save", str(tmp_path / "all.zip")]) == 2
    assert (tmp_path / "all.zip").read_bytes() == b"mine"
