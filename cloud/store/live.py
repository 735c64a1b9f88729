"""Live values of many stations at once: a few statements, however many stations report.

A station's newest report is kept as it came. The rows of its connectors, where others look for states and sessions, are
written only when a report says something else of them than the one before; until then they are as new as the report.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.order import Order
from cloud.store.rows import upsert_many, where_in
from cloud.store.tables import CONNECTORS, STATIONS
from powerctl.core.errors import RemoteError
from powerctl.core.ids import StationId
from powerctl.core.record import Telemetry
from powerctl.wire.batch import decode_record


class Report(NamedTuple):
    """The newest live values of a station in a transaction."""

    station: StationId
    order: Order
    time: datetime
    body: Telemetry
    payload: bytes
    """The record as it came."""

    @property
    def shown(self) -> str:
        """What it says of the connectors that their rows have too."""
        return to_json([(one.connector, one.state, one.session) for one in self.body.connectors]).decode()


_STATION: Final = upsert_many(
    STATIONS,
    ("id",),
    ("ac_power_w", "manager_connected", "report", "report_time", "shown", "epoch", "sequence", "last_seen", "online"),
)
_CONNECTOR: Final = upsert_many(
    CONNECTORS,
    ("station", "connector"),
    ("state", "session", "epoch", "sequence"),
    lambda new: or_(
        CONNECTORS.c.epoch.is_(None), CONNECTORS.c.epoch != new.epoch, CONNECTORS.c.sequence < new.sequence
    ),
)


async def take(connection: AsyncConnection, reports: Sequence[Report], now: datetime) -> list[Report]:
    """Store the values of stations that have no newer ones; returns those reports, one for each station.

    The transaction must be the only one that writes, for it looks first.
    """
    if not reports:
        return []
    known = await _known(connection, [one.station for one in reports])
    fresh = [one for one in reports if one.station not in known or one.order.follows(known[one.station][0])]
    said = {one.station: one.shown for one in fresh}
    other = [one for one in fresh if one.station not in known or known[one.station][1] != said[one.station]]
    for one in other:
        if one.station in known and _leaves_out(said[one.station], known[one.station][1]):
            await settle(connection, one.station)
    told_later = await _told_later(connection, other)
    await _STATION.execute(
        connection, [_station(one, None if one.station in told_later else said[one.station], now) for one in fresh]
    )
    await _CONNECTOR.execute(connection, [row for report in other for row in _connectors(report)])
    return fresh


def report_of(payload: bytes | None) -> Telemetry | None:
    """The live values in a report that was kept. None: there are none, or none that this program knows."""
    if payload is None:
        return None
    try:
        body = decode_record(payload).body
    except RemoteError:
        # A newer program took it.
        return None
    return body if isinstance(body, Telemetry) else None


async def settle(connection: AsyncConnection, station: StationId) -> None:
    """Make the rows of the station's connectors say how new they are, before one is written without a report."""
    row = (await connection.execute(_SETTLED.where(STATIONS.c.id == station))).one_or_none()
    if row is None or row.shown is None:
        return
    await connection.execute(
        update(CONNECTORS)
        .where(CONNECTORS.c.station == station, CONNECTORS.c.connector.in_(_inside(row.shown)))
        .values(epoch=row.epoch, sequence=row.sequence)
    )
    await connection.execute(update(STATIONS).where(STATIONS.c.id == station).values(shown=None))


_SETTLED: Final = select(STATIONS.c.epoch, STATIONS.c.sequence, STATIONS.c.shown)


async def _known(
    connection: AsyncConnection, stations: Collection[StationId]
) -> dict[StationId, tuple[Order, str | None]]:
    rows = await where_in(connection, STATIONS, ("id", "epoch", "sequence", "shown"), stations)
    return {
        station: (Order(epoch % 2**64, sequence), shown)
        for station, epoch, sequence, shown in rows
        if epoch is not None
    }


def _leaves_out(shown: str, before: str | None) -> bool:
    """True when there was a connector in the report before of which this one says nothing."""
    return before is not None and not _inside(before) <= _inside(shown)


def _inside(shown: str) -> set[int]:
    """The connectors of a report."""
    return {connector for connector, _, _ in from_json(shown)}


async def _told_later(connection: AsyncConnection, reports: Sequence[Report]) -> set[StationId]:
    """Of these stations, those with a connector that was written after the report and keeps to it."""
    if not reports:
        return set()
    orders = {one.station: one.order for one in reports}
    rows = await where_in(connection, CONNECTORS, ("station", "epoch", "sequence"), list(orders))
    return {
        station
        for station, epoch, sequence in rows
        if epoch is not None and not orders[station].follows(Order(epoch % 2**64, sequence))
    }


def _station(report: Report, shown: str | None, now: datetime) -> tuple[Any, ...]:
    """In the order of `_STATION`."""
    body, order = report.body, report.order
    power = body.ac_power.w if body.ac_power is not None else None
    kept = report.payload, report.time, shown, order.epoch, order.sequence
    return report.station, power, body.manager_connected, *kept, now, True


def _connectors(report: Report) -> list[tuple[Any, ...]]:
    """In the order of `_CONNECTOR`."""
    station, epoch, sequence = report.station, report.order.epoch, report.order.sequence
    return [(station, one.connector, one.state.value, one.session, epoch, sequence) for one in report.body.connectors]
