"""What drivers want to be told, where, and what waits to be sent, in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.notice import Notice, NoticeKind
from cloud.store.fleet_tables import NOTICES, NOTIFY_SETTINGS, PUSH_SUBSCRIPTIONS
from cloud.store.upsert import insert_missing, upsert
from powerctl.core.ids import SessionId

MOST_SUBSCRIPTIONS: Final = 10
"""Browsers of one driver."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one driver wants to be told."""

    email: str = ""
    """Empty: no e-mail."""
    on_finished: bool = True
    on_stopped: bool = True
    on_slowed: bool = False

    def wants(self, kind: NoticeKind) -> bool:
        """True when this is to be told."""
        return bool(getattr(self, f"on_{kind.value}"))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that is to be sent."""

    ordinal: int
    user: str
    session: SessionId
    kind: NoticeKind
    text: str
    attempts: int
    due_time: datetime


async def wishes(connection: AsyncConnection, user: str) -> Wishes:
    """What the driver wants; the usual where nothing was said."""
    row = (await connection.execute(select(NOTIFY_SETTINGS).where(NOTIFY_SETTINGS.c.user == user))).one_or_none()
    return Wishes(*(getattr(row, name) for name in Wishes.__slots__)) if row is not None else Wishes()


async def wish(connection: AsyncConnection, user: str, wanted: Wishes) -> None:
    """Write what the driver wants."""
    values = {name: getattr(wanted, name) for name in Wishes.__slots__}
    await upsert(connection, NOTIFY_SETTINGS, {"user": user}, values)


async def subscribe(connection: AsyncConnection, user: str, name: str, sealed: bytes, now: datetime) -> bool:
    """Write a browser; one of the same name is replaced. False: the driver has too many."""
    await unsubscribe(connection, None, name)
    query = select(func.count()).select_from(PUSH_SUBSCRIPTIONS).where(PUSH_SUBSCRIPTIONS.c.user == user)
    if int((await connection.execute(query)).scalar_one()) >= MOST_SUBSCRIPTIONS:
        return False
    values = {"id": name, "user": user, "sealed": sealed, "create_time": now}
    await connection.execute(insert(PUSH_SUBSCRIPTIONS).values(values))
    return True


async def unsubscribe(connection: AsyncConnection, user: str | None, name: str) -> bool:
    """Delete a browser. False: this user has none of that name. A user of None: whosever it is."""
    statement = delete(PUSH_SUBSCRIPTIONS).where(PUSH_SUBSCRIPTIONS.c.id == name)
    if user is not None:
        statement = statement.where(PUSH_SUBSCRIPTIONS.c.user == user)
    return (await connection.execute(statement)).rowcount > 0


async def subscriptions(connection: AsyncConnection, user: str) -> Sequence[Any]:
    """Rows of a driver's browsers: id, sealed, create_time."""
    query = select(PUSH_SUBSCRIPTIONS).where(PUSH_SUBSCRIPTIONS.c.user == user)
    return (await connection.execute(query.order_by(PUSH_SUBSCRIPTIONS.c.create_time))).all()


async def add(connection: AsyncConnection, notices: Iterable[Notice], now: datetime) -> None:
    """Have drivers told, once per session and kind, as far as they want it."""
    for notice in notices:
        if (await wishes(connection, notice.user)).wants(notice.kind):
            row = {
                "user": notice.user,
                "session": notice.session,
                "kind": notice.kind.value,
                "text": notice.text[:500],
                "create_time": now,
                "due_time": now,
                "attempts": 0,
            }
            await insert_missing(connection, NOTICES, [row], "ordinal")


async def due(connection: AsyncConnection, now: datetime, most: int) -> list[Waiting]:
    """What is to be sent now."""
    query = select(NOTICES).where(NOTICES.c.due_time <= now).order_by(NOTICES.c.due_time).limit(most)
    rows = await connection.execute(query)
    return [
        Waiting(r.ordinal, r.user, SessionId(r.session), NoticeKind(r.kind), r.text, r.attempts, r.due_time)
        for r in rows
    ]


async def claim(connection: AsyncConnection, waiting: Waiting, until: datetime) -> bool:
    """Take it for this replica until then. False: another has it."""
    same = (NOTICES.c.ordinal == waiting.ordinal) & (NOTICES.c.due_time == waiting.due_time)
    values = {"due_time": until, "attempts": waiting.attempts + 1}
    return (await connection.execute(update(NOTICES).where(same).values(values))).rowcount > 0


async def settle(connection: AsyncConnection, ordinal: int, due_time: datetime | None) -> None:
    """Note when it is tried again. None: it was told, or given up."""
    await connection.execute(update(NOTICES).where(NOTICES.c.ordinal == ordinal).values(due_time=due_time))


async def forget(connection: AsyncConnection, before: datetime) -> None:
    """Delete what is older."""
    await connection.execute(delete(NOTICES).where(NOTICES.c.create_time < before))


async def erase(connection: AsyncConnection, user: str) -> None:
    """Delete everything that is known of this driver here."""
    for table in (NOTICES, NOTIFY_SETTINGS, PUSH_SUBSCRIPTIONS):
        await connection.execute(delete(table).where(table.c.user == user))
