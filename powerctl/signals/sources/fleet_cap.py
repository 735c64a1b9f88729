"""Caps that the back end's fleet desk sets: with a begin, an end, a random return and a ramp. Pure.

A cap is one more contribution to the minimum, so that it can lift nothing. It ends by its own time when the back end
falls silent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.order import SetFleetCap
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals.arbitration import Contribution
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.source import Foreseen

MOST: Final = 32
"""Caps that are kept at once."""
SETTLE_S: Final = 5.0
LONGEST: Final = timedelta(days=2)
_RAMPS_FOR: Final = timedelta(minutes=30)
"""How long a ramp is kept to after the cap has gone."""


@dataclass(frozen=True, slots=True)
class FleetCap:
    """One cap and when this station comes back from it."""

    order: SetFleetCap
    fraction: float
    """Of the time to return within; drawn once."""

    @property
    def back_time(self) -> datetime:
        """When power may come back."""
        return self.order.end_time + timedelta(seconds=self.fraction * self.order.return_within_s)

    @property
    def over_time(self) -> datetime:
        """When nothing of it is left."""
        return self.back_time + (_RAMPS_FOR if self.order.ramp_up_w_s > 0.0 else timedelta())

    def holds(self, utc: datetime) -> bool:
        """True while it caps the station."""
        return (self.order.start_time is None or utc >= self.order.start_time) and utc < self.back_time


@dataclass(slots=True)
class FleetCaps:
    """The source."""

    caps: Mapping[str, FleetCap] = field(default_factory=dict)

    def set(self, order: SetFleetCap, fraction: float, utc: datetime) -> str:
        """Take a cap; the same dispatch again replaces the former one. Why not; empty: it is taken."""
        others = {name: cap for name, cap in self.caps.items() if name != order.dispatch and cap.over_time > utc}
        if order.end_time <= utc:
            return "The time of the limit is over."
        if order.end_time - utc > LONGEST or (order.start_time is not None and order.start_time >= order.end_time):
            return "A limit begins before it ends, and ends within two days."
        if len(others) >= MOST:
            return "The station keeps no more limits of the fleet desk."
        known = self.caps.get(order.dispatch)
        self.caps = {**others, order.dispatch: FleetCap(order, known.fraction if known else fraction)}
        return ""

    def end(self, dispatch: str, utc: datetime) -> None:
        """End a cap now; power comes back as after its time. An unknown one, or one that has ended, stays as it is."""
        known = self.caps.get(dispatch)
        if known is None or known.order.end_time <= utc:
            return
        begun = known.order.start_time is None or known.order.start_time <= utc
        rest = {name: cap for name, cap in self.caps.items() if name != dispatch}
        ended = {dispatch: replace(known, order=replace(known.order, end_time=utc))} if begun else {}
        self.caps = {**rest, **ended}

    def contributions(self, stamp: Stamp) -> Sequence[Contribution]:
        """What it asks for at this instant."""
        return [_contribution(cap, stamp.utc) for cap in self.caps.values() if _counts(cap, stamp.utc)]

    def deadline(self, stamp: Stamp) -> Monotonic | None:
        """When its contributions may change by time alone."""
        instants = [at for cap in self.caps.values() for at in _instants(cap) if at > stamp.utc]
        return after(stamp.now, (min(instants) - stamp.utc).total_seconds()) if instants else None

    def foreseen(self, utc: datetime) -> Foreseen:
        """What is known about `utc`."""
        return Foreseen(min((cap.order.cap for cap in self.caps.values() if cap.holds(utc)), default=None))


def _instants(cap: FleetCap) -> list[datetime]:
    start = cap.order.start_time
    return [*([start] if start is not None else []), cap.order.end_time, cap.back_time, cap.over_time]


def _counts(cap: FleetCap, utc: datetime) -> bool:
    begun = cap.order.start_time is None or utc >= cap.order.start_time
    return begun and utc < cap.over_time


def _contribution(cap: FleetCap, utc: datetime) -> Contribution:
    ramp = cap.order.ramp_up_w_s or None
    if not cap.holds(utc):
        return Contribution(LimitSource.AGGREGATOR, "Power returns on the fleet's ramp.", ramp_up_w_s=ramp)
    return Contribution(
        LimitSource.AGGREGATOR,
        _sentence(cap.order.cap, cap, utc),
        cap=cap.order.cap,
        settle_s=SETTLE_S,
        ramp_up_w_s=ramp,
        until=cap.order.end_time if utc < cap.order.end_time else cap.back_time,
    )


def _sentence(asked: Power, cap: FleetCap, utc: datetime) -> str:
    if utc >= cap.order.end_time:
        return "The fleet's limit was lifted; power comes back after a delay, so that not all stations return at once."
    return f"The fleet desk limits the station to {asked}."
