"""The fleet as operators look at it: pages of stations with their health, and the whole in a few numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.filter import Filter, Order
from cloud.domain.health import HealthIssue
from cloud.store import fleet_fields as fields
from cloud.store.fleet_tables import STATION_STATE
from cloud.store.tables import STATIONS
from powerctl.core.ids import StationId
from powerctl.core.record import LinkReport


@dataclass(frozen=True, slots=True)
class FleetStation:
    """A station as it stands in the list. None: not known."""

    id: StationId
    display_name: str
    online: bool
    last_seen: datetime | None
    simulated: bool
    software_version: str
    manager_connected: bool
    ac_power_w: float | None
    link: LinkReport | None
    health_time: datetime | None
    outbox_records: int | None
    outbox_oldest: datetime | None
    certificate_end: datetime | None
    clock_offset_s: float | None
    config_digest: str | None
    drift: bool
    alarms: int
    sessions: int
    issues: tuple[HealthIssue, ...]
    """Gravest first."""


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """The fleet in numbers."""

    stations: int
    online: int
    ac_power_w: float
    sessions: int
    alarms: int
    unacknowledged: int
    outbox_age: timedelta | None
    """None: no record waits."""
    with_issues: int
    issues: Mapping[HealthIssue, int]
    """Those that there are."""


async def page(
    connection: AsyncConnection,
    wanted: Filter,
    order: tuple[Order, ...],
    *,
    own: Collection[StationId] | None,
    now: datetime,
    offset: int,
    size: int,
) -> tuple[list[FleetStation], int]:
    """Stations that are wanted, from one on, and how many there are in all.

    Args:
        connection: An open transaction.
        wanted: Which.
        order: First things first; in the end by id.
        own: Of these only. None: of all.
        now: At which issues are judged.
        offset: So many were shown before.
        size: At most so many.
    """
    holds = _among(own, fields.condition(wanted, now))
    query = _stations(now).where(*holds).order_by(*fields.order(order, now)).offset(offset).limit(size)
    rows = (await connection.execute(query)).all()
    if len(rows) < size and (rows or not offset):
        return [_station(row) for row in rows], offset + len(rows)
    total = (await connection.execute(select(func.count()).select_from(fields.SOURCE).where(*holds))).scalar_one()
    return [_station(row) for row in rows], int(total)


async def load(connection: AsyncConnection, station: StationId, now: datetime) -> FleetStation | None:
    """One station. None: it was never heard."""
    row = (await connection.execute(_stations(now).where(STATIONS.c.id == station))).one_or_none()
    return _station(row) if row is not None else None


async def summary(
    connection: AsyncConnection, wanted: Filter, *, own: Collection[StationId] | None, now: datetime
) -> FleetSummary:
    """What `page` would list, in numbers."""
    said, issues = STATION_STATE.c, fields.issues(now)
    query = (
        select(
            func.count().label("stations"),
            _number_of(STATIONS.c.online).label("online"),
            func.coalesce(func.sum(STATIONS.c.ac_power_w), 0.0).label("ac_power_w"),
            func.coalesce(func.sum(fields.OPEN_SESSIONS), 0).label("sessions"),
            func.coalesce(func.sum(fields.OPEN_ALARMS), 0).label("alarms"),
            func.coalesce(func.sum(fields.UNACKNOWLEDGED), 0).label("unacknowledged"),
            func.max(case((STATIONS.c.online, said.outbox_age_s))).label("age_s"),
            func.min(case((not_(STATIONS.c.online), said.outbox_oldest))).label("oldest"),
            _number_of(or_(*issues.values())).label("with_issues"),
            *(_number_of(holds).label(f"is_{issue.value}") for issue, holds in issues.items()),
        )
        .select_from(fields.SOURCE)
        .where(*_among(own, fields.condition(wanted, now)))
    )
    row = (await connection.execute(query)).one()
    return FleetSummary(
        stations=row.stations,
        online=row.online,
        ac_power_w=row.ac_power_w,
        sessions=int(row.sessions),
        alarms=int(row.alarms),
        unacknowledged=int(row.unacknowledged),
        outbox_age=_age(row.age_s, row.oldest, now),
        with_issues=row.with_issues,
        issues={issue: count for issue in issues if (count := getattr(row, f"is_{issue.value}"))},
    )


def _stations(now: datetime) -> Any:
    said, known = STATION_STATE.c, STATIONS.c
    return select(
        known.id,
        known.display_name,
        known.online,
        known.last_seen,
        known.simulated,
        known.software_version,
        known.manager_connected,
        known.ac_power_w,
        said.link,
        said.health_time,
        said.outbox_records,
        said.outbox_oldest,
        said.certificate_end,
        said.clock_offset_s,
        said.config_digest,
        fields.DRIFT.label("drift"),
        fields.OPEN_ALARMS.label("alarms"),
        fields.OPEN_SESSIONS.label("sessions"),
        *(holds.label(f"is_{issue.value}") for issue, holds in fields.issues(now).items()),
    ).select_from(fields.SOURCE)


def _among(own: Collection[StationId] | None, holds: fields.Condition) -> list[fields.Condition]:
    return [holds] if own is None else [holds, STATIONS.c.id.in_(own)]


def _number_of(holds: Any) -> ColumnElement[int]:
    return func.count(case((holds, 1)))


def _age(age_s: float | None, oldest: datetime | None, now: datetime) -> timedelta | None:
    ages = [timedelta(seconds=age_s)] if age_s is not None else []
    if oldest is not None:
        ages.append(now - oldest)
    return max(ages, default=None)


def _station(row: Row[Any]) -> FleetStation:
    found = tuple(issue for issue in HealthIssue if getattr(row, f"is_{issue.value}"))
    names = [name for name in FleetStation.__slots__ if name not in ("id", "drift", "issues")]
    values = {name: getattr(row, name) for name in names}
    return FleetStation(id=StationId(row.id), drift=bool(row.drift), issues=found, **values)
