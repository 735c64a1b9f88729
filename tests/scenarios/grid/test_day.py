"""A day of real spot prices and a synthetic frequency, on a whole energy manager in virtual time.

The prices are read from beside the repository, where a developer may have them; they are not part of it. The frequency
is made, with the statistics of the Nordic grid.
"""

from __future__ import annotations

import asyncio
import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import async_solipsism
import pytest

from powerctl.allocation.plan_solve import solve
from powerctl.core.clock import Monotonic
from powerctl.core.ids import StationId
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.frequency import FrequencyRules, FrequencySource, Product, droop
from powerctl.signals.sources.openadr import OpenAdrRules, OpenAdrSource
from powerctl.sim.frequency import RATE, Loss, trace
from powerctl.wire.dispatch import Hello
from tests.scenarios.grid.rig import Site
from tests.unit.allocation.station import capability
from tests.unit.signals.station import EPOCH

PRICES = Path(__file__).parents[4] / "shared" / "bench" / "data" / "fi_spot_vat_2023-01_2024-02_hourly.csv"
DAY = datetime(2024, 1, 5, tzinfo=UTC)
"""A cold day: the dearest hour costs seventeen times the cheapest."""
RATING = Power(22_000)
PEAK_LIMIT = Power(7_000)
PEAK_HOURS = 3
LOSSES = (Loss(600.0, 0.35), Loss(20_000.0, 0.30), Loss(60_000.0, 0.45))
STEP_S = 1.0
REPORT_EVERY = 5
ENVELOPE_W = 440.0
"""2 per cent of the rating."""


def prices() -> list[Decimal]:
    """Cents per kilowatt hour, one per hour of `DAY`."""
    if not PRICES.is_file():
        pytest.skip(f"no spot prices beside the repository ({PRICES.name})")
    with PRICES.open(newline="") as file:
        rows = {row["hour"][:13]: Decimal(row["price"]) for row in csv.DictReader(file)}
    return [rows[(DAY + timedelta(hours=hour)).strftime("%Y-%m-%dT%H")] for hour in range(24)]


def events(day: list[Decimal]) -> list[dict[str, Any]]:
    """What an aggregator says about the day: its prices, and a limit in the dearest hours."""
    start = EPOCH.strftime("%Y-%m-%dT%H:%M:%SZ")
    dearest = sorted(range(24), key=lambda hour: day[hour])[-PEAK_HOURS:]
    return [
        {
            "id": "prices",
            "programID": "p",
            "intervalPeriod": {"start": start, "duration": "PT1H"},
            "payloadDescriptors": [{"payloadType": "PRICE", "units": "KWH", "currency": "EUR"}],
            "intervals": [
                {"id": hour, "payloads": [{"type": "PRICE", "values": [str(price / 100)]}]}
                for hour, price in enumerate(day)
            ],
        },
        *(
            {
                "id": f"peak-{hour}",
                "programID": "p",
                "intervalPeriod": {
                    "start": (EPOCH + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "duration": "PT1H",
                },
                "intervals": [{"id": 0, "payloads": [{"type": "IMPORT_CAPACITY_LIMIT", "values": [PEAK_LIMIT.kw]}]}],
            }
            for hour in dearest
        ),
    ]


@dataclass
class Told:
    """What was seen over the day."""

    limits: set[LimitSource] = field(default_factory=set)
    worst_w: float = 0.0
    """The most that was drawn above the cap."""
    peak_seconds: int = 0
    shed_seconds: int = 0
    changes: int = 0


class Day:
    """The station, its sources, and the clock of the day."""

    def __init__(self, folder: Path, day: list[Decimal], hours: float) -> None:
        self.site = Site(folder, commissioned=False)
        self.openadr = OpenAdrSource(
            OpenAdrRules(RATING, (None, None, None, None), emergency=Power(0)), random=lambda: 0.5
        )
        self.openadr.received(events(day), Stamp(self.site.clock.monotonic(), self.site.clock.utc()))
        self.frequency = FrequencySource(FrequencyRules(Product.FCR_D), on=True)
        signals = self.site.manager.signals
        signals.add_source(self.openadr)
        self.speak = signals.add_source(self.frequency)
        self.samples = trace(3600 * hours, seed=7, losses=LOSSES)
        self.told = Told()
        self._reports = 0

    async def pass_by(self, seconds: int) -> Told:
        """Second by second: ten samples of frequency, a report now and then, and a look at what holds."""
        self.site.manager.connected(self._hello())
        for second in range(seconds):
            self._sample(second)
            if second % REPORT_EVERY == 0:
                self.site.manager.reported(self.site._report())
            self._look()
            await asyncio.sleep(STEP_S)
        return self.told

    def _hello(self) -> Hello:
        return Hello(StationId("S-1"), "boot", (capability(1), capability(2)))

    def _sample(self, second: int) -> None:
        for number, hz in zip(range(RATE), self.samples, strict=False):
            if self.frequency.sampled(hz, Monotonic(second + number / RATE)):
                self.speak()
                self.told.changes += 1

    def _look(self) -> None:
        state, response = self.site.manager.signals.state, self.frequency.response
        drawn = self.site._report().ac_power
        assert drawn is not None
        self.told.worst_w = max(self.told.worst_w, drawn.w - state.cap.w)
        self.told.limits.add(state.source)
        if self.openadr.foreseen(self.site.clock.utc()).cap is not None:
            self.told.peak_seconds += 1
            assert state.cap <= PEAK_LIMIT
        if response.hz is not None and response.hz < 49.9:
            self.told.shed_seconds += 1
            assert state.cap <= droop(response.baseline, response.hz)


def passed(folder: Path, hours: float) -> tuple[Day, Told]:
    """A day, or its first hours."""
    day = prices()

    async def whole() -> tuple[Day, Told]:
        made = Day(folder, day, hours)
        tasks = [asyncio.ensure_future(one) for one in (made.site.manager.signals.run(), made.site.manager.run())]
        await made.site.manager.signals.listening.wait()
        try:
            return made, await made.pass_by(round(3600 * hours))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        return runner.run(whole())


def check(told: Told) -> None:
    assert told.worst_w <= ENVELOPE_W
    assert LimitSource.FREQUENCY in told.limits
    assert told.shed_seconds > 0


def test_a_quarter_of_an_hour_with_the_loss_of_a_plant(tmp_path: Path) -> None:
    _, told = passed(tmp_path, 0.25)
    check(told)


@pytest.mark.slow
def test_a_day_of_prices_limits_and_frequency(tmp_path: Path) -> None:
    _, told = passed(tmp_path, 24.0)
    check(told)
    assert LimitSource.AGGREGATOR in told.limits
    assert told.peak_seconds == 3600 * PEAK_HOURS
    assert 0.002 * 86_400 < told.shed_seconds < 0.03 * 86_400
    assert told.changes < 86_400


def test_the_plan_charges_when_the_day_is_cheap(tmp_path: Path) -> None:
    day, _ = passed(tmp_path, 0.01)
    manager = day.site.manager

    async def asked() -> Any:
        return manager._question()

    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        problem = runner.run(asked())
    assert problem is not None
    assert problem.price is not None
    hourly = [float(price / 100) for price in prices()]
    assert problem.price[0] == pytest.approx(hourly[0])
    assert min(hourly) - 1e-9 <= min(problem.price) <= max(problem.price) <= max(hourly) + 1e-9
    plan = solve(problem, 10.0)
    assert cost(plan.power_w.values(), problem) <= greedy(problem) + 1e-6


def cost(rows: Any, problem: Any) -> float:
    return math.fsum(
        watts / 1000 * seconds / 3600 * each
        for row in rows
        for watts, seconds, each in zip(row, problem.steps_s, problem.price, strict=True)
    )


def greedy(problem: Any) -> float:
    """What the same energy costs when every vehicle takes what it can at once."""
    left = {session.connector: session.need_wh for session in problem.sessions}
    return cost(list(_greedy_rows(problem, left)), problem)


def _greedy_rows(problem: Any, left: dict[int, float]) -> Iterator[list[float]]:
    free = list(problem.cap_w)
    for session in problem.sessions:
        row = []
        for number, seconds in enumerate(problem.steps_s):
            watts = min(free[number], session.max_w, left[session.connector] * 3600 / seconds)
            free[number] -= watts
            left[session.connector] -= watts * seconds / 3600
            row.append(watts)
        yield row
