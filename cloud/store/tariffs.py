"""Tariffs that people write, in the database."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.tariff import Tariff
from cloud.store.fleet_tables import TARIFFS


class TariffState(StrEnum):
    """Where a tariff is."""

    DRAFT = "draft"
    PUBLISHED = "published"
    """In force."""
    RETIRED = "retired"
    """Was in force."""


@dataclass(frozen=True, slots=True)
class WrittenTariff:
    """A tariff and where it is."""

    id: str
    state: TariffState
    tariff: Tariff
    create_time: datetime
    publish_time: datetime | None = None

    @property
    def etag(self) -> str:
        """Another one after every change."""
        return hashlib.sha256(f"{self.state} {self.tariff!r}".encode()).hexdigest()[:16]


async def add(connection: AsyncConnection, written: WrittenTariff, request_id: str) -> None:
    """Write a draft."""
    values = {
        "id": written.id,
        "request_id": request_id,
        "state": written.state.value,
        "create_time": written.create_time,
        "document": written.tariff,
    }
    await connection.execute(insert(TARIFFS).values(values))


async def change(connection: AsyncConnection, tariff: str, document: Tariff) -> None:
    """Write a draft over what is there."""
    await connection.execute(update(TARIFFS).where(TARIFFS.c.id == tariff).values(document=document))


async def publish(connection: AsyncConnection, tariff: str, now: datetime) -> None:
    """Make it the one in force; the former one retires."""
    in_force = TARIFFS.c.state == TariffState.PUBLISHED.value
    await connection.execute(update(TARIFFS).where(in_force).values(state=TariffState.RETIRED.value))
    values = {"state": TariffState.PUBLISHED.value, "publish_time": now}
    await connection.execute(update(TARIFFS).where(TARIFFS.c.id == tariff).values(values))


async def remove(connection: AsyncConnection, tariff: str) -> None:
    """Delete a draft."""
    await connection.execute(delete(TARIFFS).where(TARIFFS.c.id == tariff))


async def load(connection: AsyncConnection, tariff: str) -> WrittenTariff | None:
    """The tariff with this id. None: there is none."""
    row = (await connection.execute(select(TARIFFS).where(TARIFFS.c.id == tariff))).one_or_none()
    return _written(row) if row is not None else None


async def asked(connection: AsyncConnection, request_id: str) -> WrittenTariff | None:
    """The draft that this request has made. None: the request is new."""
    row = (await connection.execute(select(TARIFFS).where(TARIFFS.c.request_id == request_id))).one_or_none()
    return _written(row) if row is not None else None


async def in_force(connection: AsyncConnection) -> Tariff | None:
    """The published tariff. None: none was published."""
    query = select(TARIFFS.c.document).where(TARIFFS.c.state == TariffState.PUBLISHED.value)
    found: Tariff | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def page(connection: AsyncConnection, *, before: int | None, size: int) -> tuple[list[WrittenTariff], str]:
    """Tariffs, newest first, and where to continue; empty: that is all."""
    query = select(TARIFFS)
    if before is not None:
        query = query.where(TARIFFS.c.ordinal < before)
    rows = (await connection.execute(query.order_by(TARIFFS.c.ordinal.desc()).limit(size + 1))).all()
    more = str(rows[size - 1].ordinal) if len(rows) > size else ""
    return [_written(row) for row in rows[:size]], more


def _written(row: Row[Any]) -> WrittenTariff:
    return WrittenTariff(row.id, TariffState(row.state), row.document, row.create_time, row.publish_time)
