"""Available current while charging: what is announced in 108.3, what the output may carry, and what is promised.

No public text gives a permitted rate for 108.3. These eight rules satisfy every capture and every report known
(osx, cdrs, jdemo and JLD505 kits; captures of Leafs at Indra, GeniePoint and others):

1. The output is the least of request, 108.3, power over voltage and ratings, in every cycle; it rises at 20 A/s.
2. Lower 108.3 first, at 10 A/s until the vehicle has shown that it follows a steeper slope; urgent decreases step.
3. Raise 108.3 at 20 A/s at most.
4. Report the measured current, unfiltered.
5. Between zero and the larger of the vehicle's and the power stage's minimum nothing is announced: it is zero then.
6. A request above 108.3 is clamped and no reason to end the session.
7. Announce what the connector can really give from the first frame on.
8. For a vehicle that cannot take a change, keep 108.3 until the power stage has to be clamped.

Numeric kernel: plain floats with the unit as suffix.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from edge.chademo.timing import PERIOD_S
from powerctl.core.clock import Monotonic

HOLD_SHARE: Final = 0.97
"""A minimum counts as met from this share on: voltage drifts while a limit stands."""
MODULE_FALL_A_S: Final = 100.0
"""A power stage falls at least so fast (architecture, rule 4)."""
LEAD_S: Final = 1.5 * PERIOD_S
"""A clamp leaves this much early: the next tick may come late."""
_MAX_DUES: Final = 8
_TINY: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Due:
    """The output must be at or below `limit_w` from `by` on."""

    limit_w: float
    by: Monotonic


@dataclass(frozen=True, slots=True)
class Ramp:
    """Where a connector is on its way from one offer to the next."""

    limit_w: float
    """The offer in force."""
    ceiling_w: float
    """What the output does not exceed from now on: never rises without a higher offer, falls along the ramp."""
    available_a: float
    dues: tuple[Due, ...] = ()
    """Decreases that have not settled; the earliest first."""

    @property
    def announced_a(self) -> int:
        """108.3: whole amperes, rounded up so that no power on offer is lost; the output is clamped to the watt."""
        return min(255, math.ceil(self.available_a - _TINY))


START: Final = Ramp(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the connector and the vehicle allow at one instant."""

    voltage_v: float
    """At which the power flows; above zero."""
    max_a: float
    floor_a: float
    request_a: float
    lower_a_s: float
    raise_a_s: float
    hold_min: bool = False
    """Announce the floor, whatever more is on offer."""
    dynamic: bool = True
    """False: the vehicle takes no change (rule 8)."""


def offered(ramp: Ramp, limit_w: float, settle_by: Monotonic | None, now: Monotonic) -> Ramp:
    """The ramp under a new offer.

    A decrease that is under way keeps its deadline: neither a renewal nor a further change puts it off.
    """
    if limit_w >= ramp.ceiling_w or settle_by is None or settle_by <= now:
        return replace(ramp, limit_w=limit_w, ceiling_w=limit_w, dues=())
    dues = [Due(max(due.limit_w, limit_w), due.by) for due in ramp.dues]
    return replace(ramp, limit_w=limit_w, dues=_sorted(dues, Due(limit_w, settle_by)))


def _sorted(dues: list[Due], newest: Due) -> tuple[Due, ...]:
    kept: list[Due] = []
    for due in sorted([*dues, newest], key=lambda due: (due.by, due.limit_w)):
        if not kept or due.limit_w < kept[-1].limit_w:
            kept.append(due)
    return tuple(kept) if len(kept) <= _MAX_DUES else (Due(newest.limit_w, kept[0].by),)


def wanted_a(limit_w: float, bounds: Bounds) -> float:
    """The available current that `limit_w` stands for: zero, or from the floor to the rating."""
    current_a = min(bounds.max_a, limit_w / bounds.voltage_v)
    if current_a < bounds.floor_a * HOLD_SHARE:
        return 0.0
    return min(current_a, bounds.floor_a) if bounds.hold_min else current_a


def resting(ramp: Ramp, bounds: Bounds) -> Ramp:
    """The ramp while no current flows: it is where the offer says."""
    return Ramp(ramp.limit_w, ramp.limit_w, wanted_a(ramp.limit_w, bounds))


def stepped(ramp: Ramp, bounds: Bounds, now: Monotonic, dt_s: float) -> Ramp:
    """The ramp `dt_s` later, in charging."""
    ceiling_w = min([ramp.ceiling_w, *(due.limit_w for due in ramp.dues if _is_due(ramp, due, bounds, now))])
    wanted = wanted_a(ramp.limit_w, bounds)
    available_a = min(_moved(ramp.available_a, wanted, bounds, dt_s), ceiling_w / bounds.voltage_v)
    ceiling_w = max(ramp.limit_w, min(ceiling_w, available_a * bounds.voltage_v))
    dues = tuple(due for due in ramp.dues if due.limit_w < ceiling_w)
    return Ramp(ramp.limit_w, ceiling_w, max(0.0, available_a), dues)


def _is_due(ramp: Ramp, due: Due, bounds: Bounds, now: Monotonic) -> bool:
    """True when waiting for a further tick would let the output settle too late."""
    fall_s = (ramp.ceiling_w - due.limit_w) / bounds.voltage_v / MODULE_FALL_A_S
    return now >= due.by - LEAD_S - fall_s


def _moved(available_a: float, wanted: float, bounds: Bounds, dt_s: float) -> float:
    if not bounds.dynamic:
        return available_a
    if wanted >= available_a:
        return min(wanted, available_a + bounds.raise_a_s * dt_s)
    # A vehicle that asks for less than was announced does not notice the announcement fall to its request.
    return max(wanted, min(available_a, max(bounds.request_a, wanted)) - bounds.lower_a_s * dt_s)


def kicked(ramp: Ramp, bounds: Bounds, now: Monotonic, *, was_falling: bool) -> Ramp:
    """The ramp right after an offer: a decrease shows in the very next frame."""
    if wanted_a(ramp.limit_w, bounds) >= ramp.available_a:
        return ramp
    return stepped(ramp, bounds, now, 0.0 if was_falling else PERIOD_S)


def output_a(ramp: Ramp, bounds: Bounds) -> float:
    """The most that the output may carry now (rule 1)."""
    return max(0.0, min(bounds.request_a, ramp.announced_a, bounds.max_a, ramp.ceiling_w / bounds.voltage_v))
