"""Why every connector has the power it has, as JSON for machines and as sentences for an operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from powerctl.allocation.budget import Budget
from powerctl.allocation.flexibility import Flex
from powerctl.allocation.situation import Decision
from powerctl.allocation.stay import StayModel
from powerctl.allocation.why import as_json
from powerctl.core.units import Power


@dataclass(frozen=True, slots=True)
class Told:
    """The manager's last decision and what it rested on; replaced whole, so that any thread may read it."""

    budget: Budget | None = None
    decisions: tuple[Decision, ...] = ()
    plan_age_s: float | None = None
    """None: no plan is in use."""
    stays: StayModel | None = None
    now: Flex | None = None
    ahead: tuple[Flex, ...] = ()


def document(told: Told) -> dict[str, Any]:
    """Everything, as JSON."""
    budget = told.budget
    return {
        "station": None
        if budget is None
        else {
            "cap_w": budget.cap.w,
            "code": budget.source.value,
            "sentence": budget.detail,
            "until": budget.until.isoformat() if budget.until is not None else None,
        },
        "connectors": [as_json(decision) for decision in told.decisions],
        "plan_age_s": told.plan_age_s,
        "stays": None if told.stays is None else {"visits": told.stays.visits, "covered": told.stays.covered},
        "flexibility": [asdict(flex) for flex in ((told.now,) if told.now is not None else ()) + told.ahead],
    }


def sentences(explained: dict[str, Any]) -> list[str]:
    """The document as an operator reads it."""
    station = explained["station"]
    if station is None:
        return ["The energy manager has not heard from the grid side yet."]
    until = f" until {station['until']}" if station["until"] else ""
    lines = [f"The station may draw {Power(station['cap_w'])}{until}: {station['sentence']}"]
    if not explained["connectors"]:
        lines.append("The charging controller is not connected.")
    for connector in explained["connectors"]:
        lines += ["", *_connector(connector)]
    age_s = explained["plan_age_s"]
    lines += ["", "No plan is in use." if age_s is None else f"A plan of {age_s:.0f} s ago shapes the shares."]
    return [*lines, *_flexibility(explained["flexibility"])]


def _connector(connector: dict[str, Any]) -> list[str]:
    head = f"Connector {connector['connector']}: {connector['command']}, {Power(connector['limit_w'])}."
    return [head, *(line for bound in connector["bounds"] for line in _bound(bound))]


def _bound(bound: dict[str, Any]) -> list[str]:
    until = f", until {bound['until']}" if bound["until"] else ""
    lines = [f"  {Power(bound['limit_w'])} by {bound['code']}{until}: {bound['sentence']}"]
    if bound["without_w"] is not None:
        lines.append(f"    Without it: {Power(bound['without_w'])}. What would lift it: {bound['lift']}")
    return lines


def _flexibility(spans: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{_when(span)}: {Power(span['expected_w'])}, {Power(span['down_w'])} less or {Power(span['up_w'])} more "
        f"possible, {span['confidence']:.0%} sure."
        for span in spans
    ]


def _when(span: dict[str, Any]) -> str:
    return f"In {span['begin_s'] / 3600:.0f} h" if span["begin_s"] else "Now"
