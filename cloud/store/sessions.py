"""Sessions and receipts in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.receipt import Receipt
from cloud.domain.session import Session
from cloud.store.tables import RECEIPTS, SESSIONS
from cloud.store.upsert import upsert
from powerctl.core.ids import SessionId


async def load(connection: AsyncConnection, session: SessionId) -> Session | None:
    """The session with this id. None: there is none."""
    query = select(SESSIONS.c.document).where(SESSIONS.c.id == session)
    found: Session | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def save(connection: AsyncConnection, session: Session, now: datetime) -> None:
    """Write the session over what is there."""
    values = {
        "station": session.station,
        "connector": session.connector,
        "state": session.state.value,
        "driver": session.driver,
        "plugged": session.unplug_time is None,
        "update_time": now,
        "document": replace(session, update_time=now),
    }
    await upsert(connection, SESSIONS, {"id": session.id}, values)


async def page(
    connection: AsyncConnection, *, driver: str | None, before: int | None, size: int
) -> tuple[list[Session], int | None]:
    """Sessions, newest first, and the ordinal to continue before. None: that is all.

    Args:
        connection: An open transaction.
        driver: Only this driver's. None: everybody's.
        before: Ordinal of the last one seen. None: from the newest.
        size: At most so many.
    """
    query = select(SESSIONS.c.ordinal, SESSIONS.c.document)
    rows, following = await _page(connection, SESSIONS, query, driver, before, size)
    return [row.document for row in rows], following


async def current(connection: AsyncConnection, driver: str | None, since: datetime, size: int) -> list[Session]:
    """Sessions that are plugged in or changed after `since`, newest first."""
    query = select(SESSIONS.c.document).where(SESSIONS.c.plugged | (SESSIONS.c.update_time > since))
    if driver is not None:
        query = query.where(SESSIONS.c.driver == driver)
    rows = await connection.execute(query.order_by(SESSIONS.c.ordinal.desc()).limit(size))
    return list(rows.scalars())


async def add_receipt(connection: AsyncConnection, receipt: Receipt) -> None:
    """Write a receipt. The database refuses a second one for the same session."""
    await connection.execute(
        insert(RECEIPTS).values(
            id=receipt.id,
            session=receipt.session,
            driver=receipt.driver,
            issue_time=receipt.issue_time,
            document=receipt,
        )
    )


async def load_receipt(connection: AsyncConnection, receipt: str) -> Receipt | None:
    """The receipt with this id. None: there is none."""
    query = select(RECEIPTS.c.document).where(RECEIPTS.c.id == receipt)
    found: Receipt | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def receipt_page(
    connection: AsyncConnection, *, driver: str | None, before: int | None, size: int
) -> tuple[list[Receipt], int | None]:
    """Receipts, newest first; arguments and result as in `page`."""
    query = select(RECEIPTS.c.ordinal, RECEIPTS.c.document)
    rows, following = await _page(connection, RECEIPTS, query, driver, before, size)
    return [row.document for row in rows], following


async def _page(
    connection: AsyncConnection, table: Any, query: Select[Any], driver: str | None, before: int | None, size: int
) -> tuple[Sequence[Any], int | None]:
    if driver is not None:
        query = query.where(table.c.driver == driver)
    if before is not None:
        query = query.where(table.c.ordinal < before)
    rows = (await connection.execute(query.order_by(table.c.ordinal.desc()).limit(size + 1))).all()
    return rows[:size], (rows[size - 1].ordinal if len(rows) > size else None)
