"""Every record once: what is new goes in, what came before is told from what only claims to have come before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.ingest.ports import CommitResult, StationBatch, StoredRecord
from cloud.store.rows import ManyRows
from cloud.store.tables import INBOX
from cloud.store.upsert import insert_into
from powerctl.core.ids import StationId
from powerctl.core.record import lane_of

Key = tuple[StationId, int, int]
_INSERT: Final = ManyRows(INBOX)
_KEY: Final = (INBOX.c.station, INBOX.c.epoch, INBOX.c.sequence)


class Taken(NamedTuple):
    """What became of one batch."""

    result: CommitResult
    new: list[StoredRecord]
    """In the order in which they came."""


async def take_in(connection: AsyncConnection, batches: Sequence[StationBatch], now: datetime) -> list[Taken]:
    """Store what is new of `batches`, in one statement for all of them."""
    offered: dict[Key, StoredRecord] = {
        (batch.station, batch.epoch, one.sequence): one for batch in batches for one in batch.records
    }
    inserted = await _insert(connection, offered, now)
    conflicts = await _conflicts(connection, batches, offered, inserted)
    return [_taken(batch, inserted, conflicts) for batch in batches]


async def _insert(connection: AsyncConnection, offered: dict[Key, StoredRecord], now: datetime) -> set[Key]:
    """The keys of what was new. That everything is new is by far the most frequent case, and the cheapest to try."""
    rows = [_row(key, one, now) for key, one in offered.items()]
    if not rows:
        return set()
    try:
        async with connection.begin_nested():
            await _INSERT.execute(connection, rows)
    except IntegrityError:
        statement: Any = insert_into(connection, INBOX).on_conflict_do_nothing().returning(*_KEY)
        inserted = await connection.execute(statement, rows)
        return {(station, epoch, sequence) for station, epoch, sequence in inserted}
    return set(offered)


async def _conflicts(
    connection: AsyncConnection, batches: Sequence[StationBatch], offered: dict[Key, StoredRecord], inserted: set[Key]
) -> set[Key]:
    """Of what was there before, what has another content now."""
    conflicts: set[Key] = set()
    for batch in batches if len(inserted) < len(offered) else ():
        known = {(batch.station, batch.epoch, one.sequence) for one in batch.records} - inserted
        if not known:
            continue
        query = select(INBOX.c.sequence, INBOX.c.payload_hash).where(
            INBOX.c.station == batch.station,
            INBOX.c.epoch == batch.epoch,
            INBOX.c.sequence.in_([sequence for _, _, sequence in known]),
        )
        hashes = {row.sequence: row.payload_hash for row in await connection.execute(query)}
        conflicts |= {key for key in known if hashes[key[2]] != _hash(offered[key].payload)}
    return conflicts


def _taken(batch: StationBatch, inserted: set[Key], conflicts: set[Key]) -> Taken:
    unique = {one.sequence: one for one in batch.records}
    new = [one for sequence, one in unique.items() if (batch.station, batch.epoch, sequence) in inserted]
    other = [sequence for sequence in unique if (batch.station, batch.epoch, sequence) in conflicts]
    duplicates = len(batch.records) - len(new) - len(other)
    return Taken(CommitResult(committed=sorted(unique), duplicates=duplicates, conflicts=other), new)


def _row(key: Key, one: StoredRecord, now: datetime) -> dict[str, object]:
    return {
        "station": key[0],
        "epoch": key[1],
        "sequence": key[2],
        "payload_hash": _hash(one.payload),
        "kind": type(one.record.body).__name__,
        "lane": int(lane_of(one.record.body)),
        "record_time": one.record.record_time,
        "receive_time": now,
        "payload": one.payload,
    }


def _hash(payload: bytes) -> bytes:
    return hashlib.sha256(payload).digest()
