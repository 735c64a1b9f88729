"""The store: what stations report goes in, what people may know comes out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select

from cloud.domain import session as reducer
from cloud.domain.alarm import DUPLICATE_IDENTITY, SILENT
from cloud.domain.audit import Deed
from cloud.domain.identity_watch import IdentityWatch
from cloud.domain.retention import DEFAULT_RETENTION, Retention
from cloud.domain.tariff import Tariff
from cloud.ingest.ports import CommitResult, StationBatch
from cloud.store import (
    alarms,
    audit,
    changes,
    commands,
    files,
    inbox,
    locations,
    notices,
    partitions,
    people,
    retention,
    sessions,
    summaries,
    tariffs,
)
from cloud.store.changes import Changed
from cloud.store.engine import Database
from cloud.store.feed import Feed
from cloud.store.operating import Operations
from cloud.store.present import Present
from cloud.store.projection import Projection
from cloud.store.receipts import Seal
from cloud.store.tables import QUARANTINE, USED_TOKENS
from cloud.store.upsert import insert_missing
from cloud.store.writing import Writing
from powerctl.core.clock import Clock
from powerctl.core.ids import SessionId, StationId
from powerctl.core.record import Telemetry
from powerctl.runtime import log, metrics

ANSWER_GRACE = timedelta(seconds=5)
"""How long after its expiry a command's answer may still be on its way."""
KEEP_CHANGES = timedelta(hours=1)
KEEP_FILES = timedelta(days=90)
KEEP_NOTICES = timedelta(days=7)
KEEP_QUARANTINE = 10_000
"""So many refused messages are kept; a peer that sends rubbish must not fill the disk."""
_NO_ANSWER = "The station did not answer in time. Try again."

_log = log.get(__name__)


@dataclass(slots=True)
class Store:
    """The system of record behind ingest and the API."""

    database: Database
    clock: Clock
    tariff: Tariff
    new_id: Callable[[], str]
    """Makes a random id of at least 122 bits."""
    seal: Seal | None = None
    """Signs receipts. None: there is no key."""
    retention: Retention = DEFAULT_RETENTION
    present: Present = field(init=False)
    feed: Feed = field(init=False)
    _slowed: set[SessionId] = field(default_factory=set)
    """Sessions whose drivers were told that the grid slows them."""
    _identities: IdentityWatch = field(default_factory=IdentityWatch)

    def __post_init__(self) -> None:
        self.present = Present(self.database)
        self.feed = Feed(self.database, self.present)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Writing]:
        """A transaction; when it is committed, watchers hear of what it changed."""
        now = self.clock.utc()
        with audit.carried() as deed:
            async with self.database.write() as connection:
                writing = Writing(connection, now)
                yield writing
                await changes.note(connection, writing.changed, now)
                await notices.add(connection, writing.notices, now)
                if deed is not None:
                    await audit.append(connection, deed, now)
        writing.committed()
        if writing.changed:
            self.present.changed(writing.changed)
            self.feed.notify()

    async def commit(self, batches: Sequence[StationBatch]) -> list[CommitResult]:
        """Store records once and apply those that are new, of all stations in one transaction."""
        async with self.write() as writing:
            told = _say_more(batches)
            await locations.heard(writing.connection, told, writing.now)
            taken = await inbox.take_in(writing.connection, batches, writing.now)
            projection = Projection(writing, self.tariff, self.new_id, self.seal, self._slowed)
            for batch, (_, new) in zip(batches, taken, strict=True):
                if self._identities.heard(batch.station, batch.epoch, writing.now):
                    await _alarm(writing, batch.station)
                    await Operations(writing, self.new_id).notice(batch.station, DUPLICATE_IDENTITY)
                await projection.apply(batch.station, batch.epoch, new)
            told |= await projection.finish()
            await locations.heard(writing.connection, {batch.station for batch in batches} - told, writing.now)
        return [result for result, _ in taken]

    async def settled(self, command_ids: Collection[str]) -> Collection[str]:
        """Of these commands, those that need not be sent again."""
        async with self.database.read() as connection:
            return await commands.settled(connection, command_ids)

    async def quarantine(self, topic: str, payload: bytes, reason: str) -> None:
        """Keep a message that was refused, for a person to look at."""
        async with self.write() as writing:
            values = {"topic": topic[:200], "payload": payload, "reason": reason, "receive_time": writing.now}
            await writing.connection.execute(insert(QUARANTINE).values(values))
            newest = select(func.max(QUARANTINE.c.id)).scalar_subquery()
            await writing.connection.execute(delete(QUARANTINE).where(QUARANTINE.c.id <= newest - KEEP_QUARANTINE))

    async def hear_tariff(self) -> None:
        """Take the published tariff, where there is one: sessions that start from now on keep to it."""
        async with self.database.read() as connection:
            found = await tariffs.in_force(connection)
        if found is not None and found != self.tariff:
            _log.info("tariff_in_force", tariff=found.name)
            self.tariff = found

    async def use_token(self, token: str, expire_time: datetime) -> bool:
        """Mark a single-use token as used. False: it was used before."""
        async with self.database.write() as connection:
            row = {"id": token, "expire_time": expire_time}
            return bool(await insert_missing(connection, USED_TOKENS, [row], "id"))

    async def is_used(self, token: str) -> bool:
        """True when the token was used, or the web session of this id was signed out."""
        async with self.database.read() as connection:
            query = select(USED_TOKENS.c.id).where(USED_TOKENS.c.id == token)
            return (await connection.execute(query)).scalar() is not None

    async def expire(self) -> None:
        """Give up on commands that no station has answered, and on stations that are silent."""
        async with self.write() as writing:
            for sent in await commands.give_up(writing.connection, writing.now - ANSWER_GRACE):
                metrics.counter("cloud_commands_unanswered_total").inc()
                session = await sessions.load(writing.connection, sent.session)
                if session is not None:
                    await writing.save(session, reducer.refused(session, sent.command.command_id, _NO_ANSWER))
            silent = await locations.silent(writing.connection, writing.now)
            await alarms.end_where_online(writing.connection, SILENT, writing.now)
            operating = Operations(writing, self.new_id)
            for station in silent:
                await operating.notice(station, SILENT)
            writing.changed += [Changed("location", station) for station in silent]
            known, online = await locations.count(writing.connection)
        metrics.gauge("cloud_stations_known").set(known)
        metrics.gauge("cloud_stations_online").set(online)
        for station in silent:
            metrics.counter("cloud_stations_silent_total").inc()
            _log.warning("station_silent", station=station)

    async def summarise(self) -> None:
        """Add what telemetry has come to its sums, in transactions short enough for others to wait for."""
        more = True
        while more:
            async with self.database.write() as connection:
                more = await summaries.advance(connection)

    async def forget(self) -> None:
        """Delete what has had its time; of telemetry the sums stay longer."""
        await self.summarise()
        async with self.database.write() as connection:
            now = self.clock.utc()
            await changes.forget(connection, now - KEEP_CHANGES)
            await connection.execute(delete(USED_TOKENS).where(USED_TOKENS.c.expire_time < now))
            await people.forget_sign_offs(connection, now)
            await partitions.tend(connection, now, self.retention.telemetry_life)
            await files.forget(connection, now - KEEP_FILES)
            await notices.forget(connection, now - KEEP_NOTICES)
            await retention.apply(connection, self.retention, now)


def _say_more(batches: Sequence[StationBatch]) -> set[StationId]:
    """Stations that say more than live values, which alone make a station appear by themselves."""
    more = (batch for batch in batches if any(not isinstance(one.record.body, Telemetry) for one in batch.records))
    return {batch.station for batch in more}


async def _alarm(writing: Writing, station: StationId) -> None:
    """Two stations speak with one certificate: somebody has copied a key."""
    deed = Deed(station, "station", "station/duplicate_identity", "", "")
    await audit.append(writing.connection, deed, writing.now, "alarm", "records of two outboxes take turns")
    metrics.counter("cloud_security_events_total").labels("duplicate_identity").inc()
    _log.error("duplicate_identity", station=station)
