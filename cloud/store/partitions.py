"""Days of telemetry: in PostgreSQL a table for each, made ahead and dropped whole; in SQLite rows that are deleted.

A record goes to the day on which its station wrote it. What is of no day that there is a table for goes to a default
one, and moves when its day gets a table.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.store.telemetry_tables import TELEMETRY

AHEAD: Final = 3
"""Days that have their table before they begin, should nobody keep house for a while."""
OTHER: Final = "telemetry_other"
_DAY: Final = timedelta(days=1)
_PARTITIONS: Final = text(
    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'telemetry'::regclass"
)


async def tend(connection: AsyncConnection, now: datetime, life: timedelta) -> None:
    """Make the days that are needed, drop those whose records are all older than `life`."""
    oldest = now - life
    if connection.dialect.name == "sqlite":
        await connection.execute(delete(TELEMETRY).where(TELEMETRY.c.record_time < oldest))
        return
    present = set((await connection.execute(_PARTITIONS)).scalars())
    first, last = oldest.astimezone(UTC).date(), now.astimezone(UTC).date() + AHEAD * _DAY
    for name in sorted(present - {OTHER}):
        if name < name_of(first):
            await connection.execute(text(f"DROP TABLE {name}"))
    for number in range((last - first).days + 1):
        day = first + number * _DAY
        if name_of(day) not in present:
            for statement in make(day):
                await connection.execute(text(statement))
    await connection.execute(text(f"DELETE FROM {OTHER} WHERE record_time < :oldest"), {"oldest": oldest})  # noqa: S608


def name_of(day: date) -> str:
    """The name of a day's table."""
    return f"telemetry_{day:%Y%m%d}"


def make(day: date) -> tuple[str, ...]:
    """Statements that give a day its table, with what the default table has of it."""
    name, start, end = name_of(day), f"{day} 00:00+00", f"{day + _DAY} 00:00+00"
    moved = f"WITH moved AS (DELETE FROM {OTHER} WHERE record_time >= '{start}' AND record_time < '{end}' RETURNING *)"  # noqa: S608
    return (
        f"CREATE TABLE {name} (LIKE telemetry INCLUDING DEFAULTS)",
        f"{moved} INSERT INTO {name} SELECT * FROM moved",  # noqa: S608
        f"ALTER TABLE telemetry ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')",
    )
