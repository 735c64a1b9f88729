"""A store with a station that reports to it."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from cloud.domain.location import Station
from cloud.domain.receipt import Receipt
from cloud.domain.session import Session
from cloud.ingest.ports import CommitResult, StationBatch, StoredRecord
from cloud.store import locations, sessions
from cloud.store.store import Store
from powerctl.core.clock import ManualClock
from powerctl.core.ids import SessionId, StationId
from powerctl.core.record import Body, Record
from powerctl.wire.batch import encode_record
from tests.unit.cloud.databases import opened
from tests.unit.cloud.stories import NOON, SESSION, STATION, TARIFF, describes

EPOCH = (1 << 64) - 7
"""Above what a signed number of 64 bits holds."""


class World:
    """A store, its clock, and what stations told it."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        self._sequences: Iterator[int] = itertools.count(1)

    def entry(self, body: Body, sequence: int | None = None) -> StoredRecord:
        """The body as the station's next record."""
        number = next(self._sequences) if sequence is None else sequence
        record = Record(self.clock.utc(), body)
        return StoredRecord(number, encode_record(record), record)

    async def reports(self, *bodies: Body, station: StationId = STATION) -> CommitResult:
        """The station reports these, in one batch."""
        return await self.commits([self.entry(body) for body in bodies], station=station)

    async def commits(
        self, entries: list[StoredRecord], *, station: StationId = STATION, epoch: int = EPOCH
    ) -> CommitResult:
        """The store commits these."""
        [result] = await self.store.commit([StationBatch(station, epoch, entries)])
        return result

    async def starts(self) -> None:
        """The station describes itself."""
        await self.reports(describes())

    async def session(self, session: SessionId = SESSION) -> Session:
        """The session as the store has it."""
        async with self.store.database.read() as connection:
            found = await sessions.load(connection, session)
        assert found is not None
        return found

    async def station(self, station: StationId = STATION) -> Station:
        """The station as the store has it."""
        async with self.store.database.read() as connection:
            found = await locations.load(connection, station)
        assert found is not None
        return found

    async def receipts(self, driver: str | None = None) -> list[Receipt]:
        """Receipts, newest first."""
        async with self.store.database.read() as connection:
            found, _ = await sessions.receipt_page(connection, driver=driver, before=None, size=100)
        return found


@asynccontextmanager
async def world(address: str) -> AsyncIterator[World]:
    """A world on the database at this address."""
    async with opened(address) as database:
        clock = ManualClock(utc=NOON)
        yield World(Store(database, clock, TARIFF, lambda: str(uuid.uuid4())), clock)
