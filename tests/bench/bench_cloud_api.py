"""What a call and a watch stream cost the cloud's server, beside a server that does nothing, in the same run.

Counted is the processor time of the server's process, which another program on the machine does not change.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from google.protobuf.message import Message

from cloud.api.tokens import Tokens, load_key
from powerctl.core.ids import SessionId, StationId
from powerctl.core.record import SessionOpened
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.pki import issue
from powerctl.v1 import location_pb2, session_pb2, watch_pb2
from tests.bench.grpc_floor import METHOD, STREAM
from tests.bench.table import Figure, show
from tests.broker import Broker, free_port, running
from tests.integration.cloud.process import CloudProcess, eventually
from tests.roadside import RoadsideStation
from tests.unit.cloud.databases import postgres
from tests.unit.cloud.stories import LEFT, OPAL, RIGHT, SESSION, began, describes, live, telemetry

CALLS = 3_000
THIRDS = 3
AT_ONCE = 8
STREAMS = 1_000
CHANNELS = 20
WATCH_S = 15.0
PLACE = "locations/ST-1"
PAGE = 20
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


@asynccontextmanager
async def bench_cloud(folder: Path, broker: Broker, database: str = "") -> AsyncIterator[CloudProcess]:
    """The program; `database`: the address of another than its SQLite file."""
    program = CloudProcess(folder, broker)
    settings = program.config.read_text() + "\n[cloud.limits]\ncalls_per_second = 1e6\nburst = 1e6\n"
    if database:
        settings = settings.replace(f"sqlite:///{folder}/cloud.sqlite", database)
    program.config.write_text(settings)
    await program.start()
    try:
        yield program
    finally:
        program.stop()


@contextmanager
def floor(folder: Path, broker: Broker) -> Iterator[tuple[int, int]]:
    """Port and process of a server that does nothing."""
    port, tls = free_port(), issue(broker.authority, "floor", server_names=["127.0.0.1"])
    argv = [sys.executable, "-m", "tests.bench.grpc_floor", str(tls.certificate), str(tls.key), str(port)]
    process = subprocess.Popen(argv)
    try:
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


def token(program: CloudProcess) -> str:
    key = load_key(program.folder / "signing.pem")
    return Tokens(key, SystemClock()).access(OPAL, str(uuid.uuid4()))[0]


def channel(broker: Broker, port: int, number: int = 0) -> grpc.aio.Channel:
    trusted = grpc.ssl_channel_credentials(broker.authority.certificate_file.read_bytes())
    return grpc.aio.secure_channel(f"127.0.0.1:{port}", trusted, options=[("bench.number", number)])


async def cost_us(pid: int, call: Callable[[], Awaitable[Any]], calls: int = CALLS) -> float:
    """Server's processor time per call, in microseconds, after a warm-up; the fastest third, as others work too."""

    async def many(count: int) -> None:
        for _ in range(count):
            await call()

    await asyncio.gather(*(many(calls // 10 // AT_ONCE) for _ in range(AT_ONCE)))
    each, costs = calls // THIRDS // AT_ONCE, []
    for _ in range(THIRDS):
        before = cpu_s(pid)
        await asyncio.gather(*(many(each) for _ in range(AT_ONCE)))
        costs.append((cpu_s(pid) - before) / (each * AT_ONCE) * 1e6)
    return min(costs)


def unary(
    over: grpc.aio.Channel, secret: str, method: str = METHOD, wanted: Message | None = None
) -> Callable[[], Awaitable[Any]]:
    rpc: Any = over.unary_unary(method)
    request = (wanted or location_pb2.GetLocationRequest(name=PLACE)).SerializeToString()
    metadata = [("authorization", f"Bearer {secret}")]
    return lambda: rpc(request, metadata=metadata, timeout=20)


def grpc_web(client: httpx.AsyncClient, secret: str) -> Callable[[], Awaitable[Any]]:
    request = location_pb2.GetLocationRequest(name=PLACE).SerializeToString()
    headers = {"content-type": "application/grpc-web+proto", "authorization": f"Bearer {secret}"}
    body = struct.pack(">BI", 0, len(request)) + request

    async def call() -> None:
        answer = await client.post(METHOD, content=body, headers=headers)
        assert answer.status_code == 200
        assert b"Harbour" in answer.content, answer.content

    return call


@asynccontextmanager
async def reporting(broker: Broker, name: str = "ST-1") -> AsyncIterator[RoadsideStation]:
    station = RoadsideStation(StationId(name), broker.settings(name), random.Random(name))
    task = asyncio.create_task(station.run())
    try:
        station.tell(describes())
        yield station
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def committed(station: RoadsideStation) -> bool | None:
    return None if station.waiting else True


GET_SESSION = "/powerctl.v1.SessionService/GetSession"
OPENED = 1_000
READS: dict[str, tuple[str, Message]] = {
    "GetLocation, kept in memory": (METHOD, location_pb2.GetLocationRequest(name=PLACE)),
    "GetSession, of one that charges": (GET_SESSION, session_pb2.GetSessionRequest(name=f"sessions/{SESSION}")),
    f"ListSessions, a page of {PAGE}": (
        "/powerctl.v1.SessionService/ListSessions",
        session_pb2.ListSessionsRequest(page_size=PAGE),
    ),
    f"ListLocations, a page of {PAGE}": (
        "/powerctl.v1.LocationService/ListLocations",
        location_pb2.ListLocationsRequest(page_size=PAGE),
    ),
}


def _plugs_in(station: RoadsideStation) -> None:
    """Sessions for a page and for calls that each read another one; the newest charges."""
    for number in range(OPENED):
        station.tell(SessionOpened(_opened(number), RIGHT))
    station.tell(SessionOpened(SESSION, LEFT))
    station.tell(began())


def _opened(number: int) -> SessionId:
    return SessionId(str(uuid.UUID(int=number + 1)))


def each_once(over: grpc.aio.Channel, secret: str) -> Callable[[], Awaitable[Any]]:
    """Calls for sessions that nobody has read before."""
    wanted = iter(range(OPENED - PAGE - 1))

    def call() -> Awaitable[Any]:
        request = session_pb2.GetSessionRequest(name=f"sessions/{_opened(next(wanted))}")
        return unary(over, secret, GET_SESSION, request)()

    return call


@contextmanager
def _another(folder: Path, name: str) -> Iterator[str]:
    """The address of a database. Empty: the program's own SQLite file."""
    if name == "SQLite":
        yield ""
        return
    with postgres(folder) as server:
        yield asyncio.run(server.new())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SQLite", "PostgreSQL"])
def test_calls_that_read_the_database_cost_what_was_promised(tmp_path: Path, name: str) -> None:
    names = tuple(f"ST-{number}" for number in range(1, PAGE + 6))
    with (
        _another(tmp_path, name) as database,
        running(tmp_path, "nats", stations=names) as broker,
        floor(tmp_path, broker) as empty,
    ):
        figures = asyncio.run(_reads(tmp_path, broker, names, database, empty))
    show(f"Cloud API, {name}: the server's processor time for calls that read", figures)
    assert all(figure.held for figure in figures)


async def _reads(
    folder: Path, broker: Broker, names: Sequence[str], database: str, floor_of: tuple[int, int]
) -> list[Figure]:
    empty_port, empty_pid = floor_of
    async with bench_cloud(folder, broker, database) as program, AsyncExitStack() as stack:
        stations = [await stack.enter_async_context(reporting(broker, name)) for name in names]
        _plugs_in(stations[0])
        for station in stations:
            await eventually(partial(committed, station), 60)
        assert program._process is not None
        pid, secret, figures = program._process.pid, token(program), []
        async with channel(broker, program.grpc) as ours, channel(broker, empty_port) as empty:
            nothing = await cost_us(empty_pid, unary(empty, secret))
            figures.append(Figure("an empty servicer, unary over TLS", nothing, "us"))
            calls = {name: (unary(ours, secret, method, request), CALLS) for name, (method, request) in READS.items()}
            calls["GetSession, each read from the database"] = each_once(ours, secret), OPENED * 4 // 5
            for name, (call, count) in calls.items():
                cost = await cost_us(pid, call, count)
                figures.append(Figure(name, cost, "us", 900))
                figures.append(Figure("... of the empty servicer", cost / nothing, "x"))
    return figures


@pytest.mark.slow
async def test_a_call_and_a_stream_cost_what_was_promised(tmp_path: Path) -> None:
    with running(tmp_path, "nats") as broker, floor(tmp_path, broker) as (empty_port, empty_pid):
        async with bench_cloud(tmp_path, broker) as program, reporting(broker) as station:
            await eventually(lambda: committed(station), 30)
            assert program._process is not None
            pid, secret = program._process.pid, token(program)
            async with channel(broker, program.grpc) as ours, channel(broker, empty_port) as empty:
                assert await unary(ours, secret)()
                nothing = await cost_us(empty_pid, unary(empty, secret))
                call = await cost_us(pid, unary(ours, secret))
            async with httpx.AsyncClient(base_url=program.address, timeout=20) as client:
                web = await cost_us(pid, grpc_web(client, secret))
            told = await _watched(
                Watched(partial(channel, broker, program.grpc), pid, secret),
                lambda number: station.tell(telemetry(live(session=None, wh=float(number)))),
            )
        bare = await _watched(Watched(partial(channel, broker, empty_port), empty_pid, secret, bytes(told.size)))
    figures = [
        Figure("an empty servicer, unary over TLS", nothing, "us"),
        Figure("authenticated unary over TLS", call, "us", 900),
        Figure("... of the empty servicer", call / nothing, "x"),
        Figure("the same by gRPC-Web, plain", web, "us"),
        Figure("... of native gRPC over TLS", web / call, "x"),
        Figure(f"{STREAMS} watch streams", told.share * 100, "%"),
        Figure("... messages per stream", told.rate, "Hz", 0.9, at_least=True),
        Figure("... at 1 Hz", told.at_1_hz * 100, "%", 15),
        Figure("... of as many streams that send as many bytes and do nothing else", told.at_1_hz / bare.at_1_hz, "x"),
    ]
    show("Cloud API: the server's processor time", figures)
    assert all(figure.held for figure in figures)


@dataclass(frozen=True)
class Watched:
    """Streams of a server, and what they cost it."""

    opened: Callable[[int], grpc.aio.Channel]
    """A channel of its own for each number."""
    pid: int
    secret: str
    request: bytes = watch_pb2.WatchRequest().SerializeToString()
    share: float = 0.0
    """Of a core."""
    rate: float = 0.0
    """Messages per stream and second."""
    size: int = 0
    """Bytes of the last message."""

    @property
    def at_1_hz(self) -> float:
        """The share of a core at one message a second."""
        return self.share / self.rate


async def _watched(asked: Watched, tell: Callable[[int], object] = lambda _: None) -> Watched:
    """What all streams together cost, while `tell` makes something change once a second."""
    told = size = 0
    ready = asyncio.Semaphore(0)

    async def watch(over: grpc.aio.Channel) -> None:
        nonlocal told, size
        rpc: Any = over.unary_stream(STREAM)
        stream = rpc(asked.request, metadata=[("authorization", f"Bearer {asked.secret}")])
        first = True
        async for message in stream:
            told, size = told + 1, len(message)
            if first:
                ready.release()
                first = False

    channels = [asked.opened(number) for number in range(CHANNELS)]
    watching = [asyncio.create_task(watch(channels[number % CHANNELS])) for number in range(STREAMS)]
    try:
        async with asyncio.timeout(120):
            for _ in range(STREAMS):
                await ready.acquire()
        await asyncio.sleep(2)
        told, before, began = 0, cpu_s(asked.pid), time.perf_counter()
        for number in range(int(WATCH_S)):
            tell(number)
            await asyncio.sleep(max(0.0, began + number + 1 - time.perf_counter()))
        took = time.perf_counter() - began
        return replace(asked, share=(cpu_s(asked.pid) - before) / took, rate=told / STREAMS / took, size=size)
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        with suppress(Exception):
            await asyncio.gather(*(one.close() for one in channels))
