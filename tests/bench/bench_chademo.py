"""One advance of the CHAdeMO core while charging: at most 50 microseconds, the median of each kind of event.

`make bench` prints the table; the numbers are of the machine that runs it.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from edge.chademo.events import Event, LinesRead, Tick
from edge.chademo.session import advance, frames_due, status
from edge.chademo.state import Session
from edge.sim import vehicle as car
from edge.sim.models import MODELS
from edge.sim.speech import frames_due as vehicle_frames
from powerctl.core.clock import Monotonic
from tests.unit.edge.chademo.story import LIMITS, NOW, charging, control, frame, measured, offer

PROMISED_US: Final = 50.0
ROUNDS: Final = 4000
PERIOD_S: Final = 0.1
ALIVE: Final = LinesRead(k=True, prox=True, lock_feedback=True, pe=True)


def events(session: Session, now: float) -> Iterator[tuple[str, Event]]:
    """One period of a charging session, with a limit that moves."""
    yield "pilot lines", ALIVE
    yield "measurement", measured(400.0 + now % 1, session.commanded_a)
    yield "0x102", frame(control(40 + int(now * 10) % 3))
    yield "0x100", frame(LIMITS)
    yield "offer", offer(16.0 + now % 4, settle_by=now + 5.0)
    yield "tick", Tick()


def advanced() -> dict[str, list[float]]:
    """Microseconds of each advance, by kind of event."""
    session, now = charging(), float(NOW)
    taken: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        now += PERIOD_S
        for name, event in events(session, now):
            begun = time.perf_counter_ns()
            session, _ = advance(session, event, Monotonic(now))
            taken.setdefault(name, []).append((time.perf_counter_ns() - begun) / 1000.0)
    assert session.live
    return taken


def looked(look: Callable[[Session], object]) -> list[float]:
    """Microseconds of one look at a charging session."""
    session = charging()
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter_ns()
        look(session)
        taken.append((time.perf_counter_ns() - begun) / 1000.0)
    return taken


def simulated() -> list[float]:
    """Microseconds of one step of a simulated car, its frames included."""
    vehicle, now, taken = car.parked(MODELS["leaf40"], 50.0), 0.0, []
    for event in (car.Plug(on=True), car.Wires(d1=True, d2=False)):
        vehicle = car.advance(vehicle, event, Monotonic(now))
    for _ in range(ROUNDS):
        now += PERIOD_S
        begun = time.perf_counter_ns()
        vehicle = car.advance(vehicle, car.Tick(), Monotonic(now))
        vehicle_frames(vehicle, Monotonic(now))
        taken.append((time.perf_counter_ns() - begun) / 1000.0)
    return taken


@pytest.fixture
def table() -> dict[str, list[float]]:
    gc.collect()
    taken = {f"advance: {name}": values for name, values in advanced().items()}
    taken["frames of one period"] = looked(frames_due)
    taken["status"] = looked(lambda session: status(session))
    taken["simulated car, one step"] = simulated()
    return taken


def bench_row(name: str, values: list[float]) -> str:
    """Median, p99 and worst."""
    ordered = sorted(values)
    return f"{name:<28}{statistics.median(ordered):>9.1f}{ordered[int(len(ordered) * 0.99)]:>9.1f}{ordered[-1]:>10.1f}"


def test_an_advance_takes_at_most_fifty_microseconds(table: dict[str, list[float]]) -> None:
    print(f"\n{'CHAdeMO core, microseconds':<28}{'median':>9}{'p99':>9}{'worst':>10}")
    for name, values in table.items():
        print(bench_row(name, values))
    medians = {name: statistics.median(values) for name, values in table.items() if name.startswith("advance")}
    assert max(medians.values()) <= PROMISED_US, medians
