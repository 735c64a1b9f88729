"""The energy manager between a real Modbus client and a scripted controller over real gRPC."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pymodbus.client import AsyncModbusTcpClient

from powerctl.app import manager as manager_module
from powerctl.app.manager import EnergyManager
from powerctl.app.manager_settings import ManagerSettings, PlanSettings
from powerctl.core.record import GridEventKind
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.health import Health
from powerctl.runtime.settings import TlsFiles
from powerctl.runtime.station import StationSettings
from powerctl.signals.register_map import REGISTER_MAP
from tests.integration.manager.controller import AUXILIARY_W, EFFICIENCY, ScriptedController, eventually

pytestmark = pytest.mark.integration


class Utility:
    """Writes slot 0 as a DSO would."""

    def __init__(self, client: AsyncModbusTcpClient) -> None:
        self._client = client
        self._beat = 0

    async def limit(self, watts: int) -> None:
        await self._write("Hb", self._beat)
        self._beat += 1
        await self._write("Hb", self._beat)
        await self._write("LimW", watts)
        await self._write("Ena", 1)

    async def lower(self, watts: int) -> float:
        """Write the limit alone; the instant of its acknowledgement."""
        await self._write("LimW", watts)
        return time.monotonic()

    async def _write(self, point: str, value: int) -> None:
        response = await self._client.write_register(REGISTER_MAP.by_path[f"64300.Src.0.{point}"].address, value)
        assert not response.isError(), response


@asynccontextmanager
async def _running(
    station: StationSettings, settings: ManagerSettings
) -> AsyncIterator[tuple[EnergyManager, Utility, Health]]:
    health = Health()
    manager = EnergyManager(station, settings, SystemClock(), health)
    await manager.server.start()
    tasks: list[Awaitable[Any]] = [manager.signals.run(), manager.server.run(), manager.run()]
    if manager.planning.process is not None:
        tasks.append(manager.planning.process.run())
    running = asyncio.gather(*tasks)
    client = None
    try:
        await eventually(lambda: manager.signals.port != 0 or running.done())
        client = AsyncModbusTcpClient("127.0.0.1", port=manager.signals.port)
        await client.connect()
        yield manager, Utility(client), health
    finally:
        if client is not None:
            client.close()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def _dc_w(cap_w: float) -> float:
    return (cap_w - AUXILIARY_W) * EFFICIENCY


@asynccontextmanager
async def _two_cars(manager: EnergyManager, tls: TlsFiles) -> AsyncIterator[ScriptedController]:
    controller = ScriptedController(manager.server.port, tls)
    controller.plug(1, committed_kw=5.0, min_kw=0.5, minutes_ago=9)
    controller.plug(2, committed_kw=5.0, min_kw=0.5)
    async with controller:
        yield controller


def _shares(controller: ScriptedController, cap_w: float) -> Callable[[], bool]:
    """Both connectors have their half of `cap_w`."""
    half_w = _dc_w(cap_w) / 2
    return lambda: all(abs(controller.limit_w(connector) - half_w) < 150.0 for connector in (1, 2))


def _answers(controller: ScriptedController, before: int) -> Callable[[], bool]:
    """Both connectors have had a setpoint since there were `before`."""
    return lambda: len({setpoint.connector for _, setpoint in controller.setpoints[before:]}) == 2


async def test_starts_limited_and_follows_the_grid(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager_module, "_FLEXIBILITY_S", 0.1)
    async with (
        _running(station, settings) as (manager, utility, health),
        _two_cars(manager, client_tls) as controller,
    ):
        await eventually(_shares(controller, 4200.0))
        assert controller.newest(1).reasons[0].source is LimitSource.FAILSAFE
        await utility.limit(22000)
        await eventually(_shares(controller, 22000.0))
        await eventually(lambda: controller.newest(1).reasons[0].source is LimitSource.SHARE)
        await utility.lower(8000)
        await eventually(_shares(controller, 8000.0))
        newest = controller.newest(1)
        assert (newest.reasons[0].source, newest.settle_s) == (LimitSource.DSO, 2.0)
        await eventually(lambda: controller.limits[-1].cap == Power(8000.0))
        # Sooner than it is told anew anyway.
        await eventually(lambda: 6_000 < (controller.limits[-1].flexibility[0].down_ac_w or 0) <= 8_000, 20)
        assert health.healthy


async def test_the_evidence_says_when_the_station_complied(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles
) -> None:
    async with _running(station, settings) as (manager, utility, _), _two_cars(manager, client_tls) as controller:
        await utility.limit(22000)
        await eventually(_shares(controller, 22000.0))
        await utility.lower(8000)
        wanted = {GridEventKind.APPLIED, GridEventKind.COMPLIED}
        await eventually(lambda: wanted <= {e.kind for e in controller.events() if e.cap == Power(8000.0)})
        complied = next(e for e in controller.events() if e.kind is GridEventKind.COMPLIED and e.cap == Power(8000.0))
        assert complied.measured is not None
        assert complied.measured.w <= 8200.0


async def test_a_lower_limit_reaches_the_controller_in_milliseconds(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles
) -> None:
    delays = []
    async with _running(station, settings) as (manager, utility, _), _two_cars(manager, client_tls) as controller:
        await utility.limit(22000)
        await eventually(_shares(controller, 22000.0))
        for cap_w in range(20000, 8000, -600):
            before = len(controller.setpoints)
            started = time.monotonic()
            await utility.lower(cap_w)
            await eventually(_answers(controller, before))
            delays.append(controller.setpoints[before][0] - started)
            await eventually(_shares(controller, cap_w))
    # From the write to the setpoint in the controller's hands: 5 ms on a quiet machine.
    assert statistics.median(delays) < 0.050


async def test_power_waits_for_a_connector_that_does_not_come_down(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles
) -> None:
    async with _running(station, settings) as (manager, utility, _):
        controller = ScriptedController(manager.server.port, client_tls, obeys=False)
        controller.plug(1, committed_kw=20.0, minutes_ago=9)
        controller.plug(2, state=ConnectorState.STARTING)
        async with controller:
            await utility.limit(22000)
            await eventually(lambda: 9000.0 < controller.limit_w(1) < 12000.0)
            await asyncio.sleep(0.5)
            assert controller.limit_w(2) < 1000.0
            assert controller.newest(2).reasons[0].source is LimitSource.HANDOVER
            controller.obeys = True
            await eventually(lambda: controller.limit_w(2) > 9000.0)


async def test_leases_are_renewed_every_second(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles
) -> None:
    async with _running(station, settings) as (manager, _, _), _two_cars(manager, client_tls) as controller:
        await eventually(_shares(controller, 4200.0))
        controller.setpoints.clear()
        await eventually(lambda: len([s for _, s in controller.setpoints if s.connector == 1]) >= 3)
        times = [at for at, s in controller.setpoints if s.connector == 1]
        assert all(0.9 < later - earlier < 1.5 for earlier, later in pairwise(times))


async def test_an_emergency_reaches_every_connector(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles
) -> None:
    async with _running(station, settings) as (manager, utility, _), _two_cars(manager, client_tls) as controller:
        await utility.limit(22000)
        await eventually(_shares(controller, 22000.0))
        await utility._write("Mode", 3)
        await utility._write("Ena", 1)
        await eventually(lambda: {controller.newest(c).command for c in (1, 2)} == {Command.EMERGENCY})


async def test_a_lost_controller_makes_the_manager_unwell_and_comes_back(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles
) -> None:
    async with _running(station, settings) as (manager, _, health):
        async with _two_cars(manager, client_tls) as first:
            await eventually(_shares(first, 4200.0))
        await eventually(lambda: not health.healthy)
        async with _two_cars(manager, client_tls) as second:
            await eventually(_shares(second, 4200.0))
            assert health.healthy
            assert min(s.sequence for _, s in second.setpoints) > max(s.sequence for _, s in first.setpoints)


def _plans(result: str) -> float:
    return REGISTRY.get_sample_value("powerctl_plan_total", {"result": result}) or 0.0


@pytest.mark.slow
async def test_a_killed_plan_process_changes_nothing_but_a_metric(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles
) -> None:
    planned = settings.model_copy(update={"plan": PlanSettings(interval_s=1.0, deadline_s=60.0)})
    used, died = _plans("used"), _plans("died")
    async with _running(station, planned) as (manager, utility, _), _two_cars(manager, client_tls) as controller:
        await utility.limit(22000)
        await eventually(_shares(controller, 22000.0))
        await eventually(lambda: _plans("used") > used, within_s=60.0)
        process = manager.planning.process
        assert process is not None
        assert process.pid is not None
        controller.setpoints.clear()
        os.kill(process.pid, signal.SIGKILL)
        await eventually(lambda: _plans("died") > died, within_s=30.0)
        await eventually(_shares(controller, 22000.0))
        assert all(abs(s.limit.w - _dc_w(22000.0) / 2) < 150.0 for _, s in controller.setpoints)
