"""The gRPC service that charging controllers dial."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol
from uuid import uuid4

import grpc

from powerctl.core.demand import StationReport
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.core.ids import ConnectorId, StationId
from powerctl.core.order import StationCommand
from powerctl.core.record import CommandResult, Record, StationLimits
from powerctl.core.setpoint import Setpoint
from powerctl.dispatch.outbox import StreamOutbox
from powerctl.dispatch.records import UnstoredRecords
from powerctl.dispatch.settings import DispatchSettings
from powerctl.runtime import log, metrics
from powerctl.v1 import dispatch_pb2 as pb
from powerctl.v1 import dispatch_pb2_grpc as rpc
from powerctl.wire.actions import command_from_wire
from powerctl.wire.bodies import command_result_to_wire
from powerctl.wire.dispatch import Hello, hello_from_wire, report_from_wire, setpoint_to_wire
from powerctl.wire.station_limits import station_limits_to_wire
from powerctl.wire.uplink import record_to_wire

SILENCE_S: Final = 5.0
"""A controller reports at least every second; one that is silent for longer is not there."""
_LARGEST_MESSAGE: Final = 64 * 1024
_OPTIONS: Final = (
    # Another program on the same port is an error, not a partner.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
    ("grpc.keepalive_time_ms", 2000),
    ("grpc.keepalive_timeout_ms", 2000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1000),
)

_log = log.get(__name__)
_Context = grpc.aio.ServicerContext[Any, Any]


class Controller(Protocol):
    """What becomes of a charging controller's stream. All calls come from the event loop and must not block."""

    def connected(self, hello: Hello) -> None:
        """A stream is open; nothing has been sent on it and no lease is known to be held."""
        ...

    def reported(self, report: StationReport) -> None:
        """A report arrived on the open stream."""
        ...

    def commanded(self, command: StationCommand) -> CommandResult:
        """The back end orders something; returns what became of it. The same command may come again."""
        ...

    def disconnected(self) -> None:
        """The stream has ended; nothing of it arrives any more."""
        ...


@dataclass(eq=False)
class _Stream:
    outbox: StreamOutbox = field(default_factory=StreamOutbox)
    replaced: asyncio.Event = field(default_factory=asyncio.Event)


class DispatchServer(rpc.DispatchServiceServicer):
    """One station's stream: leases and records down, reports up. A new stream replaces the old one."""

    def __init__(
        self,
        settings: DispatchSettings,
        station: StationId,
        connectors: Collection[ConnectorId],
        controller: Controller,
    ) -> None:
        self._settings = settings
        self._station = station
        self._connectors = frozenset(connectors)
        self._controller = controller
        self._boot_id = uuid4().hex
        self._stream: _Stream | None = None
        self._records = UnstoredRecords()
        self._server: grpc.aio.Server | None = None
        self._port = 0
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def port(self) -> int:
        """The port that is open; 0 before `start`."""
        return self._port

    @property
    def connected(self) -> bool:
        """True while a controller's stream is open."""
        return self._stream is not None

    async def start(self) -> None:
        """Open the port.

        Raises:
            ConfigError: A certificate cannot be read, or the port cannot be opened.
        """
        credentials = await asyncio.to_thread(self._credentials)
        self._server = grpc.aio.server(options=_OPTIONS)
        rpc.add_DispatchServiceServicer_to_server(self, self._server)
        address = f"{self._settings.host}:{self._settings.port}"
        try:
            self._port = self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            where = f"manager.dispatch.port: {address}"
            raise ConfigError(where, "cannot be opened.", "Choose a free port, or stop what uses it.") from error
        await self._server.start()

    async def run(self) -> NoReturn:
        """Serve until cancelled.

        Raises:
            Exception: A mistake of ours while a stream was served.
        """
        try:
            await self._failed
            raise AssertionError("a failure without its cause")
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the port and the stream."""
        if self._server is not None:
            await self._server.stop(grace=None)

    def send_setpoint(self, setpoint: Setpoint) -> None:
        """Queue `setpoint` for the controller; it is lost when none is connected."""
        if self._stream is not None:
            self._stream.outbox.put_setpoint(setpoint.connector, setpoint_to_wire(setpoint))

    def send_limits(self, limits: StationLimits) -> None:
        """Queue the station's limits for the controller; they are lost when none is connected."""
        if self._stream is not None:
            self._stream.outbox.put_limits(station_limits_to_wire(limits))

    def send_record(self, record: Record) -> None:
        """Keep `record`, and send it until the controller has stored it."""
        message = pb.ManagerRecord(record_id=uuid4().hex, record=record_to_wire(record))
        lost = self._records.lost
        self._records.add(message)
        metrics.counter("powerctl_dispatch_records_lost_total").inc(self._records.lost - lost)
        if self._stream is not None:
            self._stream.outbox.put_record(message)

    def send_alarm_reset(self) -> bool:
        """Ask the controller to release latched faults. False: none is connected, and nothing was asked."""
        if self._stream is not None:
            self._stream.outbox.put_alarm_reset()
        return self._stream is not None

    def remind(self) -> None:
        """Queue again every record that the controller has not stored yet."""
        if self._stream is not None:
            for record in self._records.waiting():
                self._stream.outbox.put_record(record)

    async def Connect(  # type: ignore[override]  # the generated base knows only the generator style
        self, request_iterator: AsyncIterator[pb.ConnectRequest], context: _Context
    ) -> None:
        """One controller's stream, until either side or a newer stream ends it."""
        hello = await self._greeting(context)
        stream = _Stream()
        self._adopt(stream, hello)
        try:
            await context.write(pb.ConnectResponse(welcome=pb.Welcome(boot_id=self._boot_id)))
            await self._serve(stream, context)
        finally:
            self._drop(stream)
        await context.abort(grpc.StatusCode.ABORTED, "the stream has ended: silent, or replaced by a newer one")

    async def _greeting(self, context: _Context) -> Hello:
        try:
            async with asyncio.timeout(SILENCE_S):
                request = await context.read()
            return self._checked(request, _common_name(context))
        except (RemoteError, TimeoutError) as error:
            _count("hello", "refused")
            _log.warning("controller_refused", reason=str(error))
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error) or "no greeting")
            raise

    def _checked(self, request: Any, common_name: str) -> Hello:
        if not isinstance(request, pb.ConnectRequest) or request.WhichOneof("message") != "hello":
            raise RemoteError("the first message must be a greeting")
        hello = hello_from_wire(request.hello)
        if hello.station != self._station or common_name != self._station:
            raise RemoteError(f"station {hello.station} with certificate {common_name}: {self._station} is served here")
        unknown = sorted({capability.connector for capability in hello.connectors} - self._connectors)
        if unknown:
            raise RemoteError(f"connector {unknown[0]} is not commissioned here")
        return hello

    def _adopt(self, stream: _Stream, hello: Hello) -> None:
        if self._stream is not None:
            self._stream.replaced.set()
            self._drop(self._stream)
        self._stream = stream
        _count("hello", "taken")
        metrics.gauge("powerctl_dispatch_connected").set(1)
        _log.info("controller_connected", boot_id=hello.boot_id, connectors=len(hello.connectors))
        self._controller.connected(hello)
        self.remind()

    def _drop(self, stream: _Stream) -> None:
        if self._stream is stream:
            self._stream = None
            metrics.gauge("powerctl_dispatch_connected").set(0)
            _log.warning("controller_disconnected")
            self._controller.disconnected()

    async def _serve(self, stream: _Stream, context: _Context) -> None:
        """Until the first of reader, writer and replacement ends."""
        tasks = [
            asyncio.create_task(self._read(stream, context), name="dispatch-read"),
            asyncio.create_task(_write(stream, context), name="dispatch-write"),
            asyncio.create_task(stream.replaced.wait(), name="dispatch-replaced"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            with suppress(grpc.RpcError, grpc.aio.UsageError, TimeoutError):
                self._settle(task)

    def _settle(self, task: asyncio.Task[Any]) -> None:
        """Raise what ended `task`; a mistake of ours also ends `run`, because gRPC would only log it."""
        error = task.exception()
        if error is not None and not isinstance(error, grpc.RpcError | grpc.aio.UsageError | TimeoutError):
            self._failed.set_exception(error)
        task.result()

    async def _read(self, stream: _Stream, context: _Context) -> None:
        while self._stream is stream:
            async with asyncio.timeout(SILENCE_S):
                request = await context.read()
            if request is grpc.aio.EOF:
                return
            self._take(stream, request)

    def _take(self, stream: _Stream, request: pb.ConnectRequest) -> None:
        """One message of the open stream. What cannot be accepted is dropped and counted."""
        kind = request.WhichOneof("message")
        try:
            if kind == "report":
                self._controller.reported(report_from_wire(request.report))
            elif kind == "station_command":
                result = self._controller.commanded(command_from_wire(request.station_command))
                stream.outbox.put_result(command_result_to_wire(result))
            elif kind == "record_stored":
                self._records.stored(request.record_stored.record_id)
            else:
                raise RemoteError(f"message {kind or 'of no known kind'} is not expected here")
        except RemoteError as error:
            _count(kind or "unknown", "rejected")
            _log.warning("message_rejected", kind=kind or "unknown", reason=str(error))
        else:
            _count(kind, "taken")

    def _credentials(self) -> grpc.ServerCredentials:
        tls = self._settings.tls
        key, certificate, ca = (_read(path) for path in (tls.key, tls.certificate, tls.ca))
        return grpc.ssl_server_credentials([(key, certificate)], root_certificates=ca, require_client_auth=True)


async def _write(stream: _Stream, context: _Context) -> None:
    while True:
        for message in await stream.outbox.take():
            await context.write(message)


def _common_name(context: _Context) -> str:
    names = (context.auth_context() or {}).get("x509_common_name", ())
    return b"".join(names).decode("utf-8", errors="replace")


def _count(kind: str, result: str) -> None:
    metrics.counter("powerctl_dispatch_messages_total").labels(kind=kind, result=result).inc()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"manager.dispatch.tls: {path}", f"cannot be read: {reason}.", "Name a PEM file.") from error
