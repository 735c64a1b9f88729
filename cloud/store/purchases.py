"""Purchases and charging tokens in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.purchase import FINAL, TOKEN_LIVES, Purchase, PurchaseState
from cloud.domain.refusal import Refusal, Why
from cloud.store.money_tables import CHARGING_TOKENS, PAYMENT_EVENTS, PURCHASES
from cloud.store.upsert import insert_missing
from powerctl.core.ids import ConnectorId, SessionId, StationId

AT_ONCE = 100
"""Purchases that one round of the worker looks at."""


async def add(connection: AsyncConnection, purchase: Purchase, request_id: str, request: str, token: str) -> None:
    """Write a purchase and the hash of its token."""
    values = {
        "id": purchase.id,
        "user": purchase.user,
        "request_id": request_id,
        "request": request,
        "create_time": purchase.create_time,
        **_columns(purchase),
    }
    await connection.execute(insert(PURCHASES).values(values))
    await connection.execute(
        insert(CHARGING_TOKENS).values(
            hash=token_hash(token),
            purchase=purchase.id,
            user=purchase.user,
            station=purchase.station,
            connector=purchase.connector,
            expire_time=purchase.token_expire_time,
        )
    )


async def save(connection: AsyncConnection, purchase: Purchase) -> None:
    """Write a purchase over what is there; a token that has had its time is deleted with it."""
    await connection.execute(update(PURCHASES).where(PURCHASES.c.id == purchase.id).values(_columns(purchase)))
    if purchase.state not in TOKEN_LIVES:
        await connection.execute(delete(CHARGING_TOKENS).where(CHARGING_TOKENS.c.purchase == purchase.id))


async def load(connection: AsyncConnection, purchase: str) -> Purchase | None:
    """The purchase with this id. None: there is none."""
    query = select(PURCHASES.c.document).where(PURCHASES.c.id == purchase)
    found: Purchase | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def asked(connection: AsyncConnection, user: str, request_id: str) -> tuple[Purchase, str] | None:
    """The purchase that this request has made, and what it asked for. None: the request is new."""
    query = select(PURCHASES.c.document, PURCHASES.c.request)
    row = (
        await connection.execute(query.where(PURCHASES.c.user == user, PURCHASES.c.request_id == request_id))
    ).first()
    return (row.document, row.request) if row is not None else None


async def of_session(connection: AsyncConnection, session: SessionId) -> Purchase | None:
    """The purchase that pays for a session. None: nobody pays."""
    query = select(PURCHASES.c.document).where(PURCHASES.c.session == session)
    found: Purchase | None = (await connection.execute(query)).scalars().first()
    return found


async def page(connection: AsyncConnection, *, user: str | None, before: str, size: int) -> tuple[list[Purchase], str]:
    """Purchases, newest first, and where to continue; empty: that is all.

    Args:
        connection: An open transaction.
        user: Only this driver's. None: everybody's.
        before: What the last page said. Empty: the first.
        size: At most so many.
    """
    query = select(PURCHASES.c.document)
    if user is not None:
        query = query.where(PURCHASES.c.user == user)
    if before:
        instant, _, name = before.partition(" ")
        last = datetime.fromisoformat(instant)
        earlier = PURCHASES.c.create_time < last
        query = query.where(or_(earlier, (PURCHASES.c.create_time == last) & (PURCHASES.c.id < name)))
    query = query.order_by(PURCHASES.c.create_time.desc(), PURCHASES.c.id.desc()).limit(size + 1)
    found = list((await connection.execute(query)).scalars())
    more = f"{found[size - 1].create_time.isoformat()} {found[size - 1].id}" if len(found) > size else ""
    return found[:size], more


async def open_of(connection: AsyncConnection, user: str) -> int:
    """How many purchases of a user are not over."""
    over = [state.value for state in FINAL]
    query = select(func.count()).select_from(PURCHASES).where(PURCHASES.c.user == user, PURCHASES.c.state.not_in(over))
    return int((await connection.execute(query)).scalar_one())


async def due(connection: AsyncConnection, now: datetime) -> Sequence[str]:
    """Ids of purchases that the worker has to look at, the longest waiting first."""
    query = select(PURCHASES.c.id).where(PURCHASES.c.due_time <= now).order_by(PURCHASES.c.due_time).limit(AT_ONCE)
    return list((await connection.execute(query)).scalars())


async def use_token(
    connection: AsyncConnection, token: str, user: str, place: tuple[StationId, ConnectorId], now: datetime
) -> Purchase:
    """The purchase that `token` stands for, when it may start a session here and now; for once.

    Raises:
        Refusal: PERMISSION_DENIED: it may not; the reason is the same for every kind of wrong token.
    """
    row = (await connection.execute(select(CHARGING_TOKENS).where(CHARGING_TOKENS.c.hash == token_hash(token)))).first()
    if row is None or not _valid(row, user, place, now):
        raise _wrong_token()
    purchase = await load(connection, row.purchase)
    if purchase is None or purchase.state is not PurchaseState.AUTHORISED:
        raise _wrong_token()
    return purchase


async def mark_used(connection: AsyncConnection, purchase: Purchase, session: SessionId) -> None:
    """Bind the purchase's token to the session that it has started."""
    statement = update(CHARGING_TOKENS).where(CHARGING_TOKENS.c.purchase == purchase.id)
    await connection.execute(statement.values(session=session))


async def take_event(connection: AsyncConnection, event: str, now: datetime) -> bool:
    """Note a webhook. False: it came before."""
    row = {"id": event[:120], "receive_time": now}
    return bool(await insert_missing(connection, PAYMENT_EVENTS, [row], "id"))


async def wake(connection: AsyncConnection, purchase: str, now: datetime) -> None:
    """Let the worker look at an open purchase now."""
    statement = update(PURCHASES).where(PURCHASES.c.id == purchase, PURCHASES.c.due_time.is_not(None))
    await connection.execute(statement.values(due_time=now))


async def forget(connection: AsyncConnection, now: datetime, events_before: datetime) -> None:
    """Delete tokens that nobody used in time, and webhooks that no provider sends again."""
    unused = CHARGING_TOKENS.c.session.is_(None) & (CHARGING_TOKENS.c.expire_time < now)
    await connection.execute(delete(CHARGING_TOKENS).where(unused))
    await connection.execute(delete(PAYMENT_EVENTS).where(PAYMENT_EVENTS.c.receive_time < events_before))


def token_hash(token: str) -> bytes:
    """What is kept of a token; it has 128 random bits, so that a plain digest cannot be searched."""
    return hashlib.sha256(token.encode()).digest()


def _valid(row: Row[tuple[object, ...]], user: str, place: tuple[StationId, ConnectorId], now: datetime) -> bool:
    bound = (row.user, row.station, row.connector) == (user, *place)
    return bound and row.session is None and now < row.expire_time


def _wrong_token() -> Refusal:
    return Refusal(Why.PERMISSION_DENIED, "This charging token is not valid here and now. Pay again to get another.")


def _columns(purchase: Purchase) -> dict[str, object]:
    return {
        "state": purchase.state.value,
        "session": purchase.session,
        "due_time": purchase.due_time,
        "document": purchase,
    }
