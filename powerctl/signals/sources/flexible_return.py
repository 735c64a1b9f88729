"""How power comes back after the grid's limit was lifted: after a delay, a random delay, and on a ramp. Pure.

Model 703 carries the three times (ESDlyTms, ESRndTms, ESRmpTms). A decrease is never delayed, and the result is one
more cap, so that it can lift nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import ZERO_POWER, Power
from powerctl.signals.arbitration import Contribution

COMMANDED: Final = frozenset(
    {
        LimitSource.DSO,
        LimitSource.EMS,
        LimitSource.AGGREGATOR,
        LimitSource.OPERATOR,
        LimitSource.LOCAL_CONTACT,
        LimitSource.SCHEDULE,
        LimitSource.FAILSAFE,
        LimitSource.EMERGENCY,
    }
)
"""Limits that many stations get at once, so that their return must be spread. A meter's or a frequency's must not wait:
they have returns of their own."""


@dataclass(frozen=True, slots=True)
class ReturnRules:
    """The times of model 703, seconds."""

    delay_s: float = 0.0
    random_s: float = 0.0
    """Bound of a uniformly distributed delay on top."""
    ramp_s: float = 0.0
    """From nothing to the rating; 0: the station's own ramp."""


@dataclass(frozen=True, slots=True)
class Return:
    """Where the return stands."""

    level: Power
    """What the sources permit as far as it has come back; the rating when nothing limits."""
    goal: Power
    """What they permit now."""
    resume_at: Monotonic | None = None
    """When `level` follows `goal` upwards. None: they are equal."""


def commanded(rating: Power, contributions: Iterable[Contribution]) -> Power:
    """The minimum over the limits whose return is spread, at most `rating`."""
    caps = [ZERO_POWER if c.command is not Command.RUN else c.cap for c in contributions if c.source in COMMANDED]
    return max(ZERO_POWER, min([rating, *(cap for cap in caps if cap is not None)]))


def followed(state: Return, goal: Power, rules: ReturnRules, fraction: float, now: Monotonic) -> Return:
    """`state` moved towards `goal`: down at once, up when the delay is over.

    Args:
        fraction: Uniformly distributed from 0 to 1; drawn anew for each call, used when a delay begins.
    """
    if state.resume_at is not None and now >= state.resume_at:
        state = Return(state.goal, state.goal)
    if goal <= state.level:
        return Return(goal, goal)
    if state.resume_at is not None:
        return replace(state, goal=goal)
    wait_s = rules.delay_s + fraction * rules.random_s
    return Return(goal, goal) if wait_s <= 0.0 else Return(state.level, goal, after(now, wait_s))


def contributions(state: Return, rating: Power, rules: ReturnRules, now: Monotonic) -> list[Contribution]:
    """The cap while the delay runs, and the ramp that holds at all times."""
    ramp = rating.w / rules.ramp_s if rules.ramp_s > 0 else None
    if state.resume_at is not None and now < state.resume_at:
        detail = "The grid's limit was lifted; power comes back after a delay, so that not all stations return at once."
        return [Contribution(LimitSource.RAMP, detail, cap=state.level, ramp_up_w_s=ramp)]
    return [] if ramp is None else [Contribution(LimitSource.RAMP, "Power returns on a ramp.", ramp_up_w_s=ramp)]
