"""What gives way where a plan cannot have everything: whose need, by how much, and to which constraint. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from powerctl.allocation.plan_problem import Plan, PlanProblem, PlanSession, starts

_NOTICEABLE_WH: Final = 50.0
_NOTICEABLE: Final = 0.01
"""Part of a need below which nothing is said."""


class Cause(StrEnum):
    """The constraint that the need gives way to."""

    STAY = "stay"
    """Even at its full power it leaves too soon."""
    CAP = "cap"
    """Alone under the cap it would not get it either."""
    SHARING = "sharing"
    """The other vehicles take part of what it needs."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A need that is not met by the time the vehicle is expected to leave."""

    connector: int
    missing_wh: float
    cause: Cause

    @property
    def sentence(self) -> str:
        """For a person."""
        lacks = f"Connector {self.connector} is planned to lack {self.missing_wh / 1000.0:.1f} kWh when it leaves: "
        return lacks + _BECAUSE[self.cause]


_BECAUSE: Final = {
    Cause.STAY: "its stay is too short, even at its full power.",
    Cause.CAP: "the station's limit leaves too little, even for it alone.",
    Cause.SHARING: "the power is shared with others who need it too.",
}


def shortfalls(problem: PlanProblem, plan: Plan) -> tuple[Shortfall, ...]:
    """Every need that gives way in `plan`, by connector; empty when all are met. Stays that are guessed say nothing."""
    known = (session for session in problem.sessions if session.confident)
    found = (_shortfall(problem, plan, session) for session in known)
    return tuple(one for one in found if one is not None)


def _shortfall(problem: PlanProblem, plan: Plan, session: PlanSession) -> Shortfall | None:
    hours = [seconds / 3600.0 for seconds in problem.steps_s]
    planned_wh = sum(watts * hour for watts, hour in zip(plan.power_w[session.connector], hours, strict=True))
    missing_wh = session.need_wh - planned_wh
    if missing_wh <= max(_NOTICEABLE_WH, _NOTICEABLE * session.need_wh):
        return None
    full_wh, capped_wh = _reachable(problem, session)
    enough_wh = session.need_wh - _NOTICEABLE_WH
    cause = Cause.STAY if full_wh < enough_wh else Cause.CAP if capped_wh < enough_wh else Cause.SHARING
    return Shortfall(session.connector, missing_wh, cause)


def _reachable(problem: PlanProblem, session: PlanSession) -> tuple[float, float]:
    """Watt hours in its stay at full power, and alone under the cap; without the taper, which only lowers both."""
    full_wh = capped_wh = 0.0
    leaves_s = session.from_s + session.stay_s
    for begin, length, cap_w in zip(starts(problem.steps_s), problem.steps_s, problem.cap_w, strict=True):
        here_h = max(0.0, min(leaves_s, begin + length) - max(session.from_s, begin)) / 3600.0
        full_wh += session.max_w * here_h
        capped_wh += min(session.max_w, cap_w) * here_h
    return full_wh, capped_wh
