"""The stream to the energy manager: we dial, greet, report, and take leased setpoints.

Losing it raises nothing: leases end by themselves, on our clock.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NoReturn, Protocol

import grpc
import grpc.aio

from edge.control.errands import Errands
from powerctl.core.demand import StationReport
from powerctl.core.errors import RemoteError
from powerctl.core.order import StationCommand
from powerctl.core.record import CommandResult, Record, StationLimits
from powerctl.core.setpoint import Setpoint
from powerctl.runtime import log, metrics
from powerctl.runtime.backoff import full_jitter
from powerctl.runtime.settings import TlsFiles
from powerctl.v1 import dispatch_pb2 as pb
from powerctl.v1.dispatch_pb2_grpc import DispatchServiceStub
from powerctl.wire.actions import command_to_wire
from powerctl.wire.bodies import command_result_from_wire
from powerctl.wire.dispatch import Hello, hello_to_wire, report_to_wire, setpoint_from_wire
from powerctl.wire.ids import id_from_wire
from powerctl.wire.station_limits import station_limits_from_wire
from powerctl.wire.uplink import record_from_wire

ENERGISED_EVERY_S: Final = 0.1
RESTING_EVERY_S: Final = 1.0
NOT_SOONER_S: Final = 0.005
"""Between two reports, so that no exchange with the manager can spin."""
SILENCE_S: Final = 5.0
"""Setpoints are renewed every second; a stream that is silent for longer is dead, whatever TCP says."""
RETRY_BASE_S: Final = 0.2
RETRY_CAP_S: Final = 3.0
"""The manager runs beside us; a restart must not cost more than a lease."""
MOST_UNSAID: Final = 256
"""Ids of stored records that wait to be told; the manager repeats what it was not told."""
MAX_MESSAGE: Final = 1_000_000

_log = log.get(__name__)

Dial = Callable[[], grpc.aio.Channel]


class Station(Protocol):
    """Whom the setpoints are for."""

    def stream_began(self) -> None:
        """A new stream: sequences start again."""
        ...

    def setpoint(self, setpoint: Setpoint) -> bool:
        """Take a setpoint; False: it is not news. Raises RemoteError: there is no such connector."""
        ...

    def reset_alarms(self) -> None:
        """Release the latched faults that need nobody at the station."""
        ...

    def report(self) -> StationReport:
        """Everything that is measured, asked and guaranteed now."""
        ...

    def is_energised(self) -> bool:
        """True while power flows or may begin to."""
        ...

    def keep(self, record: Record, record_id: str) -> asyncio.Future[None]:
        """Store the manager's record; the result comes when it is durable."""
        ...


def dial_tls(target: str, tls: TlsFiles, server_name: str | None) -> grpc.aio.Channel:
    """A channel to `target` with certificates both ways, read anew so that renewed ones are used."""
    options: list[tuple[str, Any]] = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", MAX_MESSAGE),
        ("grpc.enable_retries", 0),
    ]
    if server_name:
        options.append(("grpc.ssl_target_name_override", server_name))
    credentials = grpc.ssl_channel_credentials(tls.ca.read_bytes(), tls.key.read_bytes(), tls.certificate.read_bytes())
    return grpc.aio.secure_channel(target, credentials, options=options)


class DispatchClient:
    """Keeps one stream up.

    Args:
        dial: Opens a channel.
        hello: The first message of each stream.
        station: Whom the setpoints are for.
    """

    def __init__(self, dial: Dial, hello: Hello, station: Station) -> None:
        self.is_connected = False
        """True while the manager is heard."""
        self.limits: StationLimits | None = None
        """The station's limits as the manager last told them. None: never, or the stream is down."""
        self._dial = dial
        self._hello = hello
        self._station = station
        self._news = asyncio.Event()
        self._stored: asyncio.Queue[str] = asyncio.Queue(MOST_UNSAID)
        self._errands = Errands()

    def report_soon(self) -> None:
        """Report in this turn of the loop rather than with the next period."""
        self._news.set()

    def ask(self, command: StationCommand) -> asyncio.Future[CommandResult]:
        """Have the energy manager carry a command out; the result comes when it is known or too late."""
        asked = self._errands.add(command)
        self._news.set()
        return asked

    def give_up(self, utc: datetime) -> None:
        """Answer commands whose time is over."""
        self._errands.expire(utc)

    async def run(self) -> NoReturn:
        """Dial, and dial again, until cancelled."""
        failures = 0
        while True:
            try:
                await self._stream()
            except* (grpc.aio.AioRpcError, asyncio.InvalidStateError, TimeoutError, OSError, ConnectionError) as group:
                if not failures:
                    _log.warning("manager_lost", reason=_reason(group))
            failures = 0 if self.is_connected else failures + 1
            self._set_connected(False)
            await asyncio.sleep(full_jitter(failures, base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S))

    async def _stream(self) -> None:
        channel = self._dial()
        try:
            call = DispatchServiceStub(channel).Connect()
            async with asyncio.timeout(SILENCE_S):
                await call.write(pb.ConnectRequest(hello=hello_to_wire(self._hello)))
            self._station.stream_began()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(call), name="listen")
                tasks.create_task(self._talk(call), name="talk")
        finally:
            await channel.close()

    async def _listen(self, call: Any) -> None:
        while True:
            async with asyncio.timeout(SILENCE_S):
                message = await call.read()
            if message is grpc.aio.EOF:
                raise ConnectionError("the energy manager ended the stream")
            self._set_connected(True)
            try:
                self._take(message)
            except RemoteError as error:
                metrics.counter("edge_setpoints_total").labels("rejected").inc()
                _log.warning("manager_message_rejected", reason=str(error))

    def _take(self, message: pb.ConnectResponse) -> None:
        kind = message.WhichOneof("message")
        if kind == "setpoint":
            is_news = self._station.setpoint(setpoint_from_wire(message.setpoint))
            metrics.counter("edge_setpoints_total").labels("taken" if is_news else "stale").inc()
        elif kind == "station_limits":
            self.limits = station_limits_from_wire(message.station_limits)
        elif kind == "manager_record":
            self._keep(message.manager_record)
        elif kind == "alarm_reset":
            self._station.reset_alarms()
            self.report_soon()
        elif kind == "command_result":
            self._errands.done(command_result_from_wire(message.command_result))
        elif kind == "welcome":
            _log.info("manager_connected", boot_id=message.welcome.boot_id[:64])
        else:
            raise RemoteError("a message of a kind that this program does not know")

    def _keep(self, message: pb.ManagerRecord) -> None:
        record_id = id_from_wire(message.record_id, "record id")
        stored = self._station.keep(record_from_wire(message.record), record_id)
        stored.add_done_callback(lambda done: self._told(done, record_id))

    def _told(self, done: asyncio.Future[None], record_id: str) -> None:
        if not done.cancelled():
            with contextlib.suppress(asyncio.QueueFull):
                self._stored.put_nowait(record_id)
                self._news.set()

    async def _talk(self, call: Any) -> None:
        self._errands.begin_again()
        while True:
            self._news.clear()
            await call.write(pb.ConnectRequest(report=report_to_wire(self._station.report())))
            while not self._stored.empty():
                stored = pb.RecordStored(record_id=self._stored.get_nowait())
                await call.write(pb.ConnectRequest(record_stored=stored))
            for command in self._errands.unsaid():
                await call.write(pb.ConnectRequest(station_command=command_to_wire(command)))
            await asyncio.sleep(NOT_SOONER_S)
            await self._wait()

    async def _wait(self) -> None:
        every_s = ENERGISED_EVERY_S if self._station.is_energised() else RESTING_EVERY_S
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(every_s - NOT_SOONER_S):
                await self._news.wait()

    def _set_connected(self, connected: bool) -> None:
        if connected is not self.is_connected:
            self.is_connected = connected
            metrics.gauge("edge_manager_connected").set(int(connected))
        if not connected:
            self.limits = None


def _reason(group: BaseExceptionGroup[BaseException]) -> str:
    inner = group.exceptions[0]
    if isinstance(inner, BaseExceptionGroup):
        return _reason(inner)
    if isinstance(inner, grpc.aio.AioRpcError):
        return f"{inner.code().name}: {inner.details()}"[:300]
    return str(inner) or type(inner).__name__
