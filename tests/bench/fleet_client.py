"""A light station for fleets of thousands in one process: MQTT 3.1.1 by hand over real TLS, one record at a time.

It shares nothing with the product's client but the words of the wire and the way it waits: full jitter, from one second
to a cap. Run as a program: a JSON description on standard input; it says what it has done on standard output.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import ssl
import struct
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from powerctl.core.ids import StationId
from powerctl.core.record import Record, Telemetry
from powerctl.core.units import Power
from powerctl.runtime.backoff import full_jitter
from powerctl.wire.batch import batch_to_wire, committed_from_wire, encode_record
from powerctl.wire.topics import Channel, topic

KEEPALIVE_S: Final = 120
RESEND_S: Final = 20.0
CONNECT_S: Final = 60.0
CAP_S: Final = 60.0


def packet(kind: int, body: bytes) -> bytes:
    """An MQTT packet."""
    length, encoded = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (0x80 if length else 0))
        if not length:
            return bytes([kind]) + bytes(encoded) + body


def text(value: str) -> bytes:
    """A string as MQTT writes it."""
    return struct.pack(">H", len(value)) + value.encode()


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next packet."""
    kind = (await reader.readexactly(1))[0]
    length, shift = 0, 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 0x7F) << shift
        shift += 7
        if digit < 0x80:
            return kind, await reader.readexactly(length)


@dataclass
class LightStation:
    """A station."""

    name: StationId
    host: str
    port: int
    context: ssl.SSLContext
    epoch: int
    waiting: dict[int, bytes] = field(default_factory=dict)
    said: int = 0
    connected: bool = False
    connections: int = 0
    attempts: int = 0
    _writer: asyncio.StreamWriter | None = None

    def say(self) -> None:
        """A new record, sent at once where there is a connection."""
        self.said += 1
        self.waiting[self.said] = encode_record(
            Record(datetime.now(UTC), Telemetry(Power(float(self.said)), None, (), True))
        )
        self._send([self.said])

    def _send(self, sequences: list[int]) -> None:
        if self._writer is None or not self.connected or not sequences:
            return
        rows = [(one, self.waiting[one]) for one in sequences[:50]]
        name = topic(self.name, Channel.TELEMETRY)
        body = text(name) + struct.pack(">H", sequences[0] % 65535 + 1) + batch_to_wire(self.name, self.epoch, rows)
        self._writer.write(packet(0x32, body))

    async def run(self) -> NoReturn:
        """Connect, and again when the connection is lost."""
        failures = 0
        while True:
            before = self.connections
            self.attempts += 1
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError, ssl.SSLError):
                await self._one_connection()
            self.connected, self._writer = False, None
            failures = 0 if self.connections > before else failures + 1
            await asyncio.sleep(full_jitter(failures, cap_s=CAP_S, random=random.random))

    async def _one_connection(self) -> None:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(
                self.host, self.port, ssl=self.context, ssl_handshake_timeout=CONNECT_S
            )
        try:
            writer.write(packet(0x10, text("MQTT") + bytes([4, 2]) + struct.pack(">H", KEEPALIVE_S) + text(self.name)))
            async with asyncio.timeout(CONNECT_S):
                await self._greeted(reader, writer)
            self._writer, self.connected = writer, True
            self.connections += 1
            while True:
                self._send(list(self.waiting))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RESEND_S * random.uniform(0.7, 1.3)):
                        while True:
                            self._take(*await read_packet(reader))
                writer.write(packet(0xC0, b""))
        finally:
            writer.transport.abort()

    async def _greeted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kind, body = await read_packet(reader)
        if kind != 0x20 or body[1] != 0:
            raise OSError("refused")
        writer.write(packet(0x82, struct.pack(">H", 1) + text(topic(self.name, Channel.COMMITTED)) + b"\x00"))
        while kind != 0x90:
            kind, body = await read_packet(reader)
        if body[2] == 0x80:
            raise OSError("the subscription was refused")

    def _take(self, kind: int, body: bytes) -> None:
        if kind & 0xF0 != 0x30:
            return
        length = struct.unpack_from(">H", body)[0]
        start = 2 + length
        if kind & 0x06:
            number = body[start : start + 2]
            start += 2
            if self._writer is not None:
                self._writer.write(packet(0x40, number))
        word = committed_from_wire(body[start:])
        for first, last in word.ranges if word.epoch == self.epoch else ():
            for one in range(first, last + 1):
                self.waiting.pop(one, None)


class Fleet:
    """Every station of this process, and a clock that lets them speak."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        folder = Path(wanted["folder"])
        self.every_s: float = wanted["every_s"]
        self.stations = [
            LightStation(StationId(name), wanted["host"], wanted["port"], _context(folder, name), number + 1)
            for number, name in enumerate(wanted["stations"])
        ]
        self.quiet = False

    async def run(self) -> None:
        """Until standard input ends."""
        tasks = [asyncio.create_task(self._live(one)) for one in self.stations]
        tasks.append(asyncio.create_task(self._report()))
        loop = asyncio.get_running_loop()
        while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
            self.quiet = line == "quiet"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _live(self, station: LightStation) -> None:
        running = asyncio.create_task(station.run())
        try:
            await asyncio.sleep(random.uniform(0, self.every_s))
            while True:
                if not self.quiet:
                    station.say()
                await asyncio.sleep(self.every_s)
        finally:
            running.cancel()

    async def _report(self) -> NoReturn:
        while True:
            report = {
                "time": time.time(),
                "connected": sum(one.connected for one in self.stations),
                "said": sum(one.said for one in self.stations),
                "waiting": sum(len(one.waiting) for one in self.stations),
                "attempts": sum(one.attempts for one in self.stations),
            }
            print(json.dumps(report), flush=True)
            await asyncio.sleep(1.0)


def _context(folder: Path, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(folder / "ca.pem")
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


if __name__ == "__main__":
    asyncio.run(Fleet(json.loads(sys.stdin.readline())).run())
