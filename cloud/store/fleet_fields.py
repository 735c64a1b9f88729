"""The fields by which stations are found and sorted, as SQL; a comparison with what is absent is false."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, false, func, literal, not_, null, or_, select, true

from cloud.domain.filter import Compare, Either, Every, Filter, Not, Order, Word
from cloud.domain.health import CERTIFICATE_SOON, CLOCK_OFF_S, OUTBOX_LATE, HealthIssue
from cloud.domain.refusal import Refusal, Why
from cloud.store.fleet_tables import ALARMS, STATION_STATE
from cloud.store.tables import CONNECTORS, STATIONS
from powerctl.core.record import SignalClass
from powerctl.core.session import ConnectorState

Condition = ColumnElement[bool]

_OPEN = (
    select(
        ALARMS.c.station,
        func.count().label("alarms"),
        func.count().filter(ALARMS.c.acknowledge_time.is_(None)).label("unacknowledged"),
    )
    .where(ALARMS.c.end_time.is_(None))
    .group_by(ALARMS.c.station)
    .subquery("open_alarms")
)
_WITH_VEHICLE: Final = frozenset(ConnectorState) - {ConnectorState.AVAILABLE, ConnectorState.FAULTED}
_PLUGGED = (
    select(CONNECTORS.c.station, func.count().label("sessions"))
    .where(or_(CONNECTORS.c.session.is_not(None), CONNECTORS.c.state.in_([one.value for one in _WITH_VEHICLE])))
    .group_by(CONNECTORS.c.station)
    .subquery("plugged")
)
SOURCE = (
    STATIONS.outerjoin(STATION_STATE, STATION_STATE.c.station == STATIONS.c.id)
    .outerjoin(_OPEN, _OPEN.c.station == STATIONS.c.id)
    .outerjoin(_PLUGGED, _PLUGGED.c.station == STATIONS.c.id)
)
"""Stations with what is known of them, a row each."""
OPEN_ALARMS = func.coalesce(_OPEN.c.alarms, 0)
UNACKNOWLEDGED = func.coalesce(_OPEN.c.unacknowledged, 0)
OPEN_SESSIONS = func.coalesce(_PLUGGED.c.sessions, 0)
DRIFT = func.coalesce(STATION_STATE.c.drift, false())


def issues(now: datetime) -> dict[HealthIssue, Condition]:
    """What holds for each issue, gravest first."""
    said, online = STATION_STATE.c, STATIONS.c.online
    # An online station tells of its outbox every ten minutes: its last word counts, not the time since.
    late = or_(
        and_(online, said.outbox_age_s > OUTBOX_LATE.total_seconds()),
        and_(not_(online), said.outbox_oldest < now - OUTBOX_LATE),
    )
    return {
        HealthIssue.OFFLINE: not_(online),
        HealthIssue.ALARMS: OPEN_ALARMS > 0,
        HealthIssue.OUTBOX: _sure(late),
        HealthIssue.CERTIFICATE: _sure(said.certificate_end < now + CERTIFICATE_SOON),
        HealthIssue.DRIFT: _sure(DRIFT),
        HealthIssue.MANAGER: and_(online, not_(STATIONS.c.manager_connected)),
        HealthIssue.CLOCK: _sure(func.abs(said.clock_offset_s) > CLOCK_OFF_S),
    }


def condition(wanted: Filter, now: datetime) -> Condition:
    """What holds for stations that are wanted. Raises Refusal: INVALID_ARGUMENT: no such field, or not such a value."""
    match wanted:
        case Word(text):
            return or_(*(column.icontains(text, autoescape=True) for column in _SEARCHED))
        case Not(part):
            return not_(condition(part, now))
        case Every(parts):
            return and_(true(), *(condition(part, now) for part in parts))
        case Either(parts):
            return or_(*(condition(part, now) for part in parts))
        case Compare(field="health"):
            return _health(wanted, now)
        case Compare(field, operator, value):
            known = _FIELDS.get(field)
            if known is None:
                raise _no_field("filter", field)
            return _sure(known.compare(field, known.column, operator, value))


def order(wanted: tuple[Order, ...], now: datetime) -> list[ColumnElement[Any]]:
    """How to sort, in the end by id. Raises Refusal: INVALID_ARGUMENT: no such field."""
    found: list[ColumnElement[Any]] = []
    for field, down in wanted:
        known = _FIELDS.get(field)
        if known is None and field != "health":
            raise _no_field("order_by", field)
        columns = [known.sorted] if known is not None else [_how_many(now), OPEN_ALARMS]
        found += [(column.desc() if down else column.asc()).nulls_last() for column in columns]
    return [*found, STATIONS.c.id.asc()]


def _how_many(now: datetime) -> ColumnElement[int]:
    total: ColumnElement[int] = literal(0)
    for holds in issues(now).values():
        total = total + case((holds, 1), else_=0)
    return total


def _health(wanted: Compare, now: datetime) -> Condition:
    found = issues(now)
    if wanted.operator not in (":", "=", "!="):
        raise _bad(wanted.field, 'compare it with ":", "=" or "!="')
    if wanted.value == "*":
        holds = or_(*found.values())
    else:
        issue = next((one for one in found if one.name == wanted.value.upper()), None)
        if issue is None:
            raise _bad(wanted.field, f"there are * and {', '.join(one.name for one in found)}")
        holds = found[issue]
    return not_(holds) if wanted.operator == "!=" else holds


def _sure(condition: Any) -> Condition:
    sure: Condition = func.coalesce(condition, false())
    return sure


_ORDERED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    ":": lambda a, b: a == b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _text(field: str, column: Any, operator: str, value: str) -> Any:
    if operator == ":":
        return column.icontains(value, autoescape=True)
    return _ORDERED[operator](column, value)


def _number(field: str, column: Any, operator: str, value: str) -> Any:
    try:
        number = float(value)
    except ValueError as error:
        raise _bad(field, "compare it with a number") from error
    if not math.isfinite(number):
        raise _bad(field, "compare it with a number")
    return _ORDERED[operator](column, number)


def _truth(field: str, column: Any, operator: str, value: str) -> Any:
    if value not in ("true", "false") or operator not in (":", "=", "!="):
        raise _bad(field, 'write "= true" or "= false"')
    return column if (value == "true") == (operator != "!=") else not_(column)


def _time(field: str, column: Any, operator: str, value: str) -> Any:
    try:
        moment = datetime.fromisoformat(value)
        offset = moment.utcoffset()
    except ValueError:
        offset = None
    if offset is None or abs(offset) > timedelta(days=1):
        raise _bad(field, 'compare it with a time in quotes, as in "2026-11-23T08:00:00Z"')
    return _ORDERED[operator](column, moment)


def _signal(field: str, column: Any, operator: str, value: str) -> Any:
    classes = [one.name for one in SignalClass]
    if value.upper() not in classes:
        raise _bad(field, f"there are {', '.join(classes)}")
    return _ORDERED[operator](_SIGNAL_RANK, classes.index(value.upper()))


_SIGNAL_RANK: Final = case(
    {one.value: rank for rank, one in enumerate(SignalClass)}, value=STATION_STATE.c.signal, else_=null()
)


@dataclass(frozen=True, slots=True)
class _Field:
    column: Any
    compare: Callable[[str, Any, str, str], Any]
    by: Any = None
    """What to sort by. None: the column."""

    @property
    def sorted(self) -> ColumnElement[Any]:
        found: ColumnElement[Any] = self.column if self.by is None else self.by
        return found


_FIELDS: Final[Mapping[str, _Field]] = {
    "id": _Field(STATIONS.c.id, _text),
    "display_name": _Field(
        STATIONS.c.display_name,
        _text,
        func.lower(func.coalesce(func.nullif(STATIONS.c.display_name, ""), STATIONS.c.id)),
    ),
    "software_version": _Field(STATIONS.c.software_version, _text),
    "online": _Field(STATIONS.c.online, _truth),
    "manager_connected": _Field(STATIONS.c.manager_connected, _truth),
    "config_drift": _Field(DRIFT, _truth),
    "config_digest": _Field(STATION_STATE.c.config_digest, _text),
    "simulated": _Field(STATIONS.c.simulated, _truth),
    "open_alarms": _Field(OPEN_ALARMS, _number),
    "open_sessions": _Field(OPEN_SESSIONS, _number),
    "ac_power_w": _Field(STATIONS.c.ac_power_w, _number),
    "clock_offset_s": _Field(STATION_STATE.c.clock_offset_s, _number),
    "outbox_records": _Field(STATION_STATE.c.outbox_records, _number),
    "outbox_oldest_time": _Field(STATION_STATE.c.outbox_oldest, _time),
    "last_seen_time": _Field(STATIONS.c.last_seen, _time),
    "certificate_end_time": _Field(STATION_STATE.c.certificate_end, _time),
    "signal_class": _Field(STATION_STATE.c.signal, _signal, _SIGNAL_RANK),
}
FIELDS: Final = ("health", *_FIELDS)
"""What can be asked for and sorted by."""
_SEARCHED: Final = (STATIONS.c.id, STATIONS.c.display_name, STATIONS.c.software_version)


def _no_field(where: str, field: str) -> Refusal:
    return Refusal(Why.INVALID_ARGUMENT, f"{where}: there is no field {field}; there are {', '.join(sorted(FIELDS))}.")


def _bad(field: str, remedy: str) -> Refusal:
    return Refusal(Why.INVALID_ARGUMENT, f"filter, {field}: {remedy}.")
