"""Three nodes, two ingest and two API replicas over one PostgreSQL: any is killed under load, and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from powerctl.core.ids import StationId
from powerctl.runtime.pki import signing_key
from powerctl.v1 import session_pb2
from tests.cluster import Cluster, Node, clustered
from tests.integration.cluster.replica import Client, Replica
from tests.roadside import RoadsideStation
from tests.unit.cloud.databases import Databases, opened, postgres
from tests.unit.cloud.stories import OPAL

pytestmark = pytest.mark.integration

STATIONS = ("ST-1", "ST-2", "ST-3")
COMPLETED = session_pb2.SESSION_STATE_COMPLETED


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    with postgres(tmp_path_factory.mktemp("postgres")) as started:
        yield started


@dataclass
class Cell:
    """Everything of one cell, and the roadside that it serves."""

    cluster: Cluster
    replicas: list[Replica]
    client: Client
    stations: list[RoadsideStation]
    database: str

    def parts(self, kind: str) -> list[Node | Replica]:
        """The nodes, or the replicas of one part."""
        return [*self.cluster.nodes] if kind == "node" else [one for one in self.replicas if one.part == kind]


@pytest.fixture
async def cell(tmp_path: Path, server: Databases) -> AsyncIterator[Cell]:
    key = tmp_path / "signing.pem"
    signing_key(key)
    database = await server.new()
    async with clustered(tmp_path, STATIONS) as cluster:
        replicas = [
            Replica(f"{part}-{number}", part, tmp_path, cluster, database, key)
            for part in ("ingest", "api")
            for number in (1, 2)
        ]
        client = Client([one.grpc for one in replicas if one.part == "api"], key, OPAL)
        stations = [RoadsideStation(StationId(name), cluster.mqtt(name), random.Random(name)) for name in STATIONS]
        try:
            for one in replicas:
                one.start()
            await asyncio.gather(*(one.until_well() for one in replicas))
            yield Cell(cluster, replicas, client, stations, database)
        finally:
            for one in replicas:
                one.stop()


@contextlib.asynccontextmanager
async def during(*work: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Work that goes on until the block ends, and must not have failed by then."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield tasks
        assert [task.exception() for task in tasks if task.done()] == []
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def committed(stations: list[RoadsideStation], within_s: float = 90.0) -> None:
    """Wait until no station waits for the cloud."""
    async with asyncio.timeout(within_s):
        while any(station.waiting for station in stations):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def progress(cell: Cell, within_s: float = 90.0) -> None:
    """Wait until every station has had new records committed and the client new answers."""
    before = [len(station.history) for station in cell.stations]
    answers = cell.client.answered
    async with asyncio.timeout(within_s):
        for station, known in zip(cell.stations, before, strict=True):
            while min(station.waiting, default=known + 1) <= known:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        while cell.client.answered < answers + 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


ALL = tuple((kind, number) for kind in ("node", "ingest", "api") for number in range(3 if kind == "node" else 2))
SHORT = (("node", 0), ("ingest", 0), ("api", 0))


@pytest.mark.parametrize("victims", [SHORT, pytest.param(ALL, marks=pytest.mark.slow)], ids=["short", "all"])
async def test_any_part_is_killed_under_load_and_nothing_is_lost(
    cell: Cell, victims: tuple[tuple[str, int], ...]
) -> None:
    linked = [station.run() for station in cell.stations]
    async with during(*linked, cell.client.call(), cell.client.watch()):
        async with during(*(station.live() for station in cell.stations)):
            await progress(cell)
            for kind, number in victims:
                victim = cell.parts(kind)[number]
                victim.stop()
                await progress(cell)
                victim.start()
            await progress(cell)
        await committed(cell.stations)
        await _the_client_has_seen_every_session_end(cell)
    await _every_record_is_stored_once(cell)
    await _every_session_has_one_receipt_of_what_the_meter_saw(cell)
    assert cell.client.moved >= 1, "the stream was never lost: nothing was tried"


async def _the_client_has_seen_every_session_end(cell: Cell) -> None:
    ended = {f"sessions/{one.session}" for station in cell.stations for one in station.charged}
    async with asyncio.timeout(60):
        while not all(cell.client.sessions.get(name) == COMPLETED for name in ended):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _every_record_is_stored_once(cell: Cell) -> None:
    async with opened(cell.database) as database, database.read() as connection:
        rows = (await connection.execute(text("SELECT station, epoch, sequence FROM records"))).all()
        quarantined = (await connection.execute(text("SELECT count(*) FROM quarantine"))).scalar_one()
    stored = sorted((row.station, row.epoch, row.sequence) for row in rows)
    produced = sorted((station.name, station.epoch, number) for station in cell.stations for number in station.history)
    assert len(produced) > 100, "no load"
    assert stored == produced
    assert quarantined == 0


async def _every_session_has_one_receipt_of_what_the_meter_saw(cell: Cell) -> None:
    async with opened(cell.database) as database, database.read() as connection:
        query = text("SELECT session, document->>'energy_wh' AS wh FROM receipts")
        receipts = [(row.session, int(row.wh)) for row in await connection.execute(query)]
    seen = [(one.session, one.end_wh - one.begin_wh) for station in cell.stations for one in station.charged]
    assert len(seen) > 5, "no sessions"
    assert sorted(receipts) == sorted(seen)
