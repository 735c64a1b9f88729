"""From a step of the line frequency to the setpoint in the charging controller's hands, over real gRPC.

The frequency is sampled twenty times a second; steps come at random instants, so that the phase of sampling is in the
figure. What the controller needs from the setpoint to its modules is in `bench_station.py`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from powerctl.app.manager import EnergyManager
from powerctl.core.units import Power
from powerctl.dispatch.settings import DispatchSettings
from powerctl.runtime import pki
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.health import Health
from powerctl.runtime.settings import TlsFiles
from powerctl.signals.sources.frequency import FrequencyRules, FrequencySource, Product
from tests.bench.table import Figure, show
from tests.integration.manager.controller import ScriptedController, eventually
from tests.scenarios.grid.rig import manager_settings, station_settings

SAMPLE_S = 0.05
STEPS = 60
FLOOR = Power(2000.0)
NOMINAL_HZ, LOW_HZ = 50.0, 49.45


class Line:
    """A line whose frequency is measured, and the response to it."""

    def __init__(self, manager: EnergyManager, product: Product) -> None:
        self.hz = NOMINAL_HZ
        self.source = FrequencySource(FrequencyRules(product, FLOOR), on=True)
        self.speak: Callable[[], None] = manager.signals.add_source(self.source)

    async def measure(self) -> None:
        while True:
            if self.source.sampled(self.hz, SystemClock().monotonic()):
                self.speak()
            await asyncio.sleep(SAMPLE_S)

    def recover(self) -> None:
        self.hz = NOMINAL_HZ
        for on in (False, True):
            self.source.arm(on=on)
            self.speak()


@asynccontextmanager
async def running(folder: Path, product: Product) -> AsyncIterator[tuple[Line, ScriptedController]]:
    authority = pki.create_ca(folder / "pki", "Measured")
    server: TlsFiles = pki.issue(authority, "manager", server_names=["localhost"])
    settings = manager_settings(heartbeat_timeout_s=0)
    grid = settings.grid.model_copy(
        update={"modbus_tcp": settings.grid.modbus_tcp.model_copy(update={"port": 0}), "slots": ()}
    )
    allocation = settings.allocation.model_copy(update={"ramp_up_w_s": 1e6, "calm_s": 0.0})
    settings = settings.model_copy(
        update={"grid": grid, "allocation": allocation, "dispatch": DispatchSettings(port=0, tls=server)}
    )
    manager = EnergyManager(station_settings(folder), settings, SystemClock(), Health())
    line = Line(manager, product)
    await manager.server.start()
    tasks = asyncio.gather(manager.signals.run(), manager.server.run(), manager.run(), line.measure())
    try:
        async with ScriptedController(manager.server.port, pki.issue(authority, "S-1", client=True)) as controller:
            controller.plug(1, committed_kw=5.0, min_kw=0.5, minutes_ago=9)
            controller.plug(2, committed_kw=5.0, min_kw=0.5)
            yield line, controller
    finally:
        tasks.cancel()
        with suppress(asyncio.CancelledError):
            await tasks


def drawn(controller: ScriptedController) -> float:
    return controller.limit_w(1) + controller.limit_w(2)


async def step(line: Line, controller: ScriptedController, chance: random.Random) -> float:
    """Milliseconds from the step to the last setpoint that sheds."""
    await eventually(lambda: drawn(controller) > 15_000.0)
    await asyncio.sleep(0.3 + SAMPLE_S * chance.random())
    line.hz, started = LOW_HZ, time.monotonic()
    await eventually(lambda: drawn(controller) <= FLOOR.w)
    shed_at = controller.setpoints[-1][0]
    line.recover()
    return 1000 * (shed_at - started)


@pytest.mark.parametrize("product", list(Product))
async def test_a_step_of_frequency(tmp_path: Path, product: Product) -> None:
    chance = random.Random(3)
    async with running(tmp_path, product) as (line, controller):
        delays = sorted([await step(line, controller, chance) for _ in range(STEPS)])
    show(
        f"Frequency step to {LOW_HZ} Hz, {product.value}, {STEPS} times, sampled each {1000 * SAMPLE_S:.0f} ms",
        [
            Figure("Step to the setpoint of both connectors, median", delays[len(delays) // 2], "ms"),
            Figure("Step to the setpoint of both connectors, p99", delays[int(0.99 * (STEPS - 1))], "ms", 150),
            Figure("Step to the setpoint of both connectors, longest", delays[-1], "ms"),
        ],
    )
