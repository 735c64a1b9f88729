"""From the present situation to the plan's question, and from its answer to weights. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final

from powerctl.allocation.budget import Budget
from powerctl.allocation.demand import ACTIVE
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.plan_problem import STEPS_S, Plan, PlanProblem, PlanSession
from powerctl.allocation.stay import remaining_stay_s
from powerctl.core.demand import ConnectorReport
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Power

_STARTS_S: Final = (0.0, *accumulate(STEPS_S))[:-1]
_TYPICAL_CAPACITY_WH: Final = 38_000.0
"""Usable energy of the commonest CHAdeMO car (Leaf 40), for a vehicle that does not tell."""
_TYPICAL_SOC: Final = 50.0
_TAPER_FROM: Final = 0.12
"""Part of the capacity that is left when the power begins to fall (a Leaf 40 at 22 kW: from 89 per cent)."""
_LEAST_NEED_WH: Final = 50.0
_LEAST_WEIGHT: Final = 0.5
"""A predicted stay is a guess; it must not starve the other vehicle."""
_WEIGHT_STEP: Final = 0.05
"""Coarse, so that a new plan that says nearly the same moves nothing."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the grid announced for one step."""

    cap: Power | None = None
    """AC at the grid connection. None: no limit is known."""
    price: float | None = None
    """Per kilowatt hour. None: not known."""


def starts(utc: datetime) -> tuple[datetime, ...]:
    """When each step of a plan begins that is asked for at `utc`."""
    return tuple(utc + timedelta(seconds=start_s) for start_s in _STARTS_S)


def problem_of(
    budget: Budget,
    rating: Power,
    conversion: Conversion,
    reports: Iterable[ConnectorReport],
    utc: datetime,
    ahead: Sequence[Ahead] = (),
) -> PlanProblem | None:
    """The question at this moment, or None when fewer than two vehicles compete.

    Args:
        ahead: One per step of `starts(utc)`, or nothing.
    """
    active = sorted((r for r in reports if r.state in ACTIVE), key=lambda report: report.connector)
    sessions = tuple(_session(report, rating, utc) for report in active)
    if len(sessions) < 2:
        return None
    return PlanProblem(_caps(budget, rating, conversion, utc, ahead), sessions, _prices(ahead))


def _prices(ahead: Sequence[Ahead]) -> tuple[float, ...] | None:
    """Per step; what is not known counts as the mean of what is."""
    known = [step.price for step in ahead if step.price is not None]
    if not known:
        return None
    mean = sum(known) / len(known)
    return tuple(mean if step.price is None else step.price for step in ahead)


def _caps(
    budget: Budget, rating: Power, conversion: Conversion, utc: datetime, ahead: Sequence[Ahead]
) -> tuple[float, ...]:
    """Watts DC per step: what is in force holds until it is known to end, what is announced from its step on."""
    sources = [(limit.limit.w, limit.until) for limit in budget.sources] or [(budget.cap.w, budget.until)]
    caps = []
    announced = [step.cap for step in ahead] or [None] * len(_STARTS_S)
    for instant, known in zip(starts(utc), announced, strict=True):
        cap_w = min([rating.w, *(watts for watts, until in sources if until is None or instant < until)])
        cap_w = cap_w if known is None else min(cap_w, max(0.0, known.w))
        caps.append(conversion.dc_w(conversion.usable_w(cap_w)))
    return tuple(caps)


def _session(report: ConnectorReport, rating: Power, utc: datetime) -> PlanSession:
    capacity_wh = report.capacity.wh if report.capacity is not None else _TYPICAL_CAPACITY_WH
    soc = report.soc_percent if report.soc_percent is not None else _TYPICAL_SOC
    need_wh = max(_LEAST_NEED_WH, capacity_wh * (1.0 - soc / 100.0))
    max_w = report.max_power.w if report.max_power.w > 0.0 else rating.w
    elapsed_s = (utc - report.plug_in_time).total_seconds() if report.plug_in_time is not None else 0.0
    return PlanSession(
        connector=report.connector,
        need_wh=need_wh,
        max_w=max_w,
        stay_s=remaining_stay_s(need_wh, report.session_energy.wh, max(0.0, elapsed_s)),
        taper_per_h=max_w / (_TAPER_FROM * capacity_wh) if capacity_wh > 0.0 else None,
    )


def weights_of(plan: Plan, age_s: float) -> Mapping[ConnectorId, float]:
    """Relative parts of what is free at `age_s` seconds into the plan; empty when it says nothing about that time."""
    step = max((number for number, start_s in enumerate(_STARTS_S) if start_s <= age_s), default=None)
    if step is None or age_s >= _STARTS_S[-1]:
        return {}
    power_w = {connector: row[step] for connector, row in plan.power_w.items()}
    most_w = max(power_w.values(), default=0.0)
    if most_w <= 0.0:
        return {}
    return {ConnectorId(connector): _weight(watts / most_w) for connector, watts in power_w.items()}


def _weight(part: float) -> float:
    return max(_LEAST_WEIGHT, round(part / _WEIGHT_STEP) * _WEIGHT_STEP)
