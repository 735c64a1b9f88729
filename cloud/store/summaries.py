"""Sums telemetry up in the order in which it came: each record counts once, however late it comes.

How far it is summed up is written in the transaction that adds the sums, so neither can be ahead of the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Select, Table, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.summary import HOUR, QUARTER, Sample, Slot, Summary, by_minute, coarser
from cloud.store.rows import ManyRows
from cloud.store.telemetry_tables import HOURS, MINUTES, PROGRESS, QUARTERS, TELEMETRY
from cloud.store.upsert import upsert
from powerctl.core.ids import StationId

AT_ONCE: Final = 1_000
"""Records of one transaction; others wait for it."""
LONGEST_SESSION: Final = timedelta(days=7)
"""How far back the beginning of a session is looked for."""


class Entry(NamedTuple):
    """A slot and what happened in it."""

    slot: Slot
    summary: Summary


async def advance(connection: AsyncConnection) -> bool:
    """Sum the next records up. True: there may be more."""
    reached = (await connection.execute(select(PROGRESS.c.cursor))).scalar() or 0
    query = (
        select(TELEMETRY.c.cursor, TELEMETRY.c.station, TELEMETRY.c.record_time, TELEMETRY.c.samples)
        .where(TELEMETRY.c.cursor > reached)
        .order_by(TELEMETRY.c.cursor)
        .limit(AT_ONCE)
    )
    rows = (await connection.execute(query)).all()
    if not rows:
        return False
    minutes = by_minute((StationId(row[1]), row[2], [Sample(*one) for one in from_json(row[3])]) for row in rows)
    quarters = coarser(minutes, QUARTER)
    for table, sums in ((MINUTES, minutes), (QUARTERS, quarters), (HOURS, coarser(quarters, HOUR))):
        await _ADD[table.name].execute(connection, [_row(slot, summary) for slot, summary in sums.items()])
    await upsert(connection, PROGRESS, {"id": 1}, {"cursor": rows[-1].cursor})
    return len(rows) == AT_ONCE


async def between(
    connection: AsyncConnection, table: Table, station: StationId, start: datetime, end: datetime, size: int
) -> list[Entry]:
    """A station's slots that begin at `start` or later and before `end`, oldest first, `size` at most."""
    return [_entry(row) for row in await connection.execute(_between(table, station, start, end).limit(size))]


async def of_sessions(
    connection: AsyncConnection,
    table: Table,
    station: StationId,
    connectors: Collection[int],
    start: datetime,
    end: datetime,
) -> list[Entry]:
    """As `between`, of sessions at these connectors alone, all of them."""
    query = _between(table, station, start, end).where(table.c.connector.in_(connectors), table.c.session != "")
    return [_entry(row) for row in await connection.execute(query)]


async def first(
    connection: AsyncConnection, table: Table, station: StationId, connectors: Collection[int]
) -> datetime | None:
    """When the oldest slot of these connectors begins. None: nothing is summed up."""
    found = []
    for connector in connectors:  # one by one: so each is a look at the key's beginning
        query = select(func.min(table.c.start_time)).where(table.c.station == station, table.c.connector == connector)
        found.append((await connection.execute(query)).scalar())
    return min((one for one in found if one is not None), default=None)


async def registers(
    connection: AsyncConnection,
    table: Table,
    station: StationId,
    connectors: Collection[int],
    sessions: Collection[str],
    before: datetime,
) -> dict[str, float]:
    """What the registers of these sessions read before an instant; one that began later is absent."""
    query = (
        select(table.c.session, func.max(table.c.energy_wh))
        .where(table.c.station == station, table.c.connector.in_(connectors), table.c.session.in_(sessions))
        .where(table.c.start_time < before, table.c.start_time >= before - LONGEST_SESSION)
        .group_by(table.c.session)
    )
    return {session: float(energy_wh) for session, energy_wh in await connection.execute(query)}


def _between(table: Table, station: StationId, start: datetime, end: datetime) -> Select[Any]:
    within = select(table).where(table.c.station == station, table.c.start_time >= start, table.c.start_time < end)
    return within.order_by(table.c.start_time, table.c.connector, table.c.session)


def _adding(table: Table) -> ManyRows:
    known = table.c

    def build(insert: Any) -> Any:
        new = insert.excluded
        higher = {name: case((new[name] > known[name], new[name]), else_=known[name]) for name in _HIGHEST}
        lower = case((known.cap_w.is_(None) | (new.cap_w < known.cap_w), new.cap_w), else_=known.cap_w)
        added = {name: known[name] + new[name] for name in ("samples", "power_sum_w")}
        return insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns), set_={**added, **higher, "cap_w": lower}
        )

    return ManyRows(table, _COLUMNS, build)


_COLUMNS: Final = (
    *("station", "connector", "start_time", "session"),
    *("samples", "power_sum_w", "power_max_w", "energy_wh", "cap_w"),
)
_HIGHEST: Final = ("power_max_w", "energy_wh")
_ADD: Final[Mapping[str, ManyRows]] = {table.name: _adding(table) for table in (MINUTES, QUARTERS, HOURS)}


def _row(slot: Slot, summary: Summary) -> tuple[Any, ...]:
    """In the order of `_COLUMNS`."""
    return (
        slot.station,
        slot.connector,
        slot.start,
        slot.session,
        summary.samples,
        summary.power_sum_w,
        summary.power_max_w,
        summary.energy_wh,
        summary.cap_w,
    )


def _entry(row: Any) -> Entry:
    station, connector, start, session, *values = row
    return Entry(Slot(StationId(station), connector, session, start), Summary(*values))
