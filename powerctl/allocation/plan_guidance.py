"""What the fast path takes from a plan. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from powerctl.allocation.plan_problem import Plan, PlanProblem, PlanSession, starts
from powerctl.core.ids import ConnectorId

_WAITS: Final = 0.5
"""A vehicle that the plan gives less than this part of its minimum waits."""
_MOMENT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Guidance:
    """What the fast path takes from the plan."""

    weights: Mapping[ConnectorId, float] = field(default_factory=dict)
    """Relative parts of what is free. Missing: 1."""
    paces: Mapping[ConnectorId, float] = field(default_factory=dict)
    """Watts DC that are enough for now; 0: it may wait. Missing: as much as there is."""
    waits: frozenset[ConnectorId] = frozenset()
    """Those that wait because their minimum is worth more to the other."""


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
