"""A Modbus/TCP peer that shares no code with the product: frames by hand, also wrong ones."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Reply:
    transaction: int
    unit: int
    pdu: bytes


class Peer:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._transaction = 0

    @classmethod
    async def connect(cls, port: int, source: str | None = None) -> Self:
        local = None if source is None else (source, 0)
        return cls(*await asyncio.open_connection("127.0.0.1", port, local_addr=local))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def reply(self, timeout_s: float = 5.0) -> Reply:
        async with asyncio.timeout(timeout_s):
            transaction, protocol, length, unit = struct.unpack(">HHHB", await self.reader.readexactly(7))
            assert protocol == 0
            return Reply(transaction, unit, await self.reader.readexactly(length - 1))

    async def ask(self, pdu: bytes, unit: int = 1) -> bytes:
        self._transaction += 1
        self.send(adu(self._transaction, pdu, unit))
        reply = await self.reply()
        assert (reply.transaction, reply.unit) == (self._transaction, unit)
        return reply.pdu

    async def read(self, address: int, count: int = 1) -> tuple[int, ...]:
        answer = await self.ask(struct.pack(">BHH", 3, address, count))
        assert answer[:2] == bytes((3, 2 * count)), answer.hex()
        return struct.unpack(f">{count}H", answer[2:])

    async def write(self, address: int, *words: int) -> bytes:
        return await self.ask(struct.pack(f">BHHB{len(words)}H", 16, address, len(words), 2 * len(words), *words))

    async def is_closed(self, timeout_s: float = 5.0) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                return await self.reader.read() == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def close(self) -> None:
        self.writer.close()


def adu(transaction: int, pdu: bytes, unit: int = 1) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu
