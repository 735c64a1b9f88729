"""How much the station can shed and take up, now and over the next hours, with a confidence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from powerctl.allocation.demand import ACTIVE
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.plan_problem import Plan, PlanProblem, PlanSession, starts
from powerctl.core.demand import ConnectorReport
from powerctl.core.session import Flexibility

_HOUR_S = 3600.0
NEWS_W: Final = 1_000.0


@dataclass(frozen=True, slots=True)
class Flex:
    """Watts DC around what is drawn or expected in one span."""

    begin_s: float
    """From now."""
    expected_w: float
    down_w: float
    """What can be shed: all of what flexible sessions draw, and of firm ones what is above their minimum."""
    up_w: float
    """What can be taken up under the cap."""
    confidence: float
    """0 to 1: how sure it is that the vehicles are there. 1 for now; 0 where nobody is expected."""


def flex_now(reports: Iterable[ConnectorReport], usable_w: float) -> Flex:
    """What can be done at once.

    Args:
        reports: The connectors' last.
        usable_w: Watts DC that the cap leaves for all connectors.
    """
    return _now(reports, usable_w, lambda dc_w: dc_w)


def at_grid(reports: Iterable[ConnectorReport], conversion: Conversion, cap_w: float) -> Flex:
    """As `flex_now`, in watts AC at the grid connection, under a cap there."""
    return _now(reports, conversion.usable_w(cap_w), conversion.ac_w)


def _now(reports: Iterable[ConnectorReport], usable_w: float, watts: Callable[[float], float]) -> Flex:
    active = [report for report in reports if report.state in ACTIVE]
    drawn_w = sum(watts(max(0.0, report.power.w)) for report in active)
    stays_w = sum(
        watts(max(0.0, min(report.power.w, report.min_power.w)))
        for report in active
        if report.flexibility is Flexibility.FIRM
    )
    wanted_w = sum(watts(max(0.0, report.power.w, report.max_power.w)) for report in active)
    return Flex(0.0, drawn_w, max(0.0, drawn_w - stays_w), max(0.0, min(wanted_w, usable_w) - drawn_w), 1.0)


def is_news(told: Flex, present: Flex) -> bool:
    """True when somebody who plans with what was told should hear of the present."""
    return max(abs(present.down_w - told.down_w), abs(present.up_w - told.up_w)) >= NEWS_W


def flex_ahead(plan: Plan, problem: PlanProblem, firm: Mapping[int, bool], hours: int = 4) -> tuple[Flex, ...]:
    """What can be done in each of the next hours, as the plan and the expected stays have it.

    Args:
        plan: Passed the check.
        problem: Its question.
        firm: By connector: True for a session that can only start and stop.
        hours: How many.
    """
    return tuple(_hour(plan, problem, firm, number * _HOUR_S) for number in range(hours))


def _hour(plan: Plan, problem: PlanProblem, firm: Mapping[int, bool], begin_s: float) -> Flex:
    there = {session.connector: presence(session, begin_s + _HOUR_S / 2.0) for session in problem.sessions}
    planned = {c: _mean(problem, row, begin_s) * there[c] for c, row in plan.power_w.items()}
    held = {s.connector: min(planned[s.connector], s.min_w) for s in problem.sessions if firm.get(s.connector, False)}
    most_w = sum(session.max_w * there[session.connector] for session in problem.sessions)
    expected_w = sum(planned.values())
    up_w = max(0.0, min(most_w, _mean(problem, problem.cap_w, begin_s)) - expected_w)
    return Flex(begin_s, expected_w, expected_w - sum(held.values()), up_w, max(there.values(), default=0.0))


def presence(session: PlanSession, at_s: float) -> float:
    """How likely it is that the vehicle is there then, 0 to 1."""
    stays = session.stays_s or (session.stay_s,)
    if at_s < session.from_s:
        return 0.0
    return sum(session.from_s + stay > at_s for stay in stays) / len(stays)


def _mean(problem: PlanProblem, row: tuple[float, ...], begin_s: float) -> float:
    """Of one hour."""
    total = 0.0
    for start, length, value in zip(starts(problem.steps_s), problem.steps_s, row, strict=True):
        total += value * max(0.0, min(start + length, begin_s + _HOUR_S) - max(start, begin_s))
    return total / _HOUR_S
