"""The change feed's table: what changed, in the order of commits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.store.rows import ManyRows
from cloud.store.tables import CHANGES, META

Kind = Literal["location", "session"]
_NOTE: Final = ManyRows(CHANGES, ("kind", "resource", "change_time"))


@dataclass(frozen=True, slots=True)
class Changed:
    """A resource that is not as it was."""

    kind: Kind
    resource: str
    """Id of the station or session."""


async def note(connection: AsyncConnection, changed: Iterable[Changed], now: datetime) -> None:
    """Write `changed` to the feed, as part of the transaction that changes it."""
    await _NOTE.execute(connection, [(one.kind, one.resource, now) for one in dict.fromkeys(changed)])


async def since(connection: AsyncConnection, cursor: int, limit: int = 10_000) -> tuple[int, list[Changed]]:
    """The newest cursor, and what changed after `cursor`, each resource once."""
    query = select(CHANGES).where(CHANGES.c.cursor > cursor).order_by(CHANGES.c.cursor).limit(limit)
    rows = (await connection.execute(query)).all()
    newest = rows[-1].cursor if rows else cursor
    return newest, list(dict.fromkeys(Changed(row.kind, row.resource) for row in rows))


async def span(connection: AsyncConnection) -> tuple[int, int]:
    """The oldest and the newest cursor that the feed still has; (0, 0): none."""
    row = (await connection.execute(select(func.min(CHANGES.c.cursor), func.max(CHANGES.c.cursor)))).one()
    return row[0] or 0, row[1] or 0


async def feed_id(connection: AsyncConnection) -> str:
    """The random name of this database's feed; a cursor of another feed means nothing here."""
    return str((await connection.execute(select(META.c.value).where(META.c.key == "feed"))).scalar_one())


async def forget(connection: AsyncConnection, before: datetime) -> None:
    """Delete what changed before that instant, all but the newest entry."""
    newest = select(func.max(CHANGES.c.cursor)).scalar_subquery()
    await connection.execute(delete(CHANGES).where(CHANGES.c.change_time < before, CHANGES.c.cursor < newest))
