"""A whole energy manager in virtual time: real registers, real arbitration, real fast path; two vehicles that obey."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import async_solipsism

from powerctl.app.manager import EnergyManager
from powerctl.app.manager_settings import AllocationSettings, ManagerSettings, PlanSettings
from powerctl.core.clock import Monotonic
from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.ids import ConnectorId, StationId
from powerctl.core.record import GridEvent, Record, StationLimits
from powerctl.core.setpoint import Setpoint
from powerctl.core.units import Current, Power
from powerctl.dispatch.settings import DispatchSettings
from powerctl.runtime.health import Health
from powerctl.runtime.settings import HttpListener, TlsFiles
from powerctl.runtime.station import StationSettings
from powerctl.sim.grid import Act, Answer, Player
from powerctl.wire.dispatch import Hello
from tests.contract.modbus.peer import Peer
from tests.unit.allocation.station import capability, report
from tests.unit.signals.station import EPOCH, grid_settings

AUXILIARY_W, EFFICIENCY = 150.0, 0.95
REPORT_S = 0.1
NOWHERE = TlsFiles(ca=Path("ca"), certificate=Path("certificate"), key=Path("key"))


class JumpingClock:
    """The loop's time; its wall clock jumps when told."""

    def __init__(self) -> None:
        self.jumped = timedelta()

    def monotonic(self) -> Monotonic:
        return Monotonic(asyncio.get_running_loop().time())

    def utc(self) -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time()) + self.jumped


class Site:
    """The station, and everything it said with its time."""

    def __init__(self, folder: Path, **slot: Any) -> None:
        self.clock = JumpingClock()
        self.setpoints: list[tuple[float, Setpoint]] = []
        self.events: list[GridEvent] = []
        self.caps: list[tuple[float, float]] = []
        self.reports = {
            ConnectorId(number): report(number, committed_kw=5.0, min_kw=0.5, minutes_ago=number) for number in (1, 2)
        }
        self.health = Health()
        self.manager = EnergyManager(station_settings(folder), manager_settings(**slot), self.clock, self.health)
        self.manager.server = self  # type: ignore[assignment]
        self.changed = asyncio.Event()

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def cap_w(self) -> float:
        return self.manager.signals.state.cap.w

    def send_setpoint(self, setpoint: Setpoint) -> None:
        self.setpoints.append((self.now, setpoint))
        seen = self.reports[setpoint.connector]
        power = min(setpoint.limit, seen.target)
        self.reports[setpoint.connector] = replace(
            seen,
            committed=setpoint.limit,
            applied_sequence=setpoint.sequence,
            current=Current(power.w / seen.voltage.v),
        )

    def send_limits(self, limits: StationLimits) -> None:
        if not self.caps or self.caps[-1][1] != limits.cap.w:
            self.caps.append((self.now, limits.cap.w))

    def send_record(self, record: Record) -> None:
        assert isinstance(record.body, GridEvent)
        self.events.append(record.body)

    def remind(self) -> None:
        """Nothing is lost here."""

    async def drive(self) -> None:
        """Ten reports a second."""
        self.manager.connected(Hello(StationId("S-1"), "boot", (capability(1), capability(2))))
        while True:
            self.manager.reported(self._report())
            await asyncio.sleep(REPORT_S)

    def _report(self) -> StationReport:
        connectors: tuple[ConnectorReport, ...] = tuple(self.reports.values())
        drawn = AUXILIARY_W + sum(connector.power.w for connector in connectors) / EFFICIENCY
        return StationReport(datetime.now(UTC), Power(drawn), None, connectors)

    async def suffer(self, acts: Any) -> list[Answer]:
        """What the station answers to a script."""
        return [answer async for answer in Player(self.manager.signals.port).play(iter(acts))]

    async def peer(self) -> Peer:
        return await Peer.connect(self.manager.signals.port)

    def changes(self, connector: int, since: float) -> list[tuple[float, float]]:
        """Instants at which the connector's limit changed, and to what, watts DC; renewals are none."""
        found: list[tuple[float, float]] = []
        for at, setpoint in self.setpoints:
            if setpoint.connector == connector and (not found or found[-1][1] != setpoint.limit.w):
                found.append((at, setpoint.limit.w))
        return [change for change in found if change[0] > since]


def play(story: Callable[[Site], Awaitable[None]], folder: Path, **slot: Any) -> Site:
    """Run `story` in virtual time."""

    async def whole() -> Site:
        site = Site(folder, **slot)
        tasks = [asyncio.ensure_future(one) for one in (site.manager.signals.run(), site.manager.run(), site.drive())]
        ready = asyncio.ensure_future(site.manager.signals.listening.wait())
        await asyncio.wait([ready, *tasks], return_when=asyncio.FIRST_COMPLETED)
        try:
            told = asyncio.ensure_future(story(site))
            await asyncio.wait([told, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in (*tasks, told):
                if task.done():
                    task.result()
            return site
        finally:
            for task in (told, *tasks):
                task.cancel()
            await asyncio.wait([told, *tasks])

    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        return runner.run(whole())


def acts(*scripts: Any) -> list[Act]:
    """Several scripts, one after the other."""
    return [act for script in scripts for act in script]


def station_settings(folder: Path) -> StationSettings:
    connectors = [
        {
            "id": number,
            "type": "chademo",
            "position": position,
            "max_power_w": 22000,
            "max_current_a": 60,
            "max_voltage_v": 500,
            "min_power_w": 500,
            "fallback_w": 5000,
        }
        for number, position in ((1, "left"), (2, "right"))
    ]
    return StationSettings.model_validate(
        {"id": "S-1", "display_name": "Test", "rating_w": 22000, "state_dir": folder, "connector": connectors}
    )


def manager_settings(**slot: Any) -> ManagerSettings:
    return ManagerSettings(
        grid=grid_settings(port=5020, **{"heartbeat_timeout_s": 60, **slot}),
        allocation=AllocationSettings(efficiency=((22000, EFFICIENCY),), auxiliary_w=AUXILIARY_W),
        dispatch=DispatchSettings(port=0, tls=NOWHERE),
        plan=PlanSettings(enabled=False),
        http=HttpListener(port=0),
    )
