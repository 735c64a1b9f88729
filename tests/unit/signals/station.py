"""A station's grid side on a loop of its own time: the real service and server, a clock that is the loop's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import async_solipsism

from powerctl.core.clock import Monotonic
from powerctl.core.record import GridEvent
from powerctl.core.units import Power
from powerctl.runtime.clock_quality import Quality
from powerctl.signals.arbitration import GridState
from powerctl.signals.service import GridSignals
from powerctl.signals.settings import GridSettings
from tests.contract.modbus.peer import Peer

SLOT_0 = 40448
HEARTBEAT = SLOT_0 + 23
PEERS = ["127.0.0.0/8", "::1"]
RATING = Power(22_000)
EPOCH = datetime(2026, 11, 1, 12, tzinfo=UTC)


class LoopClock:
    """The running loop's time on both clocks."""

    def monotonic(self) -> Monotonic:
        return Monotonic(asyncio.get_running_loop().time())

    def utc(self) -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


def grid_settings(*, port: int = 0, tcp: dict[str, Any] | None = None, **slot: Any) -> GridSettings:
    base = {
        "index": 0,
        "source": "dso",
        "commissioned": True,
        "writers": PEERS,
        "failsafe_w": 4200,
        "failsafe_min_s": 7200,
        "heartbeat_timeout_s": 5,
    }
    return GridSettings.model_validate(
        {
            "modbus_tcp": {"port": port, **(tcp or {})},
            "slots": [{**base, **slot}],
            "installers": PEERS,
            "trust_clock": True,
        }
    )


class Station:
    """What the service told, and a way to reach it."""

    def __init__(self, settings: GridSettings, state_dir: Path) -> None:
        self.states: list[GridState] = []
        self.events: list[GridEvent] = []
        self.quality = Quality.FREE_RUNNING
        self.controller: list[str] | None = None
        """What the controller was asked for. None: there is none."""
        self.signals = GridSignals(
            settings,
            clock=LoopClock(),
            rating=RATING,
            state_dir=state_dir,
            on_change=self.states.append,
            on_event=self.events.append,
            reset_alarms=self._reset_alarms,
            quality=lambda: self.quality,
        )

    @property
    def cap_w(self) -> float:
        return self.states[-1].cap.w

    def _reset_alarms(self) -> bool:
        if self.controller is not None:
            self.controller.append("reset")
        return self.controller is not None

    async def connect(self) -> Peer:
        return await Peer.connect(self.signals.port)


@contextlib.asynccontextmanager
async def running(state_dir: Path, settings: GridSettings | None = None) -> AsyncIterator[Station]:
    station = Station(settings or grid_settings(), state_dir)
    task = asyncio.create_task(station.signals.run())
    ready = asyncio.create_task(station.signals.listening.wait())
    await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    try:
        yield station
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


def play(story: Callable[[Station], Awaitable[None]], state_dir: Path, settings: GridSettings | None = None) -> Station:
    """Run `story` against a station in virtual time."""

    async def whole() -> Station:
        async with running(state_dir, settings or grid_settings(port=5020)) as station:
            await story(station)
            return station

    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        return runner.run(whole())
