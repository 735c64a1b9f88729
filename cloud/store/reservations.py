"""Reservations in the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.reservation import Reservation, ReservationState
from cloud.store.money_tables import RESERVATIONS
from cloud.store.tables import SESSIONS
from powerctl.core.ids import ConnectorId, StationId

_RESERVED = RESERVATIONS.c.state == ReservationState.RESERVED.value


async def add(connection: AsyncConnection, reservation: Reservation, request_id: str, request: str) -> None:
    """Write a reservation."""
    values = {
        "id": reservation.id,
        "user": reservation.user,
        "request_id": request_id,
        "request": request,
        "station": reservation.station,
        "connector": reservation.connector,
        "start_time": reservation.start_time,
        "end_time": reservation.end_time,
        "holding": False,
        "ask_time": reservation.create_time,
        "state": reservation.state.value,
        "document": reservation,
    }
    await connection.execute(insert(RESERVATIONS).values(values))


async def save(connection: AsyncConnection, reservation: Reservation, *, holding: bool) -> None:
    """Write a reservation over what is there.

    Args:
        connection: A transaction that writes.
        reservation: As it is now.
        holding: True: the connector is kept now.
    """
    values = {
        "state": reservation.state.value,
        "document": reservation,
        "holding": holding,
        "session": reservation.session,
    }
    await connection.execute(update(RESERVATIONS).where(RESERVATIONS.c.id == reservation.id).values(values))


async def load(connection: AsyncConnection, reservation: str) -> Reservation | None:
    """The reservation with this id. None: there is none."""
    query = select(RESERVATIONS.c.document).where(RESERVATIONS.c.id == reservation)
    found: Reservation | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def asked(connection: AsyncConnection, user: str, request_id: str) -> tuple[Reservation, str] | None:
    """The reservation that this request has made, and what it asked for. None: the request is new."""
    query = select(RESERVATIONS.c.document, RESERVATIONS.c.request)
    query = query.where(RESERVATIONS.c.user == user, RESERVATIONS.c.request_id == request_id)
    row = (await connection.execute(query)).first()
    return (row.document, row.request) if row is not None else None


async def waiting(connection: AsyncConnection, station: StationId, user: str, now: datetime) -> list[Reservation]:
    """Reservations at `station`, and those of `user` anywhere, that are not over."""
    query = select(RESERVATIONS.c.document).where(_RESERVED, RESERVATIONS.c.end_time > now)
    query = query.where(or_(RESERVATIONS.c.station == station, RESERVATIONS.c.user == user))
    return list((await connection.execute(query)).scalars())


async def present(
    connection: AsyncConnection, station: StationId, connector: ConnectorId, now: datetime
) -> Reservation | None:
    """The reservation for which the connector is kept now. None: for nobody."""
    query = select(RESERVATIONS.c.document).where(
        _RESERVED,
        RESERVATIONS.c.station == station,
        RESERVATIONS.c.connector == connector,
        RESERVATIONS.c.start_time <= now,
        RESERVATIONS.c.end_time > now,
    )
    found: Reservation | None = (await connection.execute(query)).scalars().first()
    return found


async def changing(connection: AsyncConnection, now: datetime) -> list[tuple[Reservation, bool]]:
    """Reservations that have begun, and whether watchers know of it already."""
    query = select(RESERVATIONS.c.document, RESERVATIONS.c.holding).where(_RESERVED, RESERVATIONS.c.start_time <= now)
    return [(row.document, row.holding) for row in (await connection.execute(query)).all()]


async def holding(connection: AsyncConnection, stations: Collection[StationId]) -> Sequence[Reservation]:
    """Reservations for which connectors of `stations` are kept now, as watchers know it."""
    return list((await connection.execute(_HOLDING, {"stations": list(stations)})).scalars())


_HOLDING: Final = select(RESERVATIONS.c.document).where(
    RESERVATIONS.c.holding, RESERVATIONS.c.station.in_(bindparam("stations", expanding=True))
)


async def page(
    connection: AsyncConnection, *, user: str | None, stations: Collection[StationId], before: str, size: int
) -> tuple[list[Reservation], str]:
    """Reservations, the latest window first, and where to continue; empty: that is all.

    Args:
        connection: An open transaction.
        user: Only this driver's. None: everybody's.
        stations: Also everybody's at these stations.
        before: What the last page said. Empty: the first.
        size: At most so many.
    """
    query = select(RESERVATIONS.c.document)
    if user is not None:
        query = query.where(or_(RESERVATIONS.c.user == user, RESERVATIONS.c.station.in_(stations)))
    if before:
        instant, _, name = before.partition(" ")
        last = datetime.fromisoformat(instant)
        earlier = RESERVATIONS.c.start_time < last
        query = query.where(or_(earlier, (RESERVATIONS.c.start_time == last) & (RESERVATIONS.c.id < name)))
    query = query.order_by(RESERVATIONS.c.start_time.desc(), RESERVATIONS.c.id.desc()).limit(size + 1)
    found = list((await connection.execute(query)).scalars())
    more = f"{found[size - 1].start_time.isoformat()} {found[size - 1].id}" if len(found) > size else ""
    return found[:size], more


async def ask_at(connection: AsyncConnection, reservation: str, instant: datetime | None) -> None:
    """Note when the station is to be told. None: it knows."""
    await connection.execute(update(RESERVATIONS).where(RESERVATIONS.c.id == reservation).values(ask_time=instant))


async def untold(connection: AsyncConnection, now: datetime, most: int) -> list[Reservation]:
    """Reservations of which the station is to be told now, the longest due first."""
    query = select(RESERVATIONS.c.document).where(RESERVATIONS.c.ask_time <= now)
    return list((await connection.execute(query.order_by(RESERVATIONS.c.ask_time).limit(most))).scalars())


async def used_up(connection: AsyncConnection, now: datetime) -> list[Reservation]:
    """Reservations whose session is over while their window is not."""
    query = select(RESERVATIONS.c.document).join(SESSIONS, SESSIONS.c.id == RESERVATIONS.c.session)
    query = query.where(RESERVATIONS.c.state == ReservationState.FULFILLED.value, RESERVATIONS.c.end_time > now)
    found = (await connection.execute(query.where(SESSIONS.c.plugged.is_(False)))).scalars()
    return [one for one in found if not one.dropped]
