"""From the present situation to the plan's question, and from its answer to what the fast path takes. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from powerctl.allocation.budget import Budget
from powerctl.allocation.demand import ACTIVE
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.plan_problem import FIRST_S, Mode, Plan, PlanProblem, PlanSession, grid, starts
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
_WAITS: Final = 0.5
"""A vehicle that the plan gives less than this part of its minimum waits."""
_MOMENT_S: Final = 1.0
_FALLING: Final = 0.98
"""A request below this part of the session's highest is falling."""
_LOOK_S: Final = tuple(60.0 * n for n in range(60)) + tuple(300.0 * n for n in range(12, 72))
"""Seconds from now at which it is asked what will be in force; quarters of an hour follow for a day."""
_AHEAD_S: Final = 12 * 3600.0
"""How far ahead reservations count."""
_FAR_S: Final = tuple(900.0 * n for n in range(24, 97))


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the grid announced for an instant."""

    cap: Power | None = None
    """AC at the grid connection. None: no limit is known."""
    price: float | None = None
    """Per kilowatt hour. None: not known."""


Outlook = Sequence[tuple[float, Ahead]]
"""What holds from how many seconds from now on; rising, the first at zero. Empty: nothing was announced."""


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
class Guidance:
    """What the fast path takes from the plan."""

    weights: Mapping[ConnectorId, float] = field(default_factory=dict)
    """Relative parts of what is free. Missing: 1."""
    paces: Mapping[ConnectorId, float] = field(default_factory=dict)
    """Watts DC that are enough for now; 0: it may wait. Missing: as much as there is."""
    waits: frozenset[ConnectorId] = frozenset()
    """Those that wait because their minimum is worth more to the other."""


def problem_of(
    budget: Budget,
    rating: Power,
    conversion: Conversion,
    reports: Iterable[ConnectorReport],
    utc: datetime,
    *,
    outlook: Outlook = (),
    visits: Visits | None = None,
    statements: Mapping[ConnectorId, Statement] | None = None,
    limits_w: Mapping[ConnectorId, float] | None = None,
    aims: Aims | None = None,
    promises: Iterable[Promise] = (),
    place: Place | None = None,
) -> PlanProblem | None:
    """The question at this moment, or None when there is nothing to plan: no cost, and fewer than two vehicles.

    Args:
        budget: What may be drawn now.
        rating: AC at the grid connection.
        conversion: Between AC and DC.
        reports: The connectors' last.
        utc: Now.
        outlook: What the grid announced.
        visits: What is known of the vehicles. None: nothing.
        statements: What was said of the sessions.
        limits_w: What each may draw at present.
        aims: What the operator wants.
        promises: Reservations: vehicles that are expected, with what is guaranteed to them.
        place: Where the station stands. None: nothing is known of it.
    """
    visits, statements, limits_w, aims = visits or Visits(), statements or {}, limits_w or {}, aims or Aims()
    place = place or Place()
    active = sorted((r for r in reports if r.state in ACTIVE), key=lambda report: report.connector)
    peak_w = place.peak_w if aims.by_price and aims.peak_price > 0.0 else None
    sessions = tuple(_session(report, rating, utc, visits, statements.get(report.connector)) for report in active)
    sessions = tuple(replace(one, now_w=limits_w.get(ConnectorId(one.connector), 0.0)) for one in sessions)
    sessions += _expected(promises, {report.connector for report in active}, utc)
    marks = [*(seconds for seconds, _ in outlook), *_ends(budget, utc), *(one.from_s + one.stay_s for one in sessions)]
    marks += [one.from_s for one in sessions if one.from_s > 0.0]
    steps = grid(marks, aims.interval_s)
    ahead = _known(outlook, starts(steps))
    site_w = aims.site.series_w(utc, steps, starts(steps)) if aims.site is not None else ()
    price = _prices(ahead, flat=min(site_w, default=0.0) < 0.0) if aims.by_price else None
    if not sessions or (len(sessions) < 2 and price is None and peak_w is None):
        return None
    problem = PlanProblem(
        steps,
        _caps(budget, rating, conversion, utc, steps, ahead, place, _left(aims.site, site_w)),
        sessions,
        price,
        aims.earliness,
        mode=aims.mode,
        bounds=bounds_of(place.tree, conversion),
        site_w=dc_w(conversion, site_w),
        feed_in=aims.site.feed_in if aims.site is not None else 0.0,
    )
    if peak_w is None:
        return problem
    return replace(problem, peak_w=conversion.dc_w(conversion.usable_w(peak_w)), peak_price=aims.peak_price)


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


def outlook_of(foreseen: Callable[[datetime], Ahead], utc: datetime) -> Outlook:
    """What `foreseen` says of a day from `utc` on, to the minute for an hour, to five for six, then to the quarter."""
    outlook: list[tuple[float, Ahead]] = []
    for seconds in (*_LOOK_S, *_FAR_S):
        ahead = foreseen(utc + timedelta(seconds=seconds))
        if not outlook or ahead != outlook[-1][1]:
            outlook.append((seconds, ahead))
    return outlook


def _known(outlook: Outlook, begins: tuple[float, ...]) -> list[Ahead]:
    """What holds when each step begins."""
    if not outlook:
        return []
    instants = [seconds for seconds, _ in outlook]
    return [outlook[max(0, bisect_right(instants, begin + 1e-6) - 1)][1] for begin in begins]


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
    budget: Budget,
    rating: Power,
    conversion: Conversion,
    utc: datetime,
    steps: tuple[float, ...],
    ahead: list[Ahead],
    place: Place,
    left_w: tuple[float, ...],
) -> tuple[float, ...]:
    """Watts DC per step: what is in force holds until it is known to end, what is announced from its step on.

    After a fall the cap comes back as slowly as it does on the fast path.
    """
    begins = starts(steps)
    sources = [(limit.limit.w, limit.until) for limit in budget.sources] or [(budget.cap.w, budget.until)]
    ends = [(watts, math.inf if until is None else (until - utc).total_seconds()) for watts, until in sources]
    caps = []
    announced = [step.cap for step in ahead] or [None] * len(begins)
    for begin, known in zip(begins, announced, strict=True):
        cap_w = min([rating.w, *(watts for watts, end in ends if begin < end - 1e-3)])
        cap_w = cap_w if known is None else min(cap_w, max(0.0, known.w))
        caps.append(cap_w)
    rate_w_s = min(place.ramp_up_w_s, budget.ramp_up_w_s)
    means = ramped(caps, steps, rate_w_s, place.effective_w)
    means = tuple(map(min, means, left_w)) if left_w else means
    return tuple(conversion.dc_w(conversion.usable_w(cap_w)) for cap_w in means)


def _session(
    report: ConnectorReport,
    rating: Power,
    utc: datetime,
    visits: Visits,
    statement: Statement | None,
) -> PlanSession:
    present = visits.present.get(report.connector)
    missing_wh = need_wh(report, statement)
    max_w = min(rating.w, report.max_power.w if report.max_power.w > 0.0 else rating.w)
    stays, confident = _stays(visits.model, present, report, missing_wh, utc)
    taper_w, taper_per_h = _taper(visits.model.falls, present, report, max_w)
    return PlanSession(
        connector=report.connector,
        need_wh=missing_wh,
        max_w=max_w,
        stay_s=stays[min(_CAUTIOUS, len(stays) - 1)],
        served_wh=report.session_energy.wh,
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


def guidance_of(plan: Plan, problem: PlanProblem, age_s: float) -> Guidance:
    """What `plan` says `age_s` seconds after it was asked for; nothing when it says nothing about that time."""
    begins = starts(problem.steps_s)
    step = max((number for number, start_s in enumerate(begins) if start_s <= age_s), default=None)
    if step is None or age_s >= begins[-1]:
        return Guidance()
    begin_s, length_s = begins[step], problem.steps_s[step]
    power_w = {
        s.connector: _while_there(s, plan.power_w[s.connector][step], begin_s, length_s) for s in problem.sessions
    }
    known = [session for session in problem.sessions if session.confident]
    paces = {ConnectorId(s.connector): _pace(s, power_w) for s in known} if problem.by_cost else {}
    if len(known) < len(problem.sessions):
        # Who may leave at any time gets what sharing gives, and what those can spare who wait for a better price.
        return Guidance(paces=paces)
    if problem.by_cost:
        return Guidance(_weights(power_w), paces)
    waits = frozenset(ConnectorId(connector) for connector, watts in plan.share_w.items() if watts <= 0.0)
    return Guidance(_weights(plan.share_w or power_w), waits=waits)


def _while_there(session: PlanSession, mean_w: float, begin_s: float, length_s: float) -> float:
    """The plan's power while the vehicle is expected to be there; all that it takes when it has stayed on."""
    left_s = min(session.from_s + session.stay_s, begin_s + length_s) - max(session.from_s, begin_s)
    if left_s > _MOMENT_S:
        return min(session.max_w, mean_w * length_s / left_s)
    return session.max_w if session.from_s <= 0.0 else mean_w


def _pace(session: PlanSession, power_w: Mapping[int, float]) -> float:
    watts = power_w[session.connector]
    return 0.0 if watts < _WAITS * session.min_w or watts <= 0.0 else watts


def _weights(power_w: Mapping[int, float]) -> dict[ConnectorId, float]:
    most_w = max(power_w.values(), default=0.0)
    if most_w <= 0.0:
        return {}
    return {ConnectorId(connector): max(0.0, watts) / most_w for connector, watts in power_w.items()}
