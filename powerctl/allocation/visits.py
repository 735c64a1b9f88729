"""What is learnt of the vehicles at a station while they are there, and of their stays when they have left. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from powerctl.allocation.stay import StayModel, Visit, learned
from powerctl.core.demand import ConnectorReport
from powerctl.core.ids import ConnectorId, SessionId

TYPICAL_CAPACITY_WH: Final = 38_000.0
"""Usable energy of the commonest CHAdeMO car (Leaf 40), for a vehicle that does not tell."""
TYPICAL_SOC: Final = 50.0
_LEAST_NEED_WH: Final = 20.0
_APART: Final = 0.01
"""Part of the capacity that lies between two points of the taper that are compared."""
_BELOW: Final = 0.98
"""A request below this part of the connector's rating is the vehicle's own bound."""
_POINT_APART: Final = 0.02
_MOST_POINTS: Final = 30


@dataclass(frozen=True, slots=True)
class Statement:
    """What a driver, a booking or the vehicle itself said of a session."""

    need_wh: float | None = None
    """From plug-in. None: not said."""
    departure: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taper:
    """How the request falls with the energy that was taken; watts and watt hours of the session."""

    from_wh: float
    from_w: float
    now_w: float
    per_h: float | None = None
    """None: not known yet."""


@dataclass(frozen=True, slots=True)
class Present:
    """A vehicle that is plugged in."""

    session: SessionId
    since: datetime
    visit: Visit
    known: bool = False
    """True: `visit` rests on what the vehicle or its driver told."""
    taper: Taper | None = None
    peak_w: float = 0.0
    """Highest request so far, at most the connector's rating."""
    points: tuple[tuple[float, float], ...] = ()
    """SoC, and the part of that peak that was requested, while the request falls."""


@dataclass(frozen=True, slots=True)
class Visits:
    """The vehicles that are there, and what those before have taught."""

    present: Mapping[ConnectorId, Present] = field(default_factory=dict)
    model: StayModel = field(default_factory=StayModel)


def need_wh(report: ConnectorReport, statement: Statement | None = None) -> float:
    """Watt hours that the vehicle can still take, or that were asked for."""
    if statement is not None and statement.need_wh is not None:
        return max(_LEAST_NEED_WH, statement.need_wh - report.session_energy.wh)
    soc = report.soc_percent if report.soc_percent is not None else TYPICAL_SOC
    return max(_LEAST_NEED_WH, capacity_wh(report) * (1.0 - soc / 100.0))


def capacity_wh(report: ConnectorReport) -> float:
    """Usable energy of the battery; a typical one where it is not told."""
    return report.capacity.wh if report.capacity is not None and report.capacity.wh > 0.0 else TYPICAL_CAPACITY_WH


def followed(
    visits: Visits, report: ConnectorReport, rated_w: float, utc: datetime, statement: Statement | None = None
) -> Visits:
    """`visits` after one report.

    Args:
        visits: Before.
        report: Of one connector.
        rated_w: Rating of the connector.
        utc: Now.
        statement: What was said of its session.
    """
    present = visits.present.get(report.connector)
    if present is not None and present.session != report.session:
        visits, present = left(visits, report.connector, utc), None
    if report.session is None:
        return visits
    if present is None:
        since = report.plug_in_time or utc
        present = Present(report.session, since, Visit(need_wh(report, statement)))
    if not present.known and (report.soc_percent is not None or statement is not None):
        present = replace(present, visit=_visit(report, present.since, statement), known=True)
    present = _fallen(replace(present, taper=_tapered(present.taper, report, rated_w)), report, rated_w)
    return replace(visits, present={**visits.present, report.connector: present})


def left(visits: Visits, connector: ConnectorId, utc: datetime, *, seen: bool = True) -> Visits:
    """`visits` after the vehicle has gone.

    Args:
        visits: Before.
        connector: Where it was.
        utc: When it was last there.
        seen: False: it was there at least until then, and nobody knows when it left.
    """
    present = visits.present.get(connector)
    if present is None:
        return visits
    others = {other: one for other, one in visits.present.items() if other != connector}
    model = visits.model
    if present.points:
        model = replace(model, falls=model.falls.learned(present.points))
    if present.known:
        model = learned(model, present.visit, (utc - present.since).total_seconds(), ended=seen)
    return Visits(others, model)


def _visit(report: ConnectorReport, since: datetime, statement: Statement | None) -> Visit:
    taken_wh = report.session_energy.wh
    soc = None
    if report.soc_percent is not None:
        soc = max(0.0, report.soc_percent / 100.0 - taken_wh / capacity_wh(report))
    departure = statement.departure if statement is not None else None
    return Visit(
        need_wh=need_wh(report, statement) + taken_wh,
        soc=soc,
        capacity_wh=report.capacity.wh if report.capacity is not None else None,
        power_w=report.max_power.w if report.max_power.w > 0.0 else None,
        stated_s=(departure - since).total_seconds() if departure is not None else None,
    )


def _fallen(present: Present, report: ConnectorReport, rated_w: float) -> Present:
    """`present` with one more point of the fall of its request, where the request is the vehicle's own."""
    target_w = min(report.target.w, rated_w)
    present = replace(present, peak_w=max(present.peak_w, target_w)) if target_w > present.peak_w else present
    if report.wants_more or report.soc_percent is None or not 0.0 < target_w < _BELOW * present.peak_w:
        return present
    soc, points = report.soc_percent / 100.0, present.points
    if len(points) >= _MOST_POINTS or (points and soc - points[-1][0] < _POINT_APART):
        return present
    return replace(present, points=(*points, (soc, target_w / present.peak_w)))


def _tapered(taper: Taper | None, report: ConnectorReport, rated_w: float) -> Taper | None:
    """A request below the rating that is not held back by us is a point on the vehicle's curve."""
    target_w, taken_wh = report.target.w, report.session_energy.wh
    if report.wants_more or not 0.0 < target_w < _BELOW * rated_w:
        return None if target_w >= _BELOW * rated_w else taper
    if taper is None or target_w > taper.now_w:
        return Taper(taken_wh, target_w, target_w)
    if taken_wh - taper.from_wh < _APART * capacity_wh(report):
        return replace(taper, now_w=target_w)
    return Taper(taken_wh, target_w, target_w, (taper.from_w - target_w) / (taken_wh - taper.from_wh))
