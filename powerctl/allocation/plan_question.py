"""From the present situation to the problem that is solved. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from powerctl.allocation.budget import Budget
from powerctl.allocation.demand import ACTIVE
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.plan_outlook import Ahead, Outlook, known_at
from powerctl.allocation.plan_problem import FIRST_S, Mode, PlanProblem, PlanSession, grid, starts
from powerctl.allocation.plan_site import Place, SiteProfile, bounds_of, dc_w, ramped
from powerctl.allocation.promises import Promise
from powerctl.allocation.stay import StayModel, Visit, forecast
from powerctl.allocation.taper import Falls
from powerctl.allocation.visits import Present, Statement, Visits, capacity_wh, need_wh
from powerctl.core.demand import ConnectorReport
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Power

_STAYS: Final = 8
"""Equally likely stays of one vehicle."""
_CERTAIN: Final = 0.03
"""Spread of the logarithm below which a stay counts as known."""
_CAUTIOUS: Final = 1
"""Which of the stays a plan over hours counts on: one that three in four exceed."""
_FALLING: Final = 0.98
"""A request below this part of the session's highest is falling."""
_AHEAD_S: Final = 12 * 3600.0
"""How far ahead reservations count."""


@dataclass(frozen=True, slots=True)
class Aims:
    """What the operator wants of the plan."""

    mode: Mode = "welfare"
    by_price: bool = True
    """Charge when energy is cheap, as far as the drivers' stays allow."""
    earliness: float = 1e-3
    """What an hour of delay may cost per kilowatt hour."""
    interval_s: float = FIRST_S
    """How often a plan is made."""
    peak_price: float = 0.0
    """Of each kilowatt above the highest quarter of an hour of the month. 0: it costs nothing."""
    site: SiteProfile | None = None
    """The rest of the site. None: nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Question:
    """The situation that a plan is asked for."""

    budget: Budget
    """What may be drawn now."""
    rating: Power
    """AC at the grid connection."""
    conversion: Conversion
    """Between AC and DC."""
    reports: Collection[ConnectorReport]
    """The connectors' last."""
    utc: datetime
    """Now."""
    outlook: Outlook = ()
    """What the grid announced."""
    visits: Visits = field(default_factory=Visits)
    """What is known of the vehicles."""
    statements: Mapping[ConnectorId, Statement] = field(default_factory=dict)
    """What was said of the sessions."""
    limits_w: Mapping[ConnectorId, float] = field(default_factory=dict)
    """What each may draw at present, watts DC. Missing: nothing."""
    aims: Aims = field(default_factory=Aims)
    """What the operator wants."""
    promises: Collection[Promise] = ()
    """Reservations: vehicles that are expected, with what is guaranteed to them."""
    place: Place = field(default_factory=Place)
    """Where the station stands."""


def problem_of(question: Question) -> PlanProblem | None:
    """The problem to solve, or None when there is nothing to plan: no cost, and fewer than two vehicles."""
    aims, place, conversion = question.aims, question.place, question.conversion
    sessions = _sessions(question)
    steps = grid(_marks(question, sessions), aims.interval_s)
    ahead = known_at(question.outlook, starts(steps))
    site_w = () if aims.site is None else aims.site.series_w(question.utc, steps, starts(steps))
    price = _prices(ahead, flat=min(site_w, default=0.0) < 0.0) if aims.by_price else None
    peak_w = place.peak_w if aims.by_price and aims.peak_price > 0.0 else None
    if not sessions or (len(sessions) < 2 and price is None and peak_w is None):
        return None
    problem = PlanProblem(
        steps,
        _caps(question, steps, ahead, _left(aims.site, site_w)),
        sessions,
        price,
        aims.earliness,
        mode=aims.mode,
        bounds=bounds_of(place.tree, conversion),
        site_w=dc_w(conversion, site_w),
        feed_in=0.0 if aims.site is None else aims.site.feed_in,
    )
    if peak_w is None:
        return problem
    return replace(problem, peak_w=conversion.dc_w(conversion.usable_w(peak_w)), peak_price=aims.peak_price)


def _sessions(question: Question) -> tuple[PlanSession, ...]:
    """The vehicles that charge, by connector, then those that are expected."""
    active = sorted((r for r in question.reports if r.state in ACTIVE), key=lambda report: report.connector)
    expected = _expected(question.promises, {report.connector for report in active}, question.utc)
    return tuple(_session(question, report) for report in active) + expected


def _marks(question: Question, sessions: Iterable[PlanSession]) -> list[float]:
    """Seconds from now at which something is known to change."""
    marks = [*(seconds for seconds, _ in question.outlook), *_ends(question.budget, question.utc)]
    for session in sessions:
        marks.append(session.from_s + session.stay_s)
        if session.from_s > 0.0:
            marks.append(session.from_s)
    return marks


def _left(site: SiteProfile | None, site_w: tuple[float, ...]) -> tuple[float, ...]:
    """What the site's connection is expected to leave to the station, watts AC per step. Empty: all that it wants."""
    if site is None or site.limit_w is None:
        return ()
    return tuple(max(0.0, site.limit_w - watts) for watts in site_w)


def _expected(promises: Iterable[Promise], active: Collection[ConnectorId], utc: datetime) -> tuple[PlanSession, ...]:
    """The next reservation of each connector at which nobody charges, as a vehicle that comes for all of its window."""
    found: dict[ConnectorId, PlanSession] = {}
    for promise in sorted(promises, key=lambda one: one.start_time):
        from_s = max(FIRST_S, (promise.start_time - utc).total_seconds())
        stay_s = (promise.end_time - utc).total_seconds() - from_s
        if promise.connector not in active and promise.connector not in found and stay_s > 0.0 and from_s < _AHEAD_S:
            need_wh = promise.power_w * stay_s / 3600.0
            found[promise.connector] = PlanSession(
                promise.connector, need_wh=need_wh, max_w=promise.power_w, stay_s=stay_s, from_s=from_s
            )
    return tuple(found[connector] for connector in sorted(found))


def _ends(budget: Budget, utc: datetime) -> list[float]:
    ends = [limit.until for limit in budget.sources] or [budget.until]
    return [(end - utc).total_seconds() for end in ends if end is not None]


def _prices(ahead: list[Ahead], *, flat: bool) -> tuple[float, ...] | None:
    """Per step; what is not known counts as the mean of what is. One price for all counts only where it is `flat`."""
    known = [step.price for step in ahead if step.price is not None]
    if not known or (max(known) - min(known) < 1e-9 and not flat):
        return None
    mean = sum(known) / len(known)
    return tuple(mean if step.price is None else step.price for step in ahead)


def _caps(
    question: Question, steps: tuple[float, ...], ahead: list[Ahead], left_w: tuple[float, ...]
) -> tuple[float, ...]:
    """Watts DC per step: what is in force holds until it is known to end, what is announced from its step on.

    After a fall the cap comes back as slowly as it does on the fast path.
    """
    budget, place, conversion = question.budget, question.place, question.conversion
    sources = [(limit.limit.w, limit.until) for limit in budget.sources] or [(budget.cap.w, budget.until)]
    ends = [(watts, math.inf if until is None else (until - question.utc).total_seconds()) for watts, until in sources]
    begins, caps = starts(steps), []
    announced = [step.cap for step in ahead] or [None] * len(begins)
    for begin, known in zip(begins, announced, strict=True):
        cap_w = min([question.rating.w, *(watts for watts, end in ends if begin < end - 1e-3)])
        caps.append(cap_w if known is None else min(cap_w, max(0.0, known.w)))
    means = ramped(caps, steps, min(place.ramp_up_w_s, budget.ramp_up_w_s), place.effective_w)
    means = tuple(map(min, means, left_w)) if left_w else means
    return tuple(conversion.dc_w(conversion.usable_w(cap_w)) for cap_w in means)


def _session(question: Question, report: ConnectorReport) -> PlanSession:
    model, present = question.visits.model, question.visits.present.get(report.connector)
    rating_w = question.rating.w
    missing_wh = need_wh(report, question.statements.get(report.connector))
    max_w = min(rating_w, report.max_power.w if report.max_power.w > 0.0 else rating_w)
    stays, confident = _stays(model, present, report, missing_wh, question.utc)
    taper_w, taper_per_h = _taper(model.falls, present, report, max_w)
    return PlanSession(
        connector=report.connector,
        need_wh=missing_wh,
        max_w=max_w,
        stay_s=stays[min(_CAUTIOUS, len(stays) - 1)],
        served_wh=report.session_energy.wh,
        now_w=question.limits_w.get(report.connector, 0.0),
        min_w=report.min_power.w,
        taper_w=taper_w,
        taper_per_h=taper_per_h,
        stays_s=stays if len(stays) > 1 else (),
        confident=confident,
    )


def _stays(
    model: StayModel, present: Present | None, report: ConnectorReport, missing_wh: float, utc: datetime
) -> tuple[tuple[float, ...], bool]:
    """Equally likely rests of the stay, one when it is as good as known; and whether they are worth acting on."""
    since = report.plug_in_time or utc
    visit = present.visit if present is not None else Visit(missing_wh + report.session_energy.wh)
    expected = forecast(model, visit)
    elapsed_s = max(0.0, (utc - since).total_seconds())
    count = 1 if expected.sigma < _CERTAIN else _STAYS
    return expected.remaining_s(elapsed_s, count), expected.confident


def _taper(falls: Falls, present: Present | None, report: ConnectorReport, max_w: float) -> tuple[float | None, float]:
    """What the session has shown of its taper, or what the site's vehicles let expect of it."""
    if present is None:
        return None, 0.0
    taper = present.taper
    if taper is not None and taper.per_h is not None and taper.per_h > 0.0:
        return min(max_w, taper.now_w), taper.per_h
    if report.soc_percent is None or present.peak_w <= 0.0:
        return None, 0.0
    at_zero, fall = falls.line()
    asked_w, line_w = min(max_w, report.target.w), present.peak_w * (at_zero - fall * report.soc_percent / 100.0)
    falling = asked_w < _FALLING * present.peak_w and not report.wants_more
    return asked_w if falling else max(asked_w, line_w), present.peak_w * fall / capacity_wh(report)
