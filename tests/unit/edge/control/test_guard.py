"""The last one out: it acts on silence and on death, in the order current, relays, d2, d1, and lets no lock go."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

gpiod = pytest.importorskip("gpiod", reason="libgpiod's bindings are for Linux")

from edge.control.guard import ALIVE, FAREWELL, REPEATS, is_needed, switch_off, watch  # noqa: E402
from edge.control.hardware_settings import CabinetSettings, GpioSettings  # noqa: E402
from edge.control.settings import EdgeSettings, load_settings  # noqa: E402
from edge.hardware.gpio import GpioLines, LineMap  # noqa: E402
from powerctl.core.errors import ConfigError  # noqa: E402
from tests.unit.edge.control.test_settings import GOOD  # noqa: E402
from tests.unit.edge.hardware.fake_gpiod import FakeGpiod  # noqa: E402

LINES = {"1.d1": 17, "1.d2": 27, "1.lock": 22, "1.relay": 23, "1.k": 5, "1.prox": 6}


class Recording:
    """Bus and lines in one history."""

    def __init__(self) -> None:
        self.history: list[str] = []
        self.library = FakeGpiod()
        self.busy = 2

    def bus(self, _: dict[str, Any]) -> Recording:
        return self

    def send(self, message: Any) -> None:
        self.history.append(f"{message.arbitration_id:08X}")

    def recv(self, timeout: float) -> None:
        time.sleep(timeout)

    def shutdown(self) -> None:
        self.history.append("shutdown")

    def lines(self, lines: LineMap) -> GpioLines:
        self.busy -= 1
        if self.busy >= 0:
            raise ConfigError("edge.gpio", "busy.", "Wait.")
        return GpioLines(lines, library=self.library)


@pytest.fixture
def edge(tmp_path: Path) -> EdgeSettings:
    path = tmp_path / "station.toml"
    path.write_text(GOOD)
    cabinet = CabinetSettings.model_validate(
        {
            "family": "infypower",
            "can": {"interface": "virtual", "channel": "guard"},
            "module": [{"address": 1, "connector": 1}],
            "max_power_w": 1,
            "max_current_a": 1,
            "min_voltage_v": 1,
            "max_voltage_v": 1,
        }
    )
    return load_settings(path)[1].model_copy(update={"cabinet": cabinet, "gpio": GpioSettings(lines=LINES)})


def test_current_then_relay_then_d2_then_d1_and_the_lock_stays(edge: EdgeSettings) -> None:
    world = Recording()
    world.library.levels = dict.fromkeys((17, 27, 22, 23), gpiod.line.Value.ACTIVE)
    switch_off(edge, world.bus, world.lines)
    assert world.history == ["029A3FF0"] * REPEATS + ["shutdown"]
    (_, _, request) = world.library.requests[-1]
    assert [offset for offset, _ in request.history] == [23, 27, 17]
    assert world.library.levels[22] is gpiod.line.Value.ACTIVE
    assert world.library.levels[17] is gpiod.line.Value.INACTIVE


def test_a_bus_that_is_gone_does_not_keep_the_lines_on(edge: EdgeSettings) -> None:
    def broken(_: dict[str, Any]) -> Any:
        raise OSError("no such device")

    world = Recording()
    switch_off(edge, broken, world.lines)
    assert world.library.requests[-1][2].is_released


def test_a_farewell_lets_the_guard_go() -> None:
    reading, writing = os.pipe()
    os.write(writing, ALIVE + FAREWELL)
    assert watch(reading, 1.0) is None


def test_death_is_seen_at_once_and_silence_in_time() -> None:
    reading, writing = os.pipe()
    os.write(writing, ALIVE)
    begun = time.monotonic()
    verdict = watch(reading, 0.1)
    assert verdict is not None
    assert verdict.must_end
    assert 0.1 <= time.monotonic() - begun < 1.0
    os.close(writing)
    died = watch(reading, 10.0)
    assert died is not None
    assert not died.must_end


def test_a_station_without_real_outputs_needs_none(edge: EdgeSettings) -> None:
    assert is_needed(edge)
    assert not is_needed(edge.model_copy(update={"cabinet": None, "gpio": None}))


def test_a_controller_that_hangs_is_ended_and_its_modules_switched_off(tmp_path: Path) -> None:
    """A process that stops telling: the guard is a process of its own and needs nothing of it."""
    config = tmp_path / "station.toml"
    config.write_text(GOOD.replace("[[edge.connector]]", "[edge.realtime]\nstall_s = 0.3\n\n[[edge.connector]]", 1))
    script = (
        "import sys, time; from pathlib import Path; from edge.control.guard import Guard\n"
        f"guard = Guard(Path({str(config)!r})); guard.tell(); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    assert process.wait(20) == -9
