"""The link to a simulated plant: a vehicle's inlet behind a TCP connection, dialled by us."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Final, NoReturn, cast
from urllib.parse import urlsplit

from edge.hardware.plant_lines import MAX_LINE, SILENCE_S, UNPLUGGED_PLANT, PlantState, encode, merge
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.runtime import log, metrics

CONNECT_TIMEOUT_S: Final = 2.0
RETRY_S: Final = 0.25
"""Between attempts. The plant is on this machine or beside it, and a vehicle may start at any time."""
MAX_UNSENT: Final = 64 * 1024

_log = log.get(__name__)


def parse_address(where: str, address: str) -> tuple[str, int]:
    """Host and port of `tcp://HOST:PORT`.

    Raises:
        ConfigError: It is something else.
    """
    parts = urlsplit(address)
    with contextlib.suppress(ValueError):
        if parts.scheme == "tcp" and parts.hostname and parts.port and not parts.path.strip("/"):
            return parts.hostname, parts.port
    raise ConfigError(where, f"{address!r} is no plant.", "Write tcp://HOST:PORT, for example tcp://127.0.0.1:7001.")


class _Wire(asyncio.Protocol):
    """One connection: cuts lines and remembers when the last one came.

    A protocol rather than a stream with a time-out: after a stall of this process the lines that wait in the socket
    are read before the watch looks at the clock, so our own stall never reads as a silent plant.
    """

    def __init__(self, on_line: Callable[[bytes], None]) -> None:
        self._on_line = on_line
        self._buffer = b""
        loop = asyncio.get_running_loop()
        self._time = loop.time
        self.closed = loop.create_future()
        self.heard_at = loop.time()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > MAX_LINE:
            self.transport.abort()
            return
        for line in lines:
            self.heard_at = self._time()
            self._on_line(line)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    async def until_silent(self) -> bool:
        """True after a silence; False when the connection is closed."""
        while (remaining := self.heard_at + SILENCE_S - self._time()) > 0:
            await asyncio.wait([self.closed], timeout=remaining)
            if self.closed.done():
                return False
        self.heard_at = self._time()
        return True


class PlantLink:
    """One plant. A lost link, or silence, reads as unplugged.

    Args:
        connector: Label of log lines and metrics.
        on_change: Called on the event loop when the state changed.
    """

    def __init__(self, host: str, port: int, *, connector: int, on_change: Callable[[PlantState], None]) -> None:
        self.state = UNPLUGGED_PLANT
        self._host = host
        self._port = port
        self._label = str(connector)
        self._on_change = on_change
        self._orders: dict[str, float | int] = {"d1": 0, "d2": 0, "lock": 0, "v_src": 0, "i": 0}
        self._latest = b""
        self._merged = UNPLUGGED_PLANT
        self._wire: _Wire | None = None
        self._log = _log.bind(connector=connector)

    @property
    def is_alive(self) -> bool:
        """True while the plant is connected."""
        return self._wire is not None

    def order(self, **values: float | int) -> None:
        """Send `values` at once; the last of each is repeated to a plant that connects later."""
        self._orders.update(values)
        wire = self._wire
        if wire is None or wire.transport.is_closing():
            return
        if wire.transport.get_write_buffer_size() > MAX_UNSENT:
            wire.transport.abort()
            return
        wire.transport.write(encode(values))

    async def run(self) -> NoReturn:
        """Keep the link up until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    _, wire = await loop.create_connection(lambda: _Wire(self._take), self._host, self._port)
                await self._converse(wire)
            await asyncio.sleep(RETRY_S)

    async def _converse(self, wire: _Wire) -> None:
        self._wire = wire
        self._log.info("plant_connected", host=self._host, port=self._port)
        self.order(**self._orders)
        try:
            while await wire.until_silent():
                self._change(UNPLUGGED_PLANT)
        finally:
            self._wire = None
            wire.transport.abort()
            self._change(UNPLUGGED_PLANT)
            self._log.info("plant_lost")

    def _take(self, line: bytes) -> None:
        if line == self._latest and self.state is self._merged:
            return  # a sign of life that says what the last line said
        try:
            self._change(merge(self.state, line))
            self._latest, self._merged = line, self.state
        except RemoteError as error:
            metrics.counter("edge_plant_rejected_lines_total").labels(self._label).inc()
            self._log.debug("plant_line_rejected", reason=str(error))

    def _change(self, state: PlantState) -> None:
        if state != self.state:
            self.state = state
            self._on_change(state)
