"""Serial lines without hardware: pseudo-terminals, and a master on one that shares no code with the product."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import struct
import tty
from collections.abc import Iterator

GAP_S = 0.02


def crc(data: bytes) -> bytes:
    """Bit by bit, as Modbus over Serial Line V1.02 §6.2.2 describes it."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register, carry = register >> 1, register & 1
            if carry:
                register ^= 0xA001
    return struct.pack("<H", register)


def framed(unit: int, pdu: bytes) -> bytes:
    body = bytes((unit,)) + pdu
    return body + crc(body)


class Master:
    """The other end of the station's line."""

    def __init__(self) -> None:
        self._fd, self._station = pty.openpty()
        tty.setraw(self._station)
        self.device = os.ttyname(self._station)
        self._received: asyncio.Queue[bytes] = asyncio.Queue()
        os.set_blocking(self._fd, False)
        asyncio.get_running_loop().add_reader(self._fd, self._receive)

    def _receive(self) -> None:
        with contextlib.suppress(OSError):
            self._received.put_nowait(os.read(self._fd, 1024))

    def send(self, data: bytes) -> None:
        os.write(self._fd, data)

    async def silence(self) -> None:
        await asyncio.sleep(3 * GAP_S)

    async def receive(self, size: int) -> bytes:
        data = b""
        async with asyncio.timeout(5):
            while len(data) < size:
                data += await self._received.get()
        return data

    async def hears_nothing(self) -> bool:
        await asyncio.sleep(6 * GAP_S)
        return self._received.empty()

    async def ask(self, pdu: bytes, unit: int = 1, size: int = 8) -> bytes:
        """The answer's PDU of `size` bytes on the line; an exception has five."""
        await self.silence()
        self.send(framed(unit, pdu))
        answer = await self.receive(5)
        if not answer[1] & 0x80 and len(answer) < size:
            answer += await self.receive(size - len(answer))
        assert answer[0] == unit
        assert crc(answer[:-2]) == answer[-2:]
        return answer[1:-2]

    async def read(self, address: int, count: int = 1, unit: int = 1) -> tuple[int, ...]:
        answer = await self.ask(struct.pack(">BHH", 3, address, count), unit, 5 + 2 * count)
        assert answer[:2] == bytes((3, 2 * count)), answer.hex()
        return struct.unpack(f">{count}H", answer[2:])

    async def write(self, address: int, *words: int, unit: int = 1) -> bytes:
        pdu = struct.pack(f">BHHB{len(words)}H", 16, address, len(words), 2 * len(words), *words)
        return await self.ask(pdu, unit)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        for end in (self._fd, self._station):
            with contextlib.suppress(OSError):
                os.close(end)

    def hang_up(self) -> None:
        """As an adapter that is pulled."""
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._station)
        os.close(self._fd)


@contextlib.contextmanager
def wire() -> Iterator[tuple[str, str]]:
    """Two serial ports whose ends are tied together, for a station and a client that opens a port by its name."""
    (left, left_port), (right, right_port) = pty.openpty(), pty.openpty()
    loop = asyncio.get_running_loop()

    def carry(source: int, target: int) -> None:
        with contextlib.suppress(OSError):
            os.write(target, os.read(source, 1024))

    for port in (left_port, right_port):
        tty.setraw(port)
    loop.add_reader(left, carry, left, right)
    loop.add_reader(right, carry, right, left)
    try:
        yield os.ttyname(left_port), os.ttyname(right_port)
    finally:
        for end in (left, right):
            loop.remove_reader(end)
        for end in (left, right, left_port, right_port):
            os.close(end)
