"""When the measured power complied with a lower cap: the last line of the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from powerctl.allocation.budget import Budget
from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power

TOLERANCE = 0.02
TOLERANCE_W = 200.0
"""The meter's tolerance is the larger of both (architecture, rule 4)."""


def envelope_w(cap_w: float) -> float:
    """Watts AC at the meter that count as not above `cap_w`."""
    return cap_w + max(TOLERANCE * cap_w, TOLERANCE_W)


@dataclass(frozen=True, slots=True)
class Curtailment:
    """A lower cap that the measured power has yet to meet."""

    source: LimitSource
    cap: Power
    since: Monotonic


@dataclass(frozen=True, slots=True)
class Complied:
    """The measured power met the cap for the first time."""

    source: LimitSource
    cap: Power
    measured: Power
    after_s: float


@dataclass(frozen=True, slots=True)
class Watch:
    """What is in force, and what has yet to be met."""

    cap: Power | None = None
    open: Curtailment | None = None


def ordered(watch: Watch, budget: Budget, now: Monotonic) -> Watch:
    """`watch` under a new budget: a lower cap opens a curtailment, a lifted one closes it unmet."""
    if watch.cap is None or budget.cap < watch.cap:
        return Watch(budget.cap, Curtailment(budget.source, budget.cap, now))
    if budget.cap > watch.cap:
        return Watch(budget.cap)
    return watch


def measured(watch: Watch, power: Power, now: Monotonic) -> tuple[Watch, Complied | None]:
    """`watch` after one reading at the grid connection, and what it met if it did."""
    if watch.open is None or power.w > envelope_w(watch.open.cap.w):
        return watch, None
    met = Complied(watch.open.source, watch.open.cap, power, now - watch.open.since)
    return Watch(watch.cap), met
