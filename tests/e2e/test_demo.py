"""The stories of the demo, played by every real program, and judged by an observer outside them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from powerctl.app.demo.ports import Ports
from powerctl.app.demo.report import KEYS

pytestmark = pytest.mark.integration


def free_ports() -> dict[str, int]:
    held = {name: socket.socket() for name in Ports.__dataclass_fields__}
    for one in held.values():
        one.bind(("127.0.0.1", 0))
    numbers = {name: one.getsockname()[1] for name, one in held.items()}
    for one in held.values():
        one.close()
    return numbers


def command(ports: dict[str, int], *arguments: str) -> list[str]:
    moved = [word for name, port in ports.items() for word in ("--set", f"{name}={port}")]
    return [sys.executable, "-m", "powerctl.app.cli", "demo", "--headless", *moved, *arguments]


@pytest.fixture
def ports() -> dict[str, int]:
    return free_ports()


def played(folder: Path, ports: dict[str, int], story: str, duration_s: int = 50) -> dict[str, Any]:
    """The report of a story; fails with the program's own words when an invariant did not hold."""
    report = folder / "report.json"
    arguments = ("--scenario", story, "--duration", str(duration_s), "--report", str(report))
    run = subprocess.run(
        command(ports, *arguments, "--data", str(folder / "data")),
        capture_output=True,
        text=True,
        timeout=duration_s + 90,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    answer: dict[str, Any] = json.loads(report.read_text())
    return answer


def check(report: dict[str, Any]) -> None:
    assert tuple(report) == KEYS
    assert report["violations"] == []
    assert report["overshoot_w"]["max"] == 0
    assert report["records"]["lost"] == report["records"]["duplicates"] == 0
    assert report["records"]["committed"] == report["records"]["produced"] > 50
    assert [session["stop_reason"] for session in report["sessions"]] == ["driver", "driver"]
    assert all(session["receipt_id"] and session["energy_wh"] > 0 for session in report["sessions"])


def test_the_grid_dips_and_the_energy_manager_dies(tmp_path: Path, ports: dict[str, int]) -> None:
    report = played(tmp_path, ports, "grid-dip")
    check(report)
    assert report["signal_to_can_ms"]["n"] >= 1
    assert [event["name"] for event in report["events"] if event["name"] in ("kill", "resume")] == ["kill", "resume"]


@pytest.mark.slow
@pytest.mark.parametrize("story", ["cut-cable", "taper", "two-cars"])
def test_the_other_stories(tmp_path: Path, ports: dict[str, int], story: str) -> None:
    check(played(tmp_path, ports, story, 60))


def refused(*arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "powerctl.app.cli", "demo", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2, run.stdout + run.stderr
    return run.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--headless", "--scenario", "nonsense"], "Stories are grid-dip, cut-cable, taper, two-cars"),
        (["--headless", "--scenario", "grid-dip", "--duration", "5"], "Give 45 s or more"),
        (["--set", "web=99999"], "Give one from 1 to 65535"),
    ],
)
def test_a_wrong_call_says_what_is_possible(arguments: Sequence[str], words: str) -> None:
    assert words in refused(*arguments)


@pytest.fixture
def used_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_names_the_setting(used_port: int, ports: dict[str, int]) -> None:
    moved = [word for name, port in {**ports, "modbus": used_port}.items() for word in ("--set", f"{name}={port}")]
    words = refused(*moved)
    assert f"port {used_port} (modbus)" in words
    assert "--set modbus=PORT" in words


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path, ports: dict[str, int]) -> None:
    (tmp_path / "mine").write_text("keep")
    moved = [word for name, port in ports.items() for word in ("--set", f"{name}={port}")]
    assert "is not empty" in refused("--data", str(tmp_path), *moved)
    assert (tmp_path / "mine").read_text() == "keep"
