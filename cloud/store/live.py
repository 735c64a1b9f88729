"""Live values of many stations at once: a few statements, however many stations report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.order import Order
from cloud.store.rows import upsert_many, where_in
from cloud.store.tables import CONNECTORS, STATIONS
from powerctl.core.ids import StationId
from powerctl.core.record import Telemetry


class Report(NamedTuple):
    """The newest live values of a station in a transaction."""

    station: StationId
    order: Order
    time: datetime
    body: Telemetry


_STATION: Final = upsert_many(STATIONS, ("id",), ("ac_power_w", "limits", "manager_connected", "epoch", "sequence"))
_CONNECTOR: Final = upsert_many(
    CONNECTORS,
    ("station", "connector"),
    ("state", "session", "live", "live_time", "epoch", "sequence"),
    lambda new: or_(
        CONNECTORS.c.epoch.is_(None), CONNECTORS.c.epoch != new.epoch, CONNECTORS.c.sequence < new.sequence
    ),
)


async def take(connection: AsyncConnection, reports: Sequence[Report]) -> list[Report]:
    """Store the values of stations that have no newer ones; returns those reports, one for each station.

    The transaction must be the only one that writes, for it looks first.
    """
    fresh = await _fresh(connection, reports)
    await _STATION.execute(connection, [_station(report) for report in fresh])
    await _CONNECTOR.execute(connection, [row for report in fresh for row in _connectors(report)])
    return fresh


async def _fresh(connection: AsyncConnection, reports: Sequence[Report]) -> list[Report]:
    if not reports:
        return []
    rows = await where_in(connection, STATIONS, ("id", "epoch", "sequence"), [report.station for report in reports])
    known = {station: Order(epoch % 2**64, sequence) for station, epoch, sequence in rows if epoch is not None}
    fresh = {one.station: one for one in reports if one.order.follows(known.get(one.station))}
    return list(fresh.values())


def _station(report: Report) -> tuple[Any, ...]:
    """In the order of `_STATION`."""
    body, order = report.body, report.order
    power = body.ac_power.w if body.ac_power is not None else None
    return report.station, power, body.limits, body.manager_connected, order.epoch, order.sequence


def _connectors(report: Report) -> list[tuple[Any, ...]]:
    """In the order of `_CONNECTOR`."""
    station, (epoch, sequence), time = report.station, (report.order.epoch, report.order.sequence), report.time
    return [
        (station, one.connector, one.state.value, one.session, one, time, epoch, sequence)
        for one in report.body.connectors
    ]
