"""The driver of the GPIO character device against a chip that the tests play, with the library's own settings."""

from __future__ import annotations

import asyncio
import sys

import pytest

gpiod = pytest.importorskip("gpiod", reason="libgpiod's bindings are for Linux")

from gpiod.line import Direction, Edge, Value  # noqa: E402

from edge.hardware.gpio import GpioLines, LineMap  # noqa: E402
from powerctl.core.errors import ConfigError  # noqa: E402
from tests.unit.edge.hardware.fake_gpiod import FakeGpiod, FakeRequest  # noqa: E402

MAP = LineMap(
    "/dev/gpiochip0",
    {"1.d1": 17, "1.d2": 27, "1.lock": 22, "1.relay": 23, "1.k": 5, "1.prox": 6},
    frozenset({"1.k", "1.relay"}),
)


class Bench:
    """The driver on a played chip."""

    def __init__(self) -> None:
        self.library = FakeGpiod()
        self.changes: list[str] = []
        self.lines = GpioLines(MAP, self.changes.append, library=self.library)

    @property
    def request(self) -> FakeRequest:
        return self.library.requests[-1][2]


def test_lines_are_asked_for_with_direction_polarity_and_edges() -> None:
    bench = Bench()
    path, consumer, request = bench.library.requests[-1]
    assert (path, consumer) == ("/dev/gpiochip0", "powerctl-edge")
    k, d1 = request.config[5], request.config[17]
    assert (k.direction, k.edge_detection, k.active_low) == (Direction.INPUT, Edge.BOTH, True)
    assert (d1.direction, d1.output_value, d1.active_low) == (Direction.OUTPUT, Value.INACTIVE, False)
    assert request.config[23].active_low
    bench.lines.close()


def test_outputs_are_switched_and_remembered() -> None:
    bench = Bench()
    bench.lines.switch("1.d1", True)
    assert bench.request.values[17] is Value.ACTIVE
    assert bench.lines.sense("1.d1")
    bench.lines.switch("1.k", True)
    bench.lines.switch("9.d1", True)
    assert bench.request.history == [(17, True)]
    bench.lines.close()


async def test_an_edge_calls_back_at_once() -> None:
    bench = Bench()
    bench.lines.watch()
    bench.request.edge(6, True)
    async with asyncio.timeout(2):
        while not bench.changes:  # noqa: ASYNC110 - the kernel wakes the loop
            await asyncio.sleep(0)
    assert bench.changes == ["1.prox"]
    assert bench.lines.sense("1.prox")
    bench.lines.close()


def test_an_edge_that_was_missed_is_found_by_reading() -> None:
    bench = Bench()
    bench.request.values[5] = Value.ACTIVE
    bench.lines.refresh()
    assert bench.changes == ["1.k"]
    bench.lines.close()


async def test_a_lost_chip_says_nothing_any_more() -> None:
    bench = Bench()
    bench.lines.watch()
    bench.request.wake()
    async with asyncio.timeout(2):
        while bench.lines.is_alive:  # noqa: ASYNC110 - the kernel wakes the loop
            await asyncio.sleep(0)
    assert set(bench.changes) == {"1.k", "1.prox"}
    assert bench.request.is_released
    bench.lines.switch("1.d1", True)


def test_closing_opens_the_relay_then_d2_then_d1_and_leaves_the_lock() -> None:
    bench = Bench()
    for name in ("1.lock", "1.d1", "1.d2", "1.relay"):
        bench.lines.switch(name, True)
    request = bench.request
    request.history.clear()
    bench.lines.close()
    assert request.history == [(23, False), (27, False), (17, False)]
    assert request.is_released


def test_a_lock_that_a_dead_controller_left_closed_stays_closed() -> None:
    library = FakeGpiod()
    library.levels = {22: Value.ACTIVE, 17: Value.ACTIVE}
    lines = GpioLines(MAP, library=library)
    assert library.levels[22] is Value.ACTIVE
    assert library.levels[17] is Value.INACTIVE
    assert lines.sense("1.lock")
    lines.close()
    assert library.levels[22] is Value.ACTIVE


def test_lines_that_cannot_be_had_name_the_remedy() -> None:
    library = FakeGpiod()
    library.refusal = OSError(16, "Device or resource busy")
    with pytest.raises(ConfigError, match=r"/dev/gpiochip0: its lines cannot be had"):
        GpioLines(MAP, library=library)


def test_without_the_library_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", None)
    with pytest.raises(ConfigError, match=r"Install powerctl\[edge\]"):
        GpioLines(MAP)
