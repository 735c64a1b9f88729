"""Looks at a plan with other eyes than those that made it. What is wrong with it is a sentence, or None."""

from __future__ import annotations

import math
from typing import Final

from powerctl.allocation.plan_problem import STEPS, Plan, PlanProblem, PlanSession

_TOLERANCE_W: Final = 1.0
_TOLERANCE_WH: Final = 1.0


def flaw(problem: PlanProblem, plan: Plan) -> str | None:
    """Why `plan` must not be used for `problem`; None when it may."""
    if set(plan.power_w) != {session.connector for session in problem.sessions}:
        return "it is about other connectors"
    for session in problem.sessions:
        reason = _session_flaw(problem, session, plan.power_w[session.connector])
        if reason is not None:
            return f"connector {session.connector}: {reason}"
    for step, (cap_w, *powers) in enumerate(zip(problem.cap_w, *plan.power_w.values(), strict=True)):
        if sum(powers) > cap_w + _TOLERANCE_W:
            return f"step {step} is above the cap"
    for bound in problem.bounds:
        rows = [(part, plan.power_w[c]) for c, part in bound.parts if c in plan.power_w]
        for step in range(STEPS):
            if sum(part * row[step] for part, row in rows) > bound.capacity_w + _TOLERANCE_W:
                return f"step {step} is above what a feeder carries"
    return _share_flaw(problem, plan)


def _share_flaw(problem: PlanProblem, plan: Plan) -> str | None:
    most_w = {session.connector: session.max_w for session in problem.sessions}
    for connector, watts in plan.share_w.items():
        if connector not in most_w:
            return "it divides among other connectors"
        if not (math.isfinite(watts) and -_TOLERANCE_W <= watts <= max(most_w[connector], problem.cap_w[0])):
            return f"connector {connector}: a share outside its bounds"
    if sum(plan.share_w.values()) > problem.cap_w[0] + _TOLERANCE_W:
        return "the shares are above the cap"
    return None


def _session_flaw(problem: PlanProblem, session: PlanSession, power_w: tuple[float, ...]) -> str | None:
    if len(power_w) != STEPS:
        return f"{len(power_w)} steps instead of {STEPS}"
    if not all(math.isfinite(watts) for watts in power_w):
        return "a power that is no number"
    if min(power_w) < -session.discharge_w - _TOLERANCE_W or max(power_w) > session.max_w + _TOLERANCE_W:
        return "a power outside its bounds"
    energy_wh = sum(watts * seconds / 3600.0 for watts, seconds in zip(power_w, problem.steps_s, strict=True))
    return "more energy than it can take" if energy_wh > session.need_wh * 1.001 + _TOLERANCE_WH else None
