"""The Modbus/TCP server: strict about framing, answers in order, bounded in every direction.

Requests of one connection are executed one after the other, at most `BURST` per turn of the loop; what is left waits
in the connection's buffer with reading paused. With TLS a peer becomes a connection after its handshake, of which at
most `MAX_HANDSHAKES` run at a time; then the same handler serves it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from ssl import SSLContext
from traceback import clear_frames
from typing import Final, cast

from powerctl.core.clock import Monotonic
from powerctl.runtime import log
from powerctl.runtime.health import port_error
from powerctl.runtime.metrics import counter, gauge
from powerctl.signals.certificate import fingerprint_of, role_of
from powerctl.signals.grid_signal import Authority, Channel
from powerctl.signals.mbap import UNITS, Adu, Deframer, MalformedStream, frame
from powerctl.signals.pdu import Code, Function, Refused, refusal

BURST: Final = 16
HANDSHAKE_S: Final = 5.0
"""How long a TLS handshake may take."""
MAX_HANDSHAKES: Final = 16
"""Handshakes at a time; a peer beyond them is turned away, and may come again."""
LINGER_S: Final = 1.0
"""How long a peer that lost its place has to fetch the answers to its good requests."""

_log = log.get(__name__)
_NAMES: Final = {int(function): function.name.lower() for function in Function}


@dataclass(frozen=True, slots=True)
class Front:
    """What every connection of one server shares."""

    channel: Channel
    execute: Callable[[bytes, Authority], bytes]
    """Carries out one request. Raises Refused."""
    settle: Callable[[Monotonic], None]
    """Called after the answer is queued, with the loop's time at which the request arrived."""
    is_writer: Callable[[Authority], bool]
    """True for peers that keep their place when connections are scarce."""
    max_connections: int
    idle_timeout_s: float


class ModbusServer:
    """Listens for one channel.

    Args:
        front: What its connections do.
        setting: Name of the port's setting, for errors.
        tls: Yields the context of the secure variant for each handshake. None: plain.
    """

    def __init__(self, front: Front, *, setting: str, tls: Callable[[], SSLContext] | None = None) -> None:
        self._front = front
        self._setting = setting
        self._tls = tls
        self._connections: dict[_Connection, None] = {}
        self._handshakes: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.broken = asyncio.Event()
        """Set when a request met our own mistake; the traceback is in the log."""

    @property
    def port(self) -> int:
        """The port that is open; 0 before `start`."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else 0

    async def start(self, host: str, port: int) -> None:
        """Open the port. Raises ConfigError: it cannot be opened."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._protocol, host, port)
        except OSError as error:
            raise port_error(self._setting, host, port, error) from error
        _log.info("modbus_listening", channel=self._front.channel, host=host, port=self.port)

    async def close(self) -> None:
        """Close the port and every connection."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.close("stopping")
        for handshake in self._handshakes:
            handshake.cancel()
        await self._server.wait_closed()
        self._server = None

    def _protocol(self) -> asyncio.Protocol:
        return _Connection(self) if self._tls is None else _Doorman(self.greet)

    def greet(self, transport: asyncio.Transport) -> None:
        """Begin the handshake with a new peer, unless too many are under way."""
        if len(self._handshakes) >= MAX_HANDSHAKES:
            counter("powerctl_modbus_closed_total").labels("handshakes").inc()
            transport.abort()
            return
        transport.pause_reading()
        handshake = asyncio.create_task(self._shake_hands(transport), name="modbus-handshake")
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        if self._tls is None:
            return
        connection = _Connection(self)
        try:
            secure = await asyncio.get_running_loop().start_tls(
                transport, connection, self._tls(), server_side=True, ssl_handshake_timeout=HANDSHAKE_S
            )
        except OSError as error:
            # The failure's own frames hold the TLS state of the peer in a cycle, a quarter of a megabyte each.
            clear_frames(error.__traceback__)
            counter("powerctl_modbus_closed_total").labels("handshake").inc()
            transport.abort()
            return
        if secure is not None and not secure.is_closing():
            connection.connection_made(secure)

    @property
    def front(self) -> Front:
        """What the connections share."""
        return self._front

    def admit(self, connection: _Connection) -> None:
        """Take a new connection in; when there are too many, the least useful one goes."""
        if len(self._connections) >= self._front.max_connections:
            min(self._connections, key=lambda c: (c.is_writer, c.active_at)).close("crowded")
        self._connections[connection] = None
        self._count()

    def forget(self, connection: _Connection) -> None:
        """A connection is closed."""
        self._connections.pop(connection, None)
        self._count()

    def _count(self) -> None:
        gauge("powerctl_modbus_connections").labels(self._front.channel).set(len(self._connections))


class _Doorman(asyncio.Protocol):
    """Meets a peer that has still to show its certificate."""

    def __init__(self, greet: Callable[[asyncio.Transport], None]) -> None:
        self._greet = greet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._greet(cast(asyncio.Transport, transport))


def _authority(channel: Channel, transport: asyncio.BaseTransport) -> Authority:
    peer = transport.get_extra_info("peername")
    address = str(peer[0]) if peer else ""
    tls = transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    if certificate is None:
        return Authority(channel, address)
    return Authority(channel, address, role_of(certificate), fingerprint_of(certificate))


class _Connection(asyncio.Protocol):
    def __init__(self, server: ModbusServer) -> None:
        self._server = server
        self._front = server.front
        self._loop = asyncio.get_running_loop()
        self._deframer = Deframer()
        self._transport: asyncio.Transport | None = None
        self._authority = Authority(self._front.channel, "")
        self._idle: asyncio.TimerHandle | None = None
        self._congested = False
        self.is_writer = False
        self.active_at = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._authority = _authority(self._front.channel, transport)
        self.is_writer = self._front.is_writer(self._authority)
        self._server.admit(self)
        self._watch_idle()
        self._serve()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._idle is not None:
            self._idle.cancel()
        self._server.forget(self)

    def data_received(self, data: bytes) -> None:
        self._deframer.feed(data)
        self._serve()

    def pause_writing(self) -> None:
        self._congested = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._congested = False
        self._loop.call_soon(self._serve)

    def close(self, why: str) -> None:
        """End the connection, with the reason counted."""
        if self._transport is not None:
            counter("powerctl_modbus_closed_total").labels(why).inc()
            self._server.forget(self)
            if why == "malformed":
                self._transport.close()
                self._loop.call_later(LINGER_S, self._transport.abort)
            else:
                self._transport.abort()
            self._transport = None

    def _serve(self) -> None:
        """Answer up to `BURST` requests, then give way to the other connections."""
        for _ in range(BURST):
            if self._transport is None or self._congested:
                return
            try:
                adu = self._deframer.take()
            except MalformedStream:
                self.close("malformed")
                return
            if adu is None:
                self._transport.resume_reading()
                return
            self._answer(adu, self._transport)
        if self._transport is not None:
            self._transport.pause_reading()
        self._loop.call_soon(self._serve)

    def _answer(self, adu: Adu, transport: asyncio.Transport) -> None:
        self.active_at = self._loop.time()
        finished = False
        try:
            transport.write(frame(adu, self._execute(adu)))
            self._front.settle(Monotonic(self.active_at))
            finished = True
        finally:
            if not finished:
                self._server.broken.set()

    def _execute(self, adu: Adu) -> bytes:
        function = adu.pdu[0]
        counter("powerctl_modbus_requests_total").labels(_NAMES.get(function, "other")).inc()
        try:
            if adu.unit not in UNITS:
                raise Refused(Code.NO_TARGET)
            return self._front.execute(adu.pdu, self._authority)
        except Refused as refused:
            counter("powerctl_modbus_exceptions_total").labels(refused.code.name.lower()).inc()
            return refusal(function, refused.code)

    def _watch_idle(self) -> None:
        left = self.active_at + self._front.idle_timeout_s - self._loop.time()
        if left <= 0:
            self.close("idle")
        else:
            self._idle = self._loop.call_later(left, self._watch_idle)
