"""Alarms in the database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.alarm import Alarm
from cloud.store.fleet_tables import ALARMS
from cloud.store.tables import STATIONS
from powerctl.core.ids import ConnectorId, StationId

_OPEN = ALARMS.c.end_time.is_(None)


async def begin(connection: AsyncConnection, alarm: Alarm) -> bool:
    """Write an alarm. False: one of the same station, connector and code is not over yet."""
    same = (ALARMS.c.station == alarm.station) & (ALARMS.c.connector == alarm.connector) & (ALARMS.c.code == alarm.code)
    if (await connection.execute(select(ALARMS.c.id).where(same, _OPEN))).first() is not None:
        return False
    values = {name: getattr(alarm, name) for name in Alarm.__slots__}
    await connection.execute(insert(ALARMS).values(values))
    return True


async def end(
    connection: AsyncConnection, station: StationId, connector: ConnectorId, code: str, now: datetime
) -> None:
    """Note that it is over."""
    same = (ALARMS.c.station == station) & (ALARMS.c.connector == connector) & (ALARMS.c.code == code)
    await connection.execute(update(ALARMS).where(same, _OPEN).values(end_time=now))


async def end_acknowledged(
    connection: AsyncConnection, station: StationId, connector: ConnectorId, code: str, now: datetime
) -> None:
    """Note that it is over where somebody has seen to it."""
    same = (ALARMS.c.station == station) & (ALARMS.c.connector == connector) & (ALARMS.c.code == code)
    seen = ALARMS.c.acknowledge_time.is_not(None)
    await connection.execute(update(ALARMS).where(same, _OPEN, seen).values(end_time=now))


async def end_where_online(connection: AsyncConnection, code: str, now: datetime) -> None:
    """Note that it is over at every station that is online."""
    online = select(STATIONS.c.id).where(STATIONS.c.online)
    statement = update(ALARMS).where(ALARMS.c.code == code, _OPEN, ALARMS.c.station.in_(online))
    await connection.execute(statement.values(end_time=now))


async def load(connection: AsyncConnection, alarm: str) -> Alarm | None:
    """The alarm with this id. None: there is none."""
    row = (await connection.execute(select(ALARMS).where(ALARMS.c.id == alarm))).one_or_none()
    return _alarm(row) if row is not None else None


async def acknowledge(connection: AsyncConnection, alarm: str, who: str, note: str, now: datetime) -> None:
    """Note who looks after it."""
    values = {"acknowledge_time": now, "acknowledged_by": who, "note": note}
    await connection.execute(update(ALARMS).where(ALARMS.c.id == alarm).values(values))


async def page(
    connection: AsyncConnection,
    *,
    stations: Collection[StationId] | None,
    ended: bool,
    before: int | None,
    size: int,
) -> tuple[list[Alarm], str]:
    """Alarms, newest first, and where to continue; empty: that is all.

    Args:
        connection: An open transaction.
        stations: Of these. None: of all.
        ended: True: also those that are over.
        before: What the last page said. None: the first.
        size: At most so many.
    """
    query = select(ALARMS)
    if stations is not None:
        query = query.where(ALARMS.c.station.in_(stations))
    if not ended:
        query = query.where(_OPEN)
    if before is not None:
        query = query.where(ALARMS.c.ordinal < before)
    rows = (await connection.execute(query.order_by(ALARMS.c.ordinal.desc()).limit(size + 1))).all()
    more = str(rows[size - 1].ordinal) if len(rows) > size else ""
    return [_alarm(row) for row in rows[:size]], more


def _alarm(row: Row[Any]) -> Alarm:
    values = {name: row._mapping[name] for name in Alarm.__slots__}
    values["values"] = values["values"] or {}
    return Alarm(**{**values, "station": StationId(row.station), "connector": ConnectorId(row.connector)})
