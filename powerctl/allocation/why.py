"""A decision explained: for each bound its code, its sentence, the power without it, and what would lift it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from powerctl.allocation.situation import Decision
from powerctl.core.setpoint import Limit, LimitSource

LIFTS: Final[Mapping[LimitSource, str]] = {
    LimitSource.HARDWARE: "Nothing: it is what the equipment is rated for.",
    LimitSource.CABLE: "A higher battery voltage, or a cable for more current.",
    LimitSource.MODULES: "A module that the other connector gives back, or a repair.",
    LimitSource.THERMAL: "Cooling: the equipment protects itself.",
    LimitSource.VEHICLE: "The vehicle asking for more.",
    LimitSource.SHARE: "The other vehicle taking less or leaving.",
    LimitSource.DSO: "The grid operator raising or releasing its limit.",
    LimitSource.EMS: "The site's energy manager raising or releasing its limit.",
    LimitSource.AGGREGATOR: "The aggregator raising or releasing its limit.",
    LimitSource.OPERATOR: "The operator raising or releasing the limit.",
    LimitSource.LOCAL_CONTACT: "The contact at the digital input opening.",
    LimitSource.FREQUENCY: "The frequency of the grid recovering.",
    LimitSource.SCHEDULE: "The end of the scheduled limit.",
    LimitSource.FAILSAFE: "A grid source that speaks again.",
    LimitSource.FALLBACK: "The energy manager reaching the charging controller again.",
    LimitSource.RAMP: "A few seconds.",
    LimitSource.HANDOVER: "The other connector confirming that it has come down, a second or two.",
    LimitSource.PLAN: "The next plan, within a minute; or an operator who switches the plan or its prices off.",
    LimitSource.SITE_METER: "Less load behind the same connection point.",
    LimitSource.EMERGENCY: "Whoever raised the emergency releasing it.",
    LimitSource.FAULT: "The fault clearing, or an operator who releases it.",
}
"""What would lift a bound, by who set it."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One link of the chain."""

    code: str
    sentence: str
    limit_w: float
    until: datetime | None
    without_w: float | None
    """What the next bound would leave if this one were gone. None: it does not bind, or nothing is known behind it."""
    lift: str


def why(decision: Decision) -> tuple[Bound, ...]:
    """The chain of a decision, the one that binds first."""
    return tuple(
        Bound(
            code=limit.source.value,
            sentence=limit.detail,
            limit_w=limit.limit.w,
            until=limit.until,
            without_w=_without(decision.reasons, number),
            lift=LIFTS[limit.source],
        )
        for number, limit in enumerate(decision.reasons)
    )


def _without(chain: Sequence[Limit], number: int) -> float | None:
    """Only the first link binds; another one's absence would change nothing."""
    return chain[1].limit.w if number == 0 and len(chain) > 1 else None


def as_json(decision: Decision) -> dict[str, Any]:
    """One connector's decision and its chain."""
    return {
        "connector": int(decision.connector),
        "command": decision.command.value,
        "limit_w": decision.limit.w,
        "bounds": [
            {
                "code": bound.code,
                "sentence": bound.sentence,
                "limit_w": bound.limit_w,
                "until": bound.until.isoformat() if bound.until is not None else None,
                "without_w": bound.without_w,
                "lift": bound.lift,
            }
            for bound in why(decision)
        ],
    }
