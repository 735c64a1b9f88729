"""One connector of ours and one simulated car, in virtual time: everything real but sockets, threads and the disk."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn, Self, TypeVar

import async_solipsism

from edge.can.fake import FakeBus
from edge.can.frame import Frame
from edge.chademo.config import ConnectorConfig
from edge.chademo.session import idle
from edge.control.books import Books
from edge.control.connector import Connector
from edge.control.journal import Journal
from edge.control.parts import Parts
from edge.control.recorder import Recorder
from edge.hardware.plant_lines import PlantState
from edge.hardware.simulated_connector import SimulatedConnector
from edge.sim import speech, vehicle
from edge.sim.models import MODELS
from powerctl.core.clock import Monotonic
from powerctl.core.fault import Fault
from powerctl.core.ids import ConnectorId
from powerctl.core.record import Body, Record
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Command, Limit, LimitSource, Setpoint
from powerctl.core.units import Current, Power, Voltage
from powerctl.runtime.clock_quality import Quality
from powerctl.runtime.outbox import OutboxFull

B = TypeVar("B")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = ConnectorConfig(
    connector=ConnectorId(1),
    max_power=Power(22_000.0),
    max_current=Current(60.0),
    max_voltage=Voltage(500.0),
    min_power=Power(1000.0),
    test_hold_s=0.5,
)


class LoopClock:
    """The event loop's time, virtual or not."""

    def monotonic(self) -> Monotonic:
        return Monotonic(asyncio.get_running_loop().time())

    def utc(self) -> datetime:
        return NEW_YEAR + timedelta(seconds=asyncio.get_running_loop().time())


class MemoryOutbox:
    """An outbox whose disk can be full."""

    def __init__(self) -> None:
        self.full = False
        self.stored: list[Body] = []

    async def append(self, record: Record, *, record_id: str = "") -> int:
        if self.full:
            raise OutboxFull("no room")
        self.stored.append(record.body)
        return len(self.stored)

    def append_soon(self, record: Record) -> None:
        self.stored.append(record.body)


class MemoryPlant:
    """The car's side of the plug, without a socket."""

    def __init__(self, on_change: Callable[[PlantState], None]) -> None:
        self.state = PlantState()
        self.is_alive = True
        self.orders: dict[str, float] = {"d1": 0, "d2": 0, "lock": 0, "v_src": 0, "i": 0}
        self._on_change = on_change

    def order(self, **values: float | int) -> None:
        self.orders.update(values)

    def show(self, state: PlantState) -> None:
        if state != self.state:
            self.state = state
            self._on_change(state)

    async def run(self) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError


class ConnectorStory:
    """A connector and a car that live together until the story ends."""

    def __init__(
        self,
        folder: Path,
        *,
        model: str = "leaf40",
        soc: float = 40.0,
        fallback_w: float = 6000.0,
        quality: Quality = Quality.FREE_RUNNING,
    ):
        self._quality = quality
        self.folder = folder
        self.fallback = Power(fallback_w)
        self.outbox = MemoryOutbox()
        self.bus = FakeBus()
        self.car = vehicle.parked(MODELS[model], soc)
        self.highest_w = 0.0
        self.news = 0
        self._sequence = 0

    async def __aenter__(self) -> Self:
        self.clock = LoopClock()
        self.journal = Journal(self.folder / "control.sqlite")
        self.hardware = SimulatedConnector(
            self._open_plant,
            connector=1,
            max_power=CONFIG.max_power,
            folder=self.folder,
            clock=self.clock,
            on_lines=lambda: self.connector.lines_changed(),
        )
        recorder = Recorder(self.outbox, self.clock, _at_once)
        port = self.bus.attach(lambda frame: self.connector.frame(frame))
        self._car_port = self.bus.attach(self._car_hears)
        self.connector = Connector(
            Parts(
                CONFIG,
                self.hardware.hardware,
                port,
                Books(recorder, self.journal),
                self.clock,
                quality=lambda: self._quality,
            ),
            idle(CONFIG, self.journal.faults(ConnectorId(1))),
            fallback=self.fallback,
            on_change=self._count_news,
            open_session=self.journal.sessions().get(ConnectorId(1)),
        )
        port.start()
        self._car_port.start()
        self.connector.introduce()
        self._running = [
            asyncio.create_task(job)
            for job in (recorder.run(), self.connector.run(0.0), self._physics(), self._car_talks())
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._running:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self.journal.close()
        self.hardware.close()

    # What happens.

    def plug(self, *, on: bool = True) -> None:
        self.car = vehicle.advance(self.car, vehicle.Plug(on), self.clock.monotonic())
        self._show()

    def driver_presses_stop(self) -> None:
        self.car = vehicle.advance(self.car, vehicle.PressStop(), self.clock.monotonic())

    def grants(
        self, limit_w: float, *, command: Command = Command.RUN, settle_s: float = 2.0, for_s: float = 3.0
    ) -> None:
        self._sequence += 1
        reasons = (Limit(LimitSource.DSO, Power(limit_w), "The grid operator limits the station."),)
        setpoint = Setpoint(ConnectorId(1), self._sequence, command, Power(limit_w), for_s, settle_s, reasons)
        assert self.connector.setpoint(setpoint)

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def reaches(self, state: ConnectorState, within_s: float = 30.0) -> None:
        async with asyncio.timeout(within_s):
            while self.connector.state is not state:  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(0.02)

    async def charges_at_will(self) -> None:
        """Plugged in, started, ramped up."""
        self.plug()
        await self.passes(0.2)
        self.grants(22_000, for_s=60)
        assert self.connector.start("c-1") is None
        await self.reaches(ConnectorState.CHARGING)
        await self.passes(4)

    # What is seen.

    @property
    def power_w(self) -> float:
        return self.hardware.stage.measure().power.w

    @property
    def plant(self) -> MemoryPlant:
        assert isinstance(self.hardware.link, MemoryPlant)
        return self.hardware.link

    def records(self, kind: type[B]) -> list[B]:
        return [body for body in self.outbox.stored if isinstance(body, kind)]

    # How it works.

    def _open_plant(self, on_change: Callable[[PlantState], None]) -> MemoryPlant:
        return MemoryPlant(on_change)

    def _count_news(self) -> None:
        self.news += 1

    def _car_hears(self, frame: Frame) -> None:
        self.car = vehicle.advance(self.car, vehicle.Frame(frame.frame_id, frame.data), self.clock.monotonic())

    async def _physics(self) -> None:
        while True:
            self.hardware.step()
            self.highest_w = max(self.highest_w, self.power_w)
            orders, now = self.plant.orders, self.clock.monotonic()
            for event in (
                vehicle.Supply(orders["v_src"], orders["i"]),
                vehicle.Wires(d1=bool(orders["d1"]), d2=bool(orders["d2"])),
                vehicle.Tick(),
            ):
                self.car = vehicle.advance(self.car, event, now)
            self._show()
            await asyncio.sleep(0.05)

    def _show(self) -> None:
        if self.plant.is_alive:
            car = self.car
            self.plant.show(PlantState(car.k, car.plugged, car.contactor, Voltage(round(car.inlet_v, 1))))

    async def _car_talks(self) -> None:
        while True:
            frames = speech.frames_due(self.car, self.clock.monotonic())
            self._car_port.send(Frame(frame_id, data) for frame_id, data in frames)
            await asyncio.sleep(0.1)


def in_virtual_time(story: Awaitable[None]) -> None:
    """Run `story`; sleeping costs nothing."""

    async def awaited() -> None:
        await story

    with warnings.catch_warnings(), asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        # Two timers may differ by less than the virtual clock can tell; asyncio runs both then.
        warnings.simplefilter("ignore", async_solipsism.exceptions.ResolutionWarning)
        runner.run(awaited())


async def _at_once(change: Callable[[], None]) -> None:
    change()


def a_fault(code: str) -> Fault:
    return Fault(code, "It is broken.", latched=True)
