"""`powerctl-edge control`: composes the controller from its settings, runs it, and leaves every output off."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, get_args
from uuid import uuid4

from edge.can.frame import Frame
from edge.can.port import PythonCanPort
from edge.chademo.session import idle
from edge.control.assembly import Assembly
from edge.control.attendant import Archive, PanelDesk
from edge.control.blackbox import BlackBox
from edge.control.books import Books
from edge.control.commands import CommandDesk
from edge.control.connector import Connector
from edge.control.dispatch_client import DispatchClient, dial_tls
from edge.control.door import DoorWatch
from edge.control.guard import Guard, is_needed
from edge.control.journal import Journal, journal_path
from edge.control.parts import Parts
from edge.control.realtime import Collector, Life, Watchdogs, claim, collected_by_hand, log_off_thread
from edge.control.recorder import Recorder
from edge.control.settings import EdgeConnectorSettings, EdgeSettings, check_readable, load_settings
from edge.control.signed import SignedRecords
from edge.control.station import Station, tell_forever
from edge.control.transaction import RESTARTED, OpenSession, reading
from edge.control.uploads import Uploads
from edge.control.window import Window, connector_view, module_view, window_path
from powerctl.core.clock import Clock, after
from powerctl.core.ids import ConnectorId, StationId
from powerctl.core.order import ManagerAction, UploadBlackBox
from powerctl.core.record import CommandResult, ConnectorDescription, SecurityEvent, StationStarted
from powerctl.core.session import ConnectorState, StopReason
from powerctl.core.topology import ConnectorCapability
from powerctl.runtime import log, metrics
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.clock_quality import Quality, clock_quality
from powerctl.runtime.health import Health, HealthServer
from powerctl.runtime.outbox import CommandBox
from powerctl.runtime.outbox_writer import OutboxWriter
from powerctl.runtime.service import notify_ready, run_service
from powerctl.runtime.station import StationSettings
from powerctl.wire.dispatch import Hello

WIND_DOWN_S: Final = 2.0
"""For the vehicles to end their charge when the program is told to stop; then the outputs go off anyway."""
DRAIN_S: Final = 0.5
HEALTH_EVERY_S: Final = 0.5
QUIET: Final = frozenset(
    {ConnectorState.AVAILABLE, ConnectorState.OCCUPIED, ConnectorState.FINISHED, ConnectorState.FAULTED}
)
SHUT_DOWN: Final = "The controller is being shut down."

_log = log.get(__name__)


@dataclass(slots=True)
class Storage:
    """Everything that is kept on disk."""

    journal: Journal
    writer: OutboxWriter
    mailbox: CommandBox
    recorder: Recorder
    books: Books


class Control:
    """The controller of one station."""

    def __init__(
        self, station: StationSettings, edge: EdgeSettings, storage: Storage, clock: Clock, guard: Guard | None = None
    ) -> None:
        self._guard = guard
        self._collector = Collector()
        self._settings = station
        self._storage = storage
        self._clock = clock
        self._boot_id = uuid4().hex
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buses: list[PythonCanPort] = []
        self._boxes: dict[ConnectorId, BlackBox] = {}
        self._connectors: dict[ConnectorId, Connector] = {}
        self._health = Health()
        self._trusts_clock = edge.trust_clock
        metrics.begin("edge-control", version("powerctl"), [connector.id for connector in station.connectors])
        self._signed = SignedRecords(station.state_dir / "edge" / "ocmf", storage.recorder.record)
        self._http = HealthServer(edge.http, self._health, setting="edge.http.port")
        self._equipment = Assembly(station, edge, clock, self._lines_changed).build()
        for signer in self._equipment.signers.values():
            signer.on_signed = self._signed.signed
        sessions = storage.journal.sessions()
        by_id = {connector.id: connector for connector in edge.connectors}
        for capability in station.capabilities():
            self._add(capability, by_id[capability.connector], sessions.get(capability.connector))
        life = Life(list(self._connectors), clock.monotonic)
        self._life = life
        self._watchdogs = Watchdogs(life, edge.realtime.watchdog, None if guard is None else guard.tell)
        self._panels = PanelDesk(self._equipment.panels, self._connectors, clock, may_start=edge.local.start)
        self._door = DoorWatch(self._equipment.door, storage.recorder.record, clock)
        self._archive = Archive(self._boxes, station.state_dir / "edge" / "blackbox", clock)
        self._window = Window(window_path(station.state_dir), self._view, self._release)
        self._station = Station(
            self._connectors, self._equipment.station_meter, storage.recorder, clock, self._equipment.cabinet
        )
        self._manager = DispatchClient(
            lambda: dial_tls(edge.dispatch.target, edge.dispatch.tls, edge.dispatch.server_name),
            Hello(StationId(station.id), self._boot_id, station.capabilities()),
            self._station,
        )
        self._uploads = Uploads(self._archive.folder, self._archive.remembered, storage.recorder.record)
        self._desk = CommandDesk(
            storage.mailbox.take,
            self._connectors,
            self._answer,
            clock,
            {**dict.fromkeys(get_args(ManagerAction), self._manager.ask), UploadBlackBox: self._uploads.begin},
            clock_is_good=lambda: self._quality() >= Quality.NTP,
        )

    def _add(self, capability: ConnectorCapability, wiring: EdgeConnectorSettings, session: OpenSession | None) -> None:
        number = capability.connector
        bus = PythonCanPort(wiring.can, lambda frame: self._frame(number, frame), connector=number)
        config = wiring.chademo.config(capability)
        self._buses.append(bus)
        box = self._boxes[number] = BlackBox(number, (self._clock.monotonic(), self._clock.utc()))
        self._connectors[number] = Connector(
            Parts(
                config,
                self._equipment.hardware[number],
                bus,
                self._storage.books,
                self._clock,
                box,
                self._equipment.signers.get(number),
                self._beaten,
                self._quality,
            ),
            idle(config, self._storage.journal.faults(number), self._storage.journal.lessons(number)),
            fallback=capability.fallback,
            on_change=self._report_soon,
            open_session=session,
        )

    def _quality(self) -> Quality:
        """What the readings of a transaction may say about their time."""
        return Quality.NTP if self._trusts_clock else clock_quality()

    def _frame(self, connector: ConnectorId, frame: Frame) -> None:
        self._connectors[connector].frame(frame)

    def _beaten(self, connector: ConnectorId) -> None:
        self._life.beaten(connector)
        self._collector.beaten()

    def _lines_changed(self, number: ConnectorId) -> None:
        connector = self._connectors.get(number)
        if connector is not None:
            self._door.look()
            self._panels.look(number)
            connector.lines_changed()

    def _report_soon(self) -> None:
        self._manager.report_soon()

    def _answer(self, result: CommandResult) -> None:
        self._storage.recorder.record(result)

    async def run(self) -> None:
        """Run until cancelled, or until a mistake of ours ends it. Whatever ends it, the outputs end up off."""
        asyncio.get_running_loop().set_exception_handler(self._mistake)
        self._finish_what_was_open()
        machinery = asyncio.create_task(self._machinery(), name="machinery")
        try:
            await asyncio.wait([machinery])
            machinery.result()
        except asyncio.CancelledError:
            await self._wind_down()
            raise
        finally:
            for connector in self._connectors.values():
                connector.switch_off()
            await self._drain(machinery)
            machinery.cancel()
            await asyncio.gather(machinery, return_exceptions=True)
            self._close()

    async def _machinery(self) -> None:
        await self._http.start()
        async with asyncio.TaskGroup() as tasks:
            for bus in self._buses:
                bus.start()
            tasks.create_task(self._storage.recorder.run(), name="recorder")
            self._equipment.start()
            for name, job in self._equipment.jobs():
                tasks.create_task(job, name=name)
            for place, connector in enumerate(self._connectors.values()):
                phase_s = 0.1 * place / len(self._connectors)
                tasks.create_task(connector.run(phase_s), name=f"connector-{connector.id}")
            tasks.create_task(self._manager.run(), name="dispatch")
            tasks.create_task(self._desk.run(), name="commands")
            tasks.create_task(tell_forever(self._station, self._manager), name="telemetry")
            tasks.create_task(self._watch_health(), name="health")
            tasks.create_task(self._panels.run(), name="panels")
            tasks.create_task(self._door.run(), name="door")
            tasks.create_task(self._archive.run(), name="black boxes")
            tasks.create_task(self._watchdogs.run(), name="watchdogs")
            tasks.create_task(self._window.run(), name="window")
            self._say_started()
            self._signed.recall()
            notify_ready()
            await self._broken

    def _mistake(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = mistake_in(context)
        if error is not None and not self._broken.done():
            self._broken.set_exception(error)
        else:
            loop.default_exception_handler(context)

    def _finish_what_was_open(self) -> None:
        """Tell the end of every transaction that the last run left open, with what the meters show now."""
        registers = {number: hardware.meter for number, hardware in self._equipment.hardware.items()}
        for left in self._storage.journal.unfinished():
            transaction = left.transaction
            end = left.ended
            if end is None and transaction.connector in registers:
                now = reading(registers[transaction.connector].read(), self._clock.utc(), clock_quality())
                end = transaction.ended(now, StopReason.RESTART, RESTARTED, 0)
            if end is not None:
                _log.warning("transaction_found_open", connector=transaction.connector, session=transaction.session)
                self._storage.books.transaction_ended(end)

    def _say_started(self) -> None:
        station = self._settings
        self._storage.recorder.record(SecurityEvent("controller_started", f"Boot {self._boot_id}.", self._clock.utc()))
        self._storage.recorder.record(
            StationStarted(
                boot_id=self._boot_id,
                software_version=version("powerctl"),
                connectors=tuple(
                    ConnectorDescription(ConnectorId(c.id), c.capability().type, c.capability().max_power, c.position)
                    for c in station.connectors
                ),
                display_name=station.display_name,
                address=station.address,
                latitude=station.latitude,
                longitude=station.longitude,
                simulated=station.simulated,
            )
        )
        for connector in self._connectors.values():
            connector.introduce()

    def _view(self) -> dict[str, Any]:
        now = self._clock.monotonic()
        cabinet = self._equipment.cabinet
        return {
            "station": self._settings.id,
            "time": self._clock.utc().isoformat(timespec="milliseconds"),
            "manager": self._manager.is_connected,
            "connectors": [
                connector_view(connector.snapshot(), self._equipment.hardware[number].lines.read(), self._boxes[number])
                for number, connector in self._connectors.items()
            ],
            "modules": [module_view(module, now) for module in cabinet.modules.values()] if cabinet else [],
        }

    def _release(self) -> list[str]:
        said = []
        for number, connector in self._connectors.items():
            before = connector.latched
            connector.release()
            self._panels.look(number)  # a button that is still pressed says so at once
            gone = set(before) - set(connector.latched)
            said += [f"Released {code} on connector {number}." for code in sorted(gone)]
            said += [f"{code} on connector {number} stays: its cause is there." for code in connector.latched]
        return said

    async def _watch_health(self) -> None:
        while True:
            self._manager.give_up(self._clock.utc())
            for bus, number in zip(self._buses, self._connectors, strict=True):
                self._health.set(f"can-{number}", bus.is_open, "open" if bus.is_open else "the bus is not available")
            full = self._storage.recorder.is_full
            self._health.set("outbox", not full, "the disk is full: no new sessions" if full else "stores records")
            heard = "connected" if self._manager.is_connected else "silent: commissioned shares hold"
            self._health.set("manager", True, heard)
            await asyncio.sleep(HEALTH_EVERY_S)

    async def _wind_down(self) -> None:
        """Let every vehicle end its charge, for at most `WIND_DOWN_S`."""
        for connector in self._connectors.values():
            connector.stop(StopReason.RESTART, SHUT_DOWN)
        deadline = after(self._clock.monotonic(), WIND_DOWN_S)
        while any(connector.state not in QUIET for connector in self._connectors.values()):
            await asyncio.sleep(0.05)
            if self._clock.monotonic() >= deadline:
                return

    async def _drain(self, machinery: asyncio.Task[None]) -> None:
        if machinery.done():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._storage.recorder.drained()

    def _close(self) -> None:
        self._equipment.close()
        for bus in self._buses:
            bus.close()
        if self._guard is not None:
            self._guard.farewell()
        self._watchdogs.close()
        self._archive.close()
        self._desk.close()
        self._http.close()


def mistake_in(context: dict[str, Any]) -> Exception | None:
    """The exception of a callback of ours, which ends the program as one in a task would; None: it is no such thing.

    An OSError comes from a transport, or from gRPC's poller, which reports a spurious wake-up that way.
    """
    error = context.get("exception")
    is_callback = "handle" in context or "protocol" in context
    return error if is_callback and isinstance(error, Exception) and not isinstance(error, OSError) else None


async def run(config_path: Path) -> None:
    """Run the controller with the settings in `config_path` until SIGTERM or SIGINT.

    Raises:
        ConfigError: The settings cannot be used.
    """
    station, edge = load_settings(config_path)
    check_readable(edge.dispatch.tls)
    claim(edge.realtime)
    clock = SystemClock()
    guard = Guard(config_path) if is_needed(edge) else None
    writer = OutboxWriter(edge.outbox_path(station))
    await writer.start()
    journal = Journal(journal_path(station.state_dir))
    mailbox = CommandBox(edge.outbox_path(station))
    thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
    recorder = Recorder(writer, clock, partial(asyncio.get_running_loop().run_in_executor, thread))
    storage = Storage(journal, writer, mailbox, recorder, Books(recorder, journal))
    try:
        with log_off_thread(), collected_by_hand():
            await run_service("edge-control", Control(station, edge, storage, clock, guard).run())
    finally:
        thread.shutdown(wait=True)
        journal.close()
        mailbox.close()
        await writer.close()
