"""What the station does and why, as JSON for machines, and the reasons as sentences for an operator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from powerctl.allocation.budget import Budget
from powerctl.allocation.flexibility import Flex, flex_ahead, flex_now
from powerctl.allocation.plan_problem import Plan, PlanProblem
from powerctl.allocation.plan_shortfall import Shortfall
from powerctl.allocation.situation import Decision
from powerctl.allocation.stay import StayModel
from powerctl.allocation.why import as_json
from powerctl.core.clock import Monotonic
from powerctl.core.demand import ConnectorReport
from powerctl.core.record import FlexibilitySpan, PlanStatus
from powerctl.core.session import Flexibility
from powerctl.core.setpoint import Limit
from powerctl.core.units import Power
from powerctl.runtime.station import StationSettings

_FEW_W: Final = 100
"""Flexibility is told in steps of this many watts: what wobbles by less is not news."""


@dataclass(frozen=True, slots=True)
class Told:
    """The manager's last decision and what it rested on; replaced whole, so that any thread may read it."""

    station: StationSettings
    at: datetime
    rating: Power
    plan: PlanStatus
    config: Path | None = None
    """The station file. None: not known."""
    budget: Budget | None = None
    """None: the grid side has not said anything yet."""
    decisions: tuple[Decision, ...] = ()
    reports: tuple[ConnectorReport, ...] = ()
    measured: Power | None = None
    """AC at the grid connection. None: no fresh value."""
    committed_w: float = 0.0
    """What the station can draw unless more is granted, AC."""
    controller: bool = False
    """True: the charging controller is connected."""
    health: dict[str, Any] = field(default_factory=dict)
    plan_age_s: float | None = None
    """None: no plan is in use."""
    shortfalls: tuple[Shortfall, ...] = ()
    stays: StayModel | None = None
    flexibility: tuple[Flex, ...] = ()
    """Now first."""


def spans(flexibility: Iterable[Flex], at_grid: Flex | None = None) -> tuple[FlexibilitySpan, ...]:
    """The same as it travels: whole hundreds of watts, never negative, and per cent.

    Args:
        flexibility: Now first, watts DC.
        at_grid: Of now, watts AC at the grid connection. None: not told.
    """
    found = tuple(
        FlexibilitySpan(
            round(flex.begin_s),
            _few(flex.expected_w),
            _few(flex.down_w),
            _few(flex.up_w),
            min(100, max(0, round(100.0 * flex.confidence))),
        )
        for flex in flexibility
    )
    if at_grid is None or not found:
        return found
    return (replace(found[0], down_ac_w=_few(at_grid.down_w), up_ac_w=_few(at_grid.up_w)), *found[1:])


def flexibility_of(
    reports: Sequence[ConnectorReport], usable_w: float, newest: tuple[Plan, PlanProblem, Monotonic] | None
) -> tuple[Flex, ...]:
    """Now, and hour by hour as far as there is a plan.

    Args:
        usable_w: What the cap leaves for vehicles, DC.
        newest: The plan in use, what it answers, and since when. None: there is none.
    """
    now = flex_now(tuple(reports), usable_w)
    if newest is None:
        return (now,)
    firm = {int(report.connector): report.flexibility is Flexibility.FIRM for report in reports}
    return (now, *flex_ahead(newest[0], newest[1], firm))


def _few(watts: float) -> int:
    return max(0, _FEW_W * round(watts / _FEW_W))


def document(told: Told) -> dict[str, Any]:
    """Everything, as JSON. Watts, watt hours, seconds; instants as ISO 8601 in UTC; null where nothing is known."""
    return {
        "time": told.at.isoformat(),
        "config": str(told.config.resolve()) if told.config is not None else None,
        "station": {
            "id": told.station.id,
            "name": told.station.display_name,
            "simulated": told.station.simulated,
            "rating_w": told.rating.w,
            "measured_w": told.measured.w if told.measured is not None else None,
            "committed_w": told.committed_w,
        },
        "limit": _limits(told.budget),
        "controller_connected": told.controller,
        "health": told.health,
        "connectors": [_connector(told, decision) for decision in told.decisions],
        "plan": {
            "state": told.plan.state.value,
            "sentence": told.plan.detail,
            "since": told.plan.since.isoformat(),
            "age_s": told.plan_age_s,
            "gives_way": [
                {"connector": s.connector, "missing_wh": s.missing_wh, "code": s.cause.value, "sentence": s.sentence}
                for s in told.shortfalls
            ],
        },
        "stays": None if told.stays is None else {"visits": told.stays.visits, "covered": told.stays.covered},
        "flexibility": [asdict(flex) for flex in told.flexibility],
    }


def _limits(budget: Budget | None) -> dict[str, Any] | None:
    if budget is None:
        return None
    binding = Limit(budget.source, budget.cap, budget.detail, budget.until)
    return {**_limit(binding), "command": budget.command.value, "sources": [_limit(limit) for limit in budget.sources]}


def _limit(limit: Limit) -> dict[str, Any]:
    until = limit.until.isoformat() if limit.until is not None else None
    return {"cap_w": limit.limit.w, "code": limit.source.value, "sentence": limit.detail, "until": until}


def _connector(told: Told, decision: Decision) -> dict[str, Any]:
    """The decision with its chain, and what the connector last said."""
    explained = as_json(decision)
    report = next((report for report in told.reports if report.connector == decision.connector), None)
    place = next((one.position for one in told.station.connectors if one.id == decision.connector), "")
    if report is None:
        return {**explained, "position": place, "state": None}
    return {
        **explained,
        "position": place,
        "state": report.state.value,
        "power_w": report.power.w,
        "target_w": report.target.w,
        "soc_percent": report.soc_percent,
        "session_wh": report.session_energy.wh,
        "flexibility": report.flexibility.value,
        "plug_in_time": report.plug_in_time.isoformat() if report.plug_in_time is not None else None,
    }


def sentences(told: dict[str, Any], connector: int | None = None) -> list[str]:
    """The reasons in a document, as an operator reads them.

    Args:
        told: A document.
        connector: Only this one. None: all of them.
    """
    limit = told["limit"]
    if limit is None:
        return ["The energy manager has not heard from the grid side yet."]
    until = f" until {limit['until']}" if limit["until"] else ""
    lines = [f"The station may draw {Power(limit['cap_w'])}{until}: {limit['sentence']}"]
    if not told["connectors"]:
        lines.append("The charging controller is not connected.")
    for one in told["connectors"]:
        if connector in (None, one["connector"]):
            lines += ["", *_chain(one)]
    lines += ["", plan_sentence(told["plan"])]
    lines += [one["sentence"] for one in told["plan"]["gives_way"] if connector in (None, one["connector"])]
    return lines if connector is not None else [*lines, *flexibility(told["flexibility"])]


def plan_sentence(plan: dict[str, Any]) -> str:
    """How the plan fares, with its age."""
    age = f" The plan is {plan['age_s']:.0f} s old." if plan["age_s"] is not None else ""
    return f"{plan['sentence']}{age}"


def _chain(connector: dict[str, Any]) -> list[str]:
    place = f" ({connector['position']})" if connector["position"] else ""
    draws = f" It draws {Power(connector['power_w'])}." if connector.get("power_w", 0.0) >= 1.0 else ""
    head = f"Connector {connector['connector']}{place}: {connector['command']}, {Power(connector['limit_w'])}.{draws}"
    return [head, *(line for bound in connector["bounds"] for line in _bound(bound))]


def _bound(bound: dict[str, Any]) -> list[str]:
    until = f", until {bound['until']}" if bound["until"] else ""
    lines = [f"  {Power(bound['limit_w'])} by {bound['code']}{until}: {bound['sentence']}"]
    if bound["without_w"] is not None:
        lines.append(f"    Without it: {Power(bound['without_w'])}. What would lift it: {bound['lift']}")
    return lines


def flexibility(told: Sequence[dict[str, Any]]) -> list[str]:
    """One line per span: now, then hour by hour."""
    return [
        f"{_when(span, number)}: {Power(span['expected_w'])}, {Power(span['down_w'])} less or "
        f"{Power(span['up_w'])} more possible, {span['confidence']:.0%} sure."
        for number, span in enumerate(told)
    ]


def _when(span: dict[str, Any], number: int) -> str:
    if span["begin_s"]:
        return f"In {span['begin_s'] / 3600:.0f} h"
    return "In the next hour" if number else "Now"
