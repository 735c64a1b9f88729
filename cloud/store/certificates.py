"""Stations' certificates in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.store.identity_tables import CERTIFICATES
from powerctl.core.ids import StationId


@dataclass(frozen=True, slots=True)
class StationCertificate:
    """A certificate that was issued."""

    serial: str
    """Hexadecimal."""
    station: StationId
    not_before: datetime
    not_after: datetime
    pem: str
    revoke_time: datetime | None = None
    reason: str = ""

    def is_valid(self, now: datetime) -> bool:
        """True when it is neither revoked nor outside of its life."""
        return self.revoke_time is None and self.not_before <= now < self.not_after


async def add(connection: AsyncConnection, certificate: StationCertificate) -> None:
    """Write a certificate."""
    values = {name: getattr(certificate, name) for name in StationCertificate.__slots__}
    await connection.execute(insert(CERTIFICATES).values(values))


async def load(connection: AsyncConnection, serial: str) -> StationCertificate | None:
    """The certificate with this serial. None: we have not issued it."""
    row = (await connection.execute(select(CERTIFICATES).where(CERTIFICATES.c.serial == serial))).one_or_none()
    return _certificate(row) if row is not None else None


async def of_station(connection: AsyncConnection, station: StationId) -> Sequence[StationCertificate]:
    """Every certificate of a station, newest first."""
    query = select(CERTIFICATES).where(CERTIFICATES.c.station == station).order_by(CERTIFICATES.c.not_before.desc())
    return [_certificate(row) for row in await connection.execute(query)]


async def living(connection: AsyncConnection, now: datetime) -> Sequence[StationCertificate]:
    """Every certificate whose life is not over, the revoked ones too."""
    query = select(CERTIFICATES).where(CERTIFICATES.c.not_after > now).order_by(CERTIFICATES.c.serial)
    return [_certificate(row) for row in await connection.execute(query)]


async def revoke(connection: AsyncConnection, station: StationId, reason: str, now: datetime) -> int:
    """Revoke every certificate of a station; returns how many there were."""
    unrevoked = (CERTIFICATES.c.station == station) & CERTIFICATES.c.revoke_time.is_(None)
    statement = update(CERTIFICATES).where(unrevoked & (CERTIFICATES.c.not_after > now))
    return (await connection.execute(statement.values(revoke_time=now, reason=reason))).rowcount


def _certificate(row: Row[Any]) -> StationCertificate:
    return StationCertificate(**{name: getattr(row, name) for name in StationCertificate.__slots__})
