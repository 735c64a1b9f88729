"""The terminal's commands against sockets of stations that run, that run no more, and that are somebody else's."""

from __future__ import annotations

import argparse
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from rich.console import Console

from powerctl.app import cli, status_socket, terminal
from powerctl.app.demo import files
from powerctl.app.demo.ports import Ports
from powerctl.app.explanation import document
from powerctl.app.status_socket import StatusSocket
from powerctl.app.terminal_top import screen
from powerctl.core.errors import RemoteError
from powerctl.runtime.health import Health, HealthServer
from powerctl.runtime.settings import HttpListener
from tests.unit.app.test_explain import told_station


def _answer(station: str = "S-1") -> bytes:
    told = document(told_station())
    told["station"]["id"] = station
    return json.dumps(told).encode()


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's stations are found; short, for a socket's path may have no more than 100 characters."""
    place = tmp_path_factory.mktemp("run")
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(place / "none"))
    return place / "powerctl"


@contextmanager
def _running(station: str = "S-1", folder: Path | None = None) -> Iterator[StatusSocket]:
    shown = StatusSocket(folder, station, lambda: _answer(station))
    shown.open()
    try:
        yield shown
    finally:
        shown.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["status"], "May draw 8.0 kW of 22.0 kW, by dso"),
        (["status", "--json"], '"code": "dso"'),
        (["explain"], "Connector 2 (right): run"),
        (["explain", "1"], "Without it: 11.0 kW"),
        (["explain", "--json"], '"without_w": 11000.0'),
        (["top", "--count", "1"], "left"),
        (["top", "--count", "1", "--json"], '"state": "used"'),
        (["status", "--station", "S-1"], "Harbour"),
    ],
)
def test_a_running_station_is_found_and_read(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    with _running():
        assert cli.main(arguments) == 0
    assert words in capsys.readouterr().out
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", ["status", "top", "explain"])
def test_no_running_station_is_status_2_with_a_remedy(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert cli.main([command]) == 2
    told = capsys.readouterr().err
    assert "No running station answers." in told
    assert "powerctl demo" in told


def test_of_several_stations_one_is_chosen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with _running("S-1", folder / "a"), _running("S-2", folder / "b") as second:
        for path in (folder / "a").iterdir():
            path.rename(folder / path.name)
        for path in (folder / "b").iterdir():
            os.link(path, folder / path.name)
        assert cli.main(["status"]) == 2
        told = capsys.readouterr().err
        assert "2 stations run here: S-1 (" in told
        assert "Choose one with --station" in told
        assert cli.main(["status", "--station", "S-2"]) == 0
        assert cli.main(["status", "--socket", str(second.path)]) == 0
        capsys.readouterr()
        assert cli.main(["status", "--station", "S-3"]) == 2
        assert "No station S-3 runs here; there is S-1, S-2." in capsys.readouterr().err


def test_a_socket_that_a_dead_station_left_is_passed_over(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "S-1-1.sock"))
    with _running("S-2"):
        assert cli.main(["status"]) == 0
        assert len(list(folder.iterdir())) == 2
    assert cli.main(["status"]) == 2
    with _running("S-1"):
        assert len(list(folder.iterdir())) == 1


def test_a_connector_that_is_not_there_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with _running():
        assert cli.main(["explain", "3"]) == 2
    assert "Connectors are 1, 2." in capsys.readouterr().err


def test_only_owner_and_group_may_read(folder: Path) -> None:
    with _running() as shown:
        assert shown.path is not None
        assert shown.path.stat().st_mode & 0o777 == 0o660
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_write_to_is_neither_used_nor_believed(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    with _running() as shown:
        assert shown.path is None
    with socket.socket(socket.AF_UNIX) as foreign:
        foreign.bind(str(folder / "S-1-1.sock"))
        assert status_socket.sockets() == []


def test_one_that_connects_and_says_nothing_keeps_nobody_out(folder: Path) -> None:
    with _running() as shown, socket.socket(socket.AF_UNIX) as idle:
        assert shown.path is not None
        idle.connect(str(shown.path))
        # It reads nothing, and may have closed already.
        with suppress(BrokenPipeError, ConnectionResetError):
            idle.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert json.loads(status_socket.read(shown.path))["station"]["id"] == "S-1"


def test_an_answer_without_end_is_refused(folder: Path) -> None:
    endless = StatusSocket(None, "S-1", lambda: b"x" * (status_socket.MOST_BYTES + 2))
    endless.open()
    try:
        assert endless.path is not None
        with pytest.raises(RemoteError, match="no end"):
            status_socket.read(endless.path)
    finally:
        endless.close()


def test_the_live_screen_shows_power_reason_and_silence() -> None:
    console = Console(record=True, width=160, file=open(os.devnull, "w"))  # noqa: SIM115
    told = {**json.loads(_answer()), "silent": True, "silence": "No running station answers."}
    console.print(screen(told))
    text = console.export_text()
    assert "The grid operator limits the station to 8.0 kW" in text
    assert "Silent since 2026-06-01T12:00:00+00:00" in text


async def test_the_other_programs_of_the_station_are_asked(tmp_path: Path) -> None:
    health = Health()
    health.set("manager", False, "not connected")
    server = HealthServer(HttpListener(port=0), health)
    await server.start()
    told = {"config": str(tmp_path / "gone.toml"), "health": {"healthy": True, "components": {}}}
    try:
        assert list(terminal.programs(told)) == ["energy manager"]
        found = terminal._health(f"http://127.0.0.1:{server.port}/healthz")
        assert found["components"]["manager"] == {"ok": False, "detail": "not connected"}
    finally:
        server.close()
    gone = terminal._health(f"http://127.0.0.1:{server.port or 9}/healthz")
    assert not gone["healthy"]
    assert "does not answer" in gone["components"]["program"]["detail"]


def test_of_two_stations_with_one_name_the_file_tells_which(folder: Path, tmp_path: Path) -> None:
    station_file = files.prepare(tmp_path, Ports(), scripted=False).station_file
    ours, other = (json.loads(_answer("demo-1")) for _ in range(2))
    ours["config"], other["config"] = str(station_file.resolve()), "elsewhere.toml"
    ours["station"]["name"] = "Ours"
    options = argparse.Namespace(station=None, config=station_file, socket=None)
    shown = [StatusSocket(folder / name, "demo-1", json.dumps(one).encode) for name, one in (("a", ours), ("b", other))]
    try:
        for one in shown:
            one.open()
        for number, path in enumerate(sorted(folder.glob("*/*.sock"))):
            os.link(path, folder / f"{number}.sock")
        assert terminal.document(options)["station"]["name"] == "Ours"
    finally:
        for one in shown:
            one.close()
