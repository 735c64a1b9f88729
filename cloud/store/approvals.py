"""What waits for a second person, in the database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.approval import Approval, ApprovalState
from cloud.store.identity_tables import APPROVALS


async def add(connection: AsyncConnection, approval: Approval, request: bytes) -> None:
    """Write what was asked for."""
    values = {
        "id": approval.id,
        "requester": approval.requester.user,
        "method": approval.method,
        "state": approval.state.value,
        "expire_time": approval.expire_time,
        "request": request,
        "document": approval,
    }
    await connection.execute(insert(APPROVALS).values(values))


async def pending(connection: AsyncConnection, user: str, now: datetime) -> list[tuple[Approval, bytes]]:
    """What of this person waits, each with its request."""
    waits = (APPROVALS.c.requester == user) & (APPROVALS.c.state == ApprovalState.PENDING.value)
    query = select(APPROVALS.c.document, APPROVALS.c.request).where(waits & (APPROVALS.c.expire_time > now))
    return [(row.document, row.request) for row in await connection.execute(query)]


async def save(connection: AsyncConnection, approval: Approval) -> None:
    """Write an approval over what is there."""
    values = {"state": approval.state.value, "document": approval}
    await connection.execute(update(APPROVALS).where(APPROVALS.c.id == approval.id).values(values))


async def load(connection: AsyncConnection, approval: str) -> tuple[Approval, bytes] | None:
    """The approval with this id, and its request. None: there is none."""
    query = select(APPROVALS.c.document, APPROVALS.c.request).where(APPROVALS.c.id == approval)
    row = (await connection.execute(query)).one_or_none()
    return (row.document, row.request) if row is not None else None


async def page(
    connection: AsyncConnection, *, methods: Collection[str], before: int | None, size: int
) -> tuple[list[Approval], str]:
    """Approvals of calls of these methods, newest first, and where to continue; empty: that is all."""
    query = select(APPROVALS.c.ordinal, APPROVALS.c.document).where(APPROVALS.c.method.in_(methods))
    if before is not None:
        query = query.where(APPROVALS.c.ordinal < before)
    rows = (await connection.execute(query.order_by(APPROVALS.c.ordinal.desc()).limit(size + 1))).all()
    return [row.document for row in rows[:size]], (str(rows[size - 1].ordinal) if len(rows) > size else "")


async def forget(connection: AsyncConnection, before: datetime) -> None:
    """Delete what expired before then."""
    await connection.execute(delete(APPROVALS).where(APPROVALS.c.expire_time < before))
