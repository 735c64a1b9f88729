"""When the measured power complied with a lower cap: the last line of the evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from powerctl.allocation.budget import Budget
from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power

TOLERANCE = 0.02
TOLERANCE_W = 200.0
"""The meter's tolerance is the larger of both (architecture, rule 4)."""
GRACE_S = 1.0
"""Beyond the settle time, for the meter's own delay and the interval of reports."""


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
class Exceeded:
    """The measured power is above the cap although the settle time is over. Said once, until it complies again."""

    source: LimitSource
    cap: Power
    measured: Power
    after_s: float
    """Since the cap fell last."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is in force, and what has yet to be met."""

    cap: Power | None = None
    open: Curtailment | None = None
    newest: Curtailment | None = None
    """The last decrease, met or not. None: the cap has not fallen since it was lifted."""
    settle_s: float = 0.0
    exceeded: bool = False


def ordered(watch: Watch, budget: Budget, now: Monotonic) -> Watch:
    """`watch` under a new budget: a lower cap opens a curtailment, a lifted one closes it unmet."""
    if watch.cap is None or budget.cap < watch.cap:
        curtailment = Curtailment(budget.source, budget.cap, now)
        return Watch(budget.cap, curtailment, curtailment, budget.settle_s, watch.exceeded)
    if budget.cap > watch.cap:
        newest = None if watch.newest is None else replace(watch.newest, source=budget.source, cap=budget.cap)
        return Watch(budget.cap, None, newest, watch.settle_s)
    return watch


def measured(watch: Watch, power: Power, now: Monotonic) -> tuple[Watch, Complied | Exceeded | None]:
    """`watch` after one reading at the grid connection, and what it met or missed if it did."""
    if watch.newest is None:
        return watch, None
    newest, after_s = watch.newest, now - watch.newest.since
    if power.w > envelope_w(newest.cap.w):
        if watch.exceeded or after_s <= watch.settle_s + GRACE_S:
            return watch, None
        return replace(watch, exceeded=True), Exceeded(newest.source, newest.cap, power, after_s)
    met = None
    if watch.open is not None or watch.exceeded:
        met = Complied(newest.source, newest.cap, power, after_s)
    return replace(watch, open=None, exceeded=False), met
