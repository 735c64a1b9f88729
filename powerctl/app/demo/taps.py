"""The observer's own ears: a socketcand listener and a Modbus reader, sharing no code with what they watch."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

RETRY_S: Final = 0.2
REPLY_TIMEOUT_S: Final = 1.0
MAX_LINE: Final = 4096


@dataclass(frozen=True, slots=True)
class Frame:
    """A CAN frame as it was heard."""

    at: float
    """Monotonic seconds."""
    frame_id: int
    data: bytes


async def listen(host: str, port: int, channel: str = "can0") -> AsyncIterator[Frame]:
    """Frames on a socketcand bus, for ever; reconnects when the hub goes away."""
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            async for frame in _listen_once(host, port, channel):
                yield frame
        await asyncio.sleep(RETRY_S)


async def _listen_once(host: str, port: int, channel: str) -> AsyncIterator[Frame]:
    reader, writer = await asyncio.open_connection(host, port, limit=MAX_LINE)
    try:
        await _expect(reader, "hi")
        for order in (f"open {channel}", "rawmode"):
            writer.write(f"< {order} >".encode())
            await _expect(reader, "ok")
        while True:
            words = await _words(reader)
            if words[0] == "frame" and len(words) >= 3:
                yield Frame(time.monotonic(), int(words[1], 16), bytes.fromhex("".join(words[3:])))
    finally:
        writer.close()


async def _expect(reader: asyncio.StreamReader, answer: str) -> None:
    if (await _words(reader))[0] != answer:
        raise ValueError(f"the hub did not say {answer}")


async def _words(reader: asyncio.StreamReader) -> list[str]:
    return (await reader.readuntil(b">")).decode("ascii").strip("< >\r\n").split() or [""]


class ModbusReader:
    """Reads holding registers over Modbus/TCP."""

    def __init__(self, host: str, port: int, unit: int = 1) -> None:
        self._host, self._port, self._unit = host, port, unit
        self._transaction = 0
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def read(self, address: int, count: int) -> tuple[int, ...]:
        """The registers from `address` on.

        Raises:
            OSError: No connection, no answer in time, or a refusal.
        """
        try:
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                return await self._read(address, count)
        except (TimeoutError, asyncio.IncompleteReadError, struct.error) as error:
            self.close()
            raise OSError(f"no answer from {self._host}:{self._port}") from error
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None

    async def _read(self, address: int, count: int) -> tuple[int, ...]:
        if self._stream is None:
            self._stream = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._stream
        self._transaction = (self._transaction + 1) & 0xFFFF
        writer.write(struct.pack(">HHHBBHH", self._transaction, 0, 6, self._unit, 3, address, count))
        transaction, _, length, _, function = struct.unpack(">HHHBB", await reader.readexactly(8))
        body = await reader.readexactly(length - 2)
        if transaction != self._transaction or function != 3:
            raise OSError(f"register {address} was refused with exception {body[0]}")
        return struct.unpack(f">{count}H", body[1:])
