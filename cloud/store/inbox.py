"""Every record once: what is new goes in, what came before is told from what only claims to have come before.

Telemetry has a table of its own, where a record is known by its time too: a table by days can enforce no less.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import Table, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.summary import Sample, samples_of
from cloud.ingest.ports import CommitResult, StationBatch, StoredRecord
from cloud.store.rows import ManyRows
from cloud.store.tables import INBOX
from cloud.store.telemetry_tables import TELEMETRY
from cloud.store.upsert import insert_into
from powerctl.core.ids import StationId
from powerctl.core.record import Lane, lane_of

Key = tuple[StationId, int, int]
Offered = Mapping[Key, StoredRecord]


class Taken(NamedTuple):
    """What became of one batch."""

    result: CommitResult
    new: list[StoredRecord]
    """In the order in which they came."""


class _Ledger(NamedTuple):
    """A table that has each record once."""

    table: Table
    insert: ManyRows
    columns: Sequence[str]
    row: Callable[[Key, StoredRecord, datetime], tuple[object, ...]]


async def take_in(connection: AsyncConnection, batches: Sequence[StationBatch], now: datetime) -> list[Taken]:
    """Store what is new of `batches`, in one statement for all of them and each of the two tables."""
    parts: dict[bool, dict[Key, StoredRecord]] = {False: {}, True: {}}
    for batch in batches:
        for one in batch.records:
            live = lane_of(one.record.body) is Lane.TELEMETRY
            parts[live][batch.station, batch.epoch, one.sequence] = one
    inserted: set[Key] = set()
    conflicts: set[Key] = set()
    for live, ledger in ((False, _LASTING), (True, _LIVE)):
        offered = parts[live]
        new = await _insert(connection, ledger, offered, now)
        inserted |= new
        if len(new) < len(offered):
            conflicts |= await _conflicts(connection, ledger.table, offered, offered.keys() - new)
    return [_taken(batch, inserted, conflicts) for batch in batches]


async def _insert(connection: AsyncConnection, ledger: _Ledger, offered: Offered, now: datetime) -> set[Key]:
    """The keys of what was new. That everything is new is by far the most frequent case, and the cheapest to try."""
    rows = [ledger.row(key, one, now) for key, one in offered.items()]
    if not rows:
        return set()
    try:
        async with connection.begin_nested():
            await ledger.insert.execute(connection, rows)
    except IntegrityError:
        key = (ledger.table.c.station, ledger.table.c.epoch, ledger.table.c.sequence)
        statement: Any = insert_into(connection, ledger.table).on_conflict_do_nothing().returning(*key)
        named = [dict(zip(ledger.columns, row, strict=True)) for row in rows]
        inserted = await connection.execute(statement, named)
        return {(station, epoch, sequence) for station, epoch, sequence in inserted}
    return set(offered)


async def _conflicts(connection: AsyncConnection, table: Table, offered: Offered, known: set[Key]) -> set[Key]:
    """Of what was there before, what has another content now."""
    sequences: dict[tuple[StationId, int], list[int]] = {}
    for station, epoch, sequence in known:
        sequences.setdefault((station, epoch), []).append(sequence)
    same: set[tuple[Key, bytes]] = set()
    for (station, epoch), some in sequences.items():
        query = select(table.c.sequence, table.c.payload_hash).where(
            table.c.station == station, table.c.epoch == epoch, table.c.sequence.in_(some)
        )
        same |= {((station, epoch, number), content) for number, content in await connection.execute(query)}
    return {key for key in known if (key, _hash(offered[key].payload)) not in same}


def _taken(batch: StationBatch, inserted: set[Key], conflicts: set[Key]) -> Taken:
    unique = {one.sequence: one for one in batch.records}
    new = [one for sequence, one in unique.items() if (batch.station, batch.epoch, sequence) in inserted]
    other = [sequence for sequence in unique if (batch.station, batch.epoch, sequence) in conflicts]
    duplicates = len(batch.records) - len(new) - len(other)
    return Taken(CommitResult(committed=sorted(unique), duplicates=duplicates, conflicts=other), new)


def _row(key: Key, one: StoredRecord, now: datetime) -> tuple[object, ...]:
    """In the order of `_COLUMNS`."""
    record = one.record
    return (*key, _hash(one.payload), type(record.body).__name__, record.record_time, now, one.payload)


def _lasting(key: Key, one: StoredRecord, now: datetime) -> tuple[object, ...]:
    return (*_row(key, one, now), int(lane_of(one.record.body)))


def _live(key: Key, one: StoredRecord, now: datetime) -> tuple[object, ...]:
    return (*_row(key, one, now), _SAMPLES.dump_json(samples_of(one.record.body)).decode())


def _ledger(table: Table, row: Callable[[Key, StoredRecord, datetime], tuple[object, ...]], last: str) -> _Ledger:
    columns = (*_COLUMNS, last)
    return _Ledger(table, ManyRows(table, columns), columns, row)


_COLUMNS: Final = ("station", "epoch", "sequence", "payload_hash", "kind", "record_time", "receive_time", "payload")
_SAMPLES: Final = TypeAdapter(list[Sample])
_LASTING: Final = _ledger(INBOX, _lasting, "lane")
_LIVE: Final = _ledger(TELEMETRY, _live, "samples")


def _hash(payload: bytes) -> bytes:
    return hashlib.sha256(payload).digest()
