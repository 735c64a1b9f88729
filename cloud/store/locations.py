"""Stations and connectors in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.location import SILENCE, Connector, Station
from cloud.domain.order import Order
from cloud.domain.reservation import Reservation
from cloud.store import live, reservations
from cloud.store.rows import RawQuery, upsert_many
from cloud.store.tables import CONNECTORS, SESSIONS, STATIONS
from cloud.store.upsert import upsert
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.record import ConnectorStatusChanged, ConnectorTelemetry, StationStarted
from powerctl.core.session import ConnectorState
from powerctl.core.topology import ConnectorType
from powerctl.core.units import Power

Kept = Mapping[tuple[StationId, ConnectorId], Reservation]
"""Reservations by the connectors that are kept for them."""


async def load(connection: AsyncConnection, station: StationId) -> Station | None:
    """The station with its connectors. None: it was never heard."""
    found = await _stations(connection, _ONE, {"station": station})
    return found[0] if found else None


async def page(connection: AsyncConnection, *, after: str, size: int) -> tuple[list[Station], str]:
    """Stations by id, and the id to continue after. Empty: that is all.

    Args:
        connection: An open transaction.
        after: The id to continue after. Empty: from the first.
        size: At most so many.
    """
    query = select(STATIONS).where(STATIONS.c.id > after).order_by(STATIONS.c.id).limit(size + 1)
    found = await _stations(connection, query)
    return found[:size], (found[size - 1].id if len(found) > size else "")


async def names(connection: AsyncConnection, *, after: str, size: int) -> list[StationId]:
    """Ids of stations, in their order, from the one after `after`, `size` at most."""
    return [StationId(name) for (name,) in await _NAMES.rows(connection, after=after, size=size)]


_NAMES: Final = RawQuery(
    select(STATIONS.c.id).where(STATIONS.c.id > bindparam("after")).order_by(STATIONS.c.id).limit(bindparam("size"))
)


async def load_all(connection: AsyncConnection, stations: Collection[StationId]) -> list[Station]:
    """The stations of these ids, as far as there are any."""
    return await _stations(connection, _SOME, {"stations": list(stations)}) if stations else []


async def heard(connection: AsyncConnection, stations: Collection[StationId], now: datetime) -> None:
    """Note that the stations live; makes those appear that are new."""
    await _HEARD.execute(connection, [(station, now, True) for station in stations])


_HEARD: Final = upsert_many(STATIONS, ("id",), ("last_seen", "online"))


async def count(connection: AsyncConnection) -> tuple[int, int]:
    """How many stations are known, and how many of them are online."""
    query = select(func.count(), func.count().filter(STATIONS.c.online)).select_from(STATIONS)
    known, online = (await connection.execute(query)).one()
    return int(known), int(online)


async def silent(connection: AsyncConnection, now: datetime) -> list[StationId]:
    """Mark stations offline that were not heard for too long, and return them."""
    statement = update(STATIONS).where(STATIONS.c.online, STATIONS.c.last_seen < now - SILENCE).values(online=False)
    return list((await connection.execute(statement.returning(STATIONS.c.id))).scalars())


async def started(connection: AsyncConnection, station: StationId, body: StationStarted, order: Order) -> None:
    """Take the station's description of itself, unless a newer one is known."""
    values = {
        "display_name": body.display_name,
        "address": body.address,
        "latitude": body.latitude,
        "longitude": body.longitude,
        "simulated": body.simulated,
        "software_version": body.software_version,
        "start_epoch": order.epoch,
        "start_sequence": order.sequence,
    }
    older = _older(STATIONS.c.start_epoch, STATIONS.c.start_sequence, order)
    statement = update(STATIONS).where(STATIONS.c.id == station, older).values(values)
    if (await connection.execute(statement)).rowcount == 0:
        return
    for one in body.connectors:
        key = {"station": station, "connector": one.connector}
        described = {"type": one.type.value, "max_power_w": one.max_power.w, "position": one.position}
        await upsert(connection, CONNECTORS, key, described)


async def status(connection: AsyncConnection, station: StationId, body: ConnectorStatusChanged, order: Order) -> None:
    """Take the connector's state, unless a newer one is known."""
    await live.settle(connection, station)
    values = {"state": body.state.value, "session": body.session, "detail": body.detail}
    await _report(connection, station, body.connector, order, values)


async def _report(
    connection: AsyncConnection, station: StationId, connector: ConnectorId, order: Order, values: dict[str, Any]
) -> None:
    """Update the connector's row unless it holds a newer report."""
    await upsert(connection, CONNECTORS, {"station": station, "connector": connector}, {})
    await connection.execute(
        update(CONNECTORS)
        .where(CONNECTORS.c.station == station, CONNECTORS.c.connector == connector)
        .where(_older(CONNECTORS.c.epoch, CONNECTORS.c.sequence, order))
        .values({**values, "epoch": order.epoch, "sequence": order.sequence})
    )


def _older(epoch: Any, sequence: Any, order: Order) -> ColumnElement[bool]:
    """`Order.follows` in SQL."""
    return or_(epoch.is_(None), epoch != order.epoch, sequence < order.sequence)


_ONE: Final = select(STATIONS).where(STATIONS.c.id == bindparam("station"))
_SOME: Final = select(STATIONS).where(STATIONS.c.id.in_(bindparam("stations", expanding=True)))
_INSIDE: Final = (
    select(CONNECTORS, SESSIONS.c.driver)
    .outerjoin(SESSIONS, SESSIONS.c.id == CONNECTORS.c.session)
    .where(CONNECTORS.c.station.in_(bindparam("stations", expanding=True)))
    .order_by(CONNECTORS.c.connector)
)


async def _stations(connection: AsyncConnection, query: Any, given: Mapping[str, Any] | None = None) -> list[Station]:
    rows = (await connection.execute(query, given)).all()
    if not rows:
        return []
    ids = [row.id for row in rows]
    inside: dict[str, list[Row[Any]]] = {name: [] for name in ids}
    for connector in await connection.execute(_INSIDE, {"stations": ids}):
        inside[connector.station].append(connector)
    kept = {(one.station, one.connector): one for one in await reservations.holding(connection, ids)}
    return [_station(row, inside[row.id], kept) for row in rows]


def _station(row: Row[Any], connectors: Sequence[Row[Any]], kept: Kept) -> Station:
    said = live.report_of(row.report)
    values = {one.connector: one for one in said.connectors} if said is not None else {}
    return Station(
        id=StationId(row.id),
        display_name=row.display_name,
        address=row.address,
        latitude=row.latitude,
        longitude=row.longitude,
        simulated=row.simulated,
        last_seen=row.last_seen,
        online=row.online,
        ac_power=_power(row.ac_power_w),
        limits=said.limits if said is not None else None,
        manager_connected=row.manager_connected,
        connectors=tuple(_connector(one, values.get(one.connector), row.report_time, kept) for one in connectors),
    )


def _connector(row: Row[Any], values: ConnectorTelemetry | None, time: datetime, kept: Kept) -> Connector:
    reservation = kept.get((row.station, row.connector))
    return Connector(
        id=ConnectorId(row.connector),
        type=ConnectorType(row.type) if row.type else None,
        max_power=_power(row.max_power_w),
        position=row.position,
        state=ConnectorState(row.state) if row.state else None,
        session=SessionId(row.session) if row.session else None,
        driver=row.driver,
        detail=row.detail,
        live=values,
        live_time=time if values is not None else None,
        reserve_end_time=reservation.lapse_time if reservation else None,
        reserved_for=reservation.user if reservation else None,
    )


def _power(watts: float | None) -> Power | None:
    return None if watts is None else Power(watts)
