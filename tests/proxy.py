"""A TCP proxy that misbehaves when it is told to: it resets, swallows, slows down, and finds another server."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

_CHUNK: Final = 16_384
_BLACKHOLE_LOOK_S: Final = 0.05


@dataclass(slots=True)
class Proxy:
    """Forwards connections to the first of its servers that takes them.

    Args:
        servers: Where to; tried in random order.
    """

    servers: Sequence[tuple[str, int]]
    bytes_per_second: float | None = None
    """What each direction of each connection carries. None: everything."""
    blackhole: bool = False
    """True: bytes are taken and go nowhere until it is over; connections stay open."""
    closed: bool = False
    """True: new connections are refused."""
    delay_s: float = 0.0
    """How long each chunk waits."""
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 5)

    def reset(self) -> int:
        """Cut every connection, both ends by RST; returns how many."""
        cut = list(self._open)
        for writer in cut:
            writer.transport.abort()
        return len(cut)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found = None if self.closed else await self._connect()
        if found is None:
            writer.transport.abort()
            return
        far_reader, far_writer = found
        ends = {writer, far_writer}
        self._open |= ends
        pumps = [
            asyncio.create_task(self._pump(reader, far_writer)),
            asyncio.create_task(self._pump(far_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open -= ends
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in ends:
                end.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for host, port in random.sample(list(self.servers), len(self.servers)):
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(2):
                    return await asyncio.open_connection(host, port)
        return None

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                while self.blackhole:  # noqa: ASYNC110
                    await asyncio.sleep(_BLACKHOLE_LOOK_S)
                wait_s = self.delay_s + (len(data) / self.bytes_per_second if self.bytes_per_second else 0.0)
                if wait_s:
                    await asyncio.sleep(wait_s)
                writer.write(data)
                await writer.drain()
