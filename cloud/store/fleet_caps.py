"""Dispatches to groups of stations in the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.fleet_cap import FleetCap
from cloud.store.fleet_tables import FLEET_CAPS


async def add(connection: AsyncConnection, cap: FleetCap, request_id: str) -> None:
    """Write a dispatch."""
    values = {
        "id": cap.id,
        "principal": cap.user,
        "request_id": request_id,
        "end_time": cap.end_time,
        "document": cap,
    }
    await connection.execute(insert(FLEET_CAPS).values(values))


async def save(connection: AsyncConnection, cap: FleetCap) -> None:
    """Write a dispatch over what is there."""
    await connection.execute(update(FLEET_CAPS).where(FLEET_CAPS.c.id == cap.id).values(document=cap))


async def load(connection: AsyncConnection, cap: str) -> FleetCap | None:
    """The dispatch with this id. None: there is none."""
    found: FleetCap | None = (
        await connection.execute(select(FLEET_CAPS.c.document).where(FLEET_CAPS.c.id == cap))
    ).scalar_one_or_none()
    return found


async def asked(connection: AsyncConnection, user: str, request_id: str) -> FleetCap | None:
    """The dispatch that this request has made. None: the request is new."""
    query = select(FLEET_CAPS.c.document)
    query = query.where(FLEET_CAPS.c.principal == user, FLEET_CAPS.c.request_id == request_id)
    found: FleetCap | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def reached(connection: AsyncConnection, user: str, since: datetime) -> set[str]:
    """Stations that this person's dispatches have reached, of those that were not over by then; canceled ones count."""
    query = select(FLEET_CAPS.c.document).where(FLEET_CAPS.c.principal == user, FLEET_CAPS.c.end_time > since)
    return {station for cap in (await connection.execute(query)).scalars() for station in cap.parts_w}


async def page(connection: AsyncConnection, *, before: int | None, size: int) -> tuple[list[FleetCap], str]:
    """Dispatches, newest first, and where to continue; empty: that is all."""
    query = select(FLEET_CAPS)
    if before is not None:
        query = query.where(FLEET_CAPS.c.ordinal < before)
    rows = (await connection.execute(query.order_by(FLEET_CAPS.c.ordinal.desc()).limit(size + 1))).all()
    return [row.document for row in rows[:size]], (str(rows[size - 1].ordinal) if len(rows) > size else "")
