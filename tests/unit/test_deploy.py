"""The systemd units start what exists, and are locked down."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from edge.control.realtime import BEATS_WITHIN_S, LIFE_EVERY_S

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
WORST_EXPOSURE = 20
"""In tenths, as systemd-analyze counts: 0 is sealed, 100 is open; an ordinary service has 95."""
OFFLINE_SINCE = 250
"""The systemd version whose analysis needs no running systemd."""


def settings(unit: Path) -> dict[str, str]:
    """Keys of a unit with their last value."""
    return dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE))


def systemd_version() -> int:
    """Zero where there is no systemd-analyze."""
    if shutil.which("systemd-analyze") is None:
        return 0
    said = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.split()[1])


def test_every_program_of_a_station_and_of_the_back_end_has_a_unit() -> None:
    started = {tuple(settings(unit)["ExecStart"].removeprefix("/opt/powerctl/bin/").split()[:2]) for unit in UNITS}
    expected = {
        ("powerctl", "run"),
        ("powerctl-edge", "control"),
        ("powerctl-edge", "uplink"),
        ("powerctl-cloud", "serve"),
    }
    assert started == expected


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_command_that_the_project_installs(unit: Path) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert Path(settings(unit)["ExecStart"].split()[0]).name in scripts


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_wrong_configuration_is_not_tried_again_and_a_crash_is(unit: Path) -> None:
    assert settings(unit)["Restart"] == "on-failure"
    assert settings(unit)["RestartPreventExitStatus"] == "2"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_locked_down(unit: Path) -> None:
    if systemd_version() < OFFLINE_SINCE:
        pytest.skip("systemd-analyze of version 250 or newer is not on this machine")
    command = [
        "systemd-analyze",
        "security",
        "--offline=true",
        f"--threshold={WORST_EXPOSURE}",
        "--no-pager",
        str(unit),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_the_controller_runs_in_real_time_and_is_killed_when_it_stalls() -> None:
    unit = settings(ROOT / "deploy" / "systemd" / "powerctl-edge-control.service")
    assert (unit["Type"], unit["NotifyAccess"], unit["CPUSchedulingPolicy"]) == ("notify", "main", "fifo")
    assert unit["CapabilityBoundingSet"] == ""
    assert float(unit["WatchdogSec"]) >= 2 * (LIFE_EVERY_S + BEATS_WITHIN_S)


def test_the_drop_in_for_real_hardware_stays_within_the_exposure(tmp_path: Path) -> None:
    if systemd_version() < OFFLINE_SINCE:
        pytest.skip("systemd-analyze of version 250 or newer is not on this machine")
    guide = (ROOT / "docs" / "how-to" / "integrate-hardware.md").read_text()
    drop_in = re.findall(r"```ini\n\[Service\]\n(.*?)```", guide, re.DOTALL)[0]
    merged = tmp_path / "merged.service"
    unit = (ROOT / "deploy" / "systemd" / "powerctl-edge-control.service").read_text()
    merged.write_text(unit.replace("[Install]", f"{drop_in}\n[Install]"))
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", str(merged)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_only_the_controller_may_open_a_can_bus() -> None:
    with_can = [unit.stem for unit in UNITS if "AF_CAN" in settings(unit)["RestrictAddressFamilies"]]
    assert with_can == ["powerctl-edge-control"]
