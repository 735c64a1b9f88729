"""What a telemetry message costs the cloud in CPU: decoded, deduplicated and committed, beside what it cannot go below.

The ceilings are measured in the same run: the same rows by a bare INSERT or COPY, and a broker that only passes the
messages on. Half of the stations charge, and each message is of another station: the most expensive mixture.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from cloud.ingest.check import inspect
from cloud.ingest.ingest import Arrival, Ingest
from cloud.store.store import Store
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.record import Body, Record, SessionOpened, TransactionStarted
from powerctl.runtime import garbage
from powerctl.runtime.clock import SystemClock
from powerctl.wire.batch import batch_to_wire, encode_record
from powerctl.wire.topics import Channel, topic
from tests.bench.table import Figure, show
from tests.broker import running
from tests.unit.cloud.databases import SqliteFiles, opened, postgres
from tests.unit.cloud.stories import LEFT, NOON, RIGHT, TARIFF, describes, live, reading, telemetry

STATIONS = 500
ROUNDS = 40
QUARTERS = 4
MESSAGES = STATIONS * ROUNDS
COPY = ("station", "epoch", "sequence", "payload_hash", "kind", "record_time", "receive_time", "payload", "samples")
SAMPLES = '[[1, "", 6100.0, 1234.5, 22000.0], [2, "", 0.0, 0.0, 22000.0], [0, "", 7000.0, 0.0, null]]'

Message = tuple[str, bytes]


def _session(number: int) -> SessionId:
    return SessionId(str(uuid.UUID(int=number + 1)))


def _message(number: int, sequence: int, body: Body) -> Message:
    station = StationId(f"ST-{number}")
    payload = encode_record(Record(NOON + timedelta(seconds=sequence), body))
    return topic(station, Channel.TELEMETRY), batch_to_wire(station, 7, [(sequence, payload)])


def _beginnings() -> Iterator[list[Message]]:
    """All stations describe themselves, and every second one charges."""
    yield [_message(number, 1, describes()) for number in range(STATIONS)]
    charging = range(0, STATIONS, 2)
    yield [_message(number, 2, SessionOpened(_session(number), LEFT)) for number in charging]
    started = [TransactionStarted(_session(number), LEFT, reading(1000, 1), "") for number in charging]
    yield [_message(number, 3, body) for number, body in zip(charging, started, strict=True)]


def _round(turn: int) -> list[Message]:
    def of(number: int, connector: ConnectorId) -> SessionId | None:
        return _session(number) if connector is LEFT and number % 2 == 0 else None

    return [
        _message(
            number,
            10 + turn,
            telemetry(*(live(at, session=of(number, at), wh=50.0 * turn) for at in (LEFT, RIGHT))),
        )
        for number in range(STATIONS)
    ]


@dataclass
class Load:
    """Messages, and an ingest that takes them."""

    ingest: Ingest
    rounds: list[list[Message]] = field(default_factory=lambda: [_round(turn) for turn in range(ROUNDS)])

    async def offer(self, messages: list[Message]) -> None:
        """Returns when the broker would have all acknowledgements."""
        left, over = [len(messages)], asyncio.Event()

        def accepted() -> None:
            left[0] -= 1
            if not left[0]:
                over.set()

        for name, data in messages:
            self.ingest.offer(Arrival(name, data, accepted))
        await over.wait()

    async def cost_us(self) -> float:
        """CPU of this process, all threads, per message; of the fastest quarter of all rounds, as others work too."""
        quarter = len(self.rounds) // QUARTERS
        costs = []
        for number in range(QUARTERS):
            began = time.process_time()
            for messages in self.rounds[number * quarter : (number + 1) * quarter]:
                await self.offer(messages)
            costs.append((time.process_time() - began) / (quarter * STATIONS) * 1e6)
        return min(costs)


@asynccontextmanager
async def _load(address: str) -> Any:
    async with opened(address) as database:
        store = Store(database, SystemClock(), TARIFF, lambda: str(uuid.uuid4()))
        ingest = Ingest(store, lambda *_: None)
        task = asyncio.create_task(ingest.run())
        made = Load(ingest)
        for messages in _beginnings():
            await made.offer(messages)
        yield made
        task.cancel()


@contextmanager
def relaxed() -> Iterator[None]:
    """As the program runs."""
    before = gc.get_threshold()
    garbage.relax()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def _cpu_us(action: Callable[[], Awaitable[None]], count: int = MESSAGES) -> float:
    """CPU of this process, all threads, per message, in µs."""
    began = time.process_time()
    await action()
    return (time.process_time() - began) / count * 1e6


def _rows(load: Load) -> list[list[tuple[object, ...]]]:
    """What the messages put into the history."""
    now = NOON.replace(tzinfo=None)
    return [
        [
            (batch.station, 7, one.sequence, bytes(32), "Telemetry", now, now, one.payload, SAMPLES)
            for name, data in messages
            for batch in [inspect(name, data)]
            for one in batch.good
        ]
        for messages in load.rounds
    ]


def _bare_insert(path: str, rows: list[list[tuple[object, ...]]]) -> float:
    database = sqlite3.connect(path.removeprefix("sqlite:///"), isolation_level=None)
    database.execute("PRAGMA synchronous=FULL")
    began = time.process_time()
    for transaction in rows:
        database.execute("BEGIN IMMEDIATE")
        given = [(*row[:5], str(row[5]), str(row[6]), *row[7:]) for row in transaction]
        database.executemany(f"INSERT INTO telemetry ({', '.join(COPY)}) VALUES ({', '.join('?' * 9)})", given)
        database.execute("COMMIT")
    spent = time.process_time() - began
    database.close()
    return spent / MESSAGES * 1e6


@pytest.mark.asyncio
async def test_telemetry_on_sqlite(tmp_path: Path) -> None:
    files = await asyncio.to_thread(SqliteFiles, tmp_path)
    async with _load(await files.new()) as load:
        with relaxed():
            decoding = await _cpu_us(lambda: _decode(load))
            all_of_it = await load.cost_us()
        bare = _bare_insert(await files.new(), _rows(load))
    show(
        "Ingest of telemetry, SQLite: CPU per message",
        [
            Figure("decoded", decoding, "µs"),
            Figure("decoded, deduplicated, applied, committed", all_of_it, "µs", 150),
            Figure("the same rows by a bare INSERT", bare, "µs"),
            Figure("ratio to it", all_of_it / bare, ""),
            Figure("ratio to decoding and that", all_of_it / (decoding + bare), ""),
        ],
    )


async def _decode(load: Load) -> None:
    for messages in load.rounds:
        for name, data in messages:
            inspect(name, data)


@pytest.mark.asyncio
async def test_telemetry_on_postgresql(tmp_path: Path) -> None:
    server_of = postgres(tmp_path)
    server = await asyncio.to_thread(server_of.__enter__)
    try:
        async with _load(await server.new()) as load:
            with relaxed():
                decoding = await _cpu_us(lambda: _decode(load))
                all_of_it = await load.cost_us()
            rows = _rows(load)
        bare = await _bare_copy(await server.new(), rows)
    finally:
        await asyncio.to_thread(server_of.__exit__, None, None, None)
    show(
        "Ingest of telemetry, PostgreSQL: CPU of ingest per message",
        [
            Figure("decoded", decoding, "µs"),
            Figure("decoded, deduplicated, applied, committed", all_of_it, "µs", 100),
            Figure("the same rows by a bare COPY", bare, "µs"),
            Figure("ratio to it", all_of_it / bare, ""),
            Figure("ratio to decoding and that", all_of_it / (decoding + bare), ""),
        ],
    )


async def _bare_copy(address: str, rows: list[list[tuple[object, ...]]]) -> float:
    connection = await asyncpg.connect(address)
    given = [[(*row[:5], NOON, NOON, *row[7:]) for row in transaction] for transaction in rows]

    async def copy() -> None:
        for transaction in given:
            await connection.copy_records_to_table("telemetry", records=transaction, columns=COPY)

    try:
        return await _cpu_us(copy)
    finally:
        await connection.close()


def _cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("name", ["nats", "mosquitto"])
def test_a_bare_broker(tmp_path: Path, name: Any) -> None:
    with running(tmp_path, name) as broker:
        files = broker.settings("ST-1").tls
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="ST-1", protocol=paho.MQTTv311)
        client.tls_set(str(files.ca), str(files.certificate), str(files.key))
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        data = _round(1)[1][1]
        before = _cpu_of(broker.pid)
        for _ in range(MESSAGES):
            client.publish(topic(StationId("ST-1"), Channel.TELEMETRY), data, qos=1)
        while client.want_write() or client._out_messages:
            time.sleep(0.05)
        spent = (_cpu_of(broker.pid) - before) / MESSAGES * 1e6
        client.loop_stop()
        client.disconnect()
    show(f"{name} alone, QoS 1 over TLS: CPU per message", [Figure("taken and acknowledged", spent, "µs")])
