"""Dynamic load management: the station takes what the rest of the site leaves of the grid connection. Pure.

The grid meter sees everything behind the connection, the station included. What is not the station is the rest; what
the connection carries less the rest is the station's. While the meter is stale, the rest counts as its commissioned
worst case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.demand import StationReport
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import ZERO_POWER, Power
from powerctl.signals.arbitration import Contribution
from powerctl.signals.mailbox import Stamp

STEP_W: Final = 100.0
"""The cap moves in steps, downwards rounded, so that a meter's noise does not become setpoints."""
KEPT_S: Final = 10.0
"""How long the station's own measurements are kept to be matched with the meter's."""


@dataclass(frozen=True, slots=True)
class MeterReading:
    """The grid meter at one instant; positive is drawn from the grid."""

    power: Power
    currents_a: tuple[float, float, float] | None = None
    """Of the three phases, amperes. None: the meter does not tell."""
    frequency_hz: float | None = None


@dataclass(frozen=True, slots=True)
class SiteRules:
    """What is commissioned about the connection point."""

    limit: Power
    """What the connection carries, AC."""
    others_max: Power
    """The most that everything else behind the meter can draw: counts while the meter is stale."""
    fuse_a: float | None = None
    """Per phase, amperes. None: only the power is watched."""
    voltage_v: float = 230.0
    """Between a phase and neutral."""
    margin: Power = ZERO_POWER
    """Kept free at all times."""
    stale_s: float = 10.0
    settle_s: float = 2.0
    """A fuse carries a little too much for far longer."""
    rise_after_s: float = 10.0
    """More power is taken only after the rest was lower for so long."""


@dataclass(frozen=True, slots=True)
class Site:
    """What is known about the connection point."""

    rules: SiteRules
    room: tuple[tuple[Monotonic, float], ...] = ()
    """What was free for the station, watts, oldest first, over the last `rise_after_s`."""
    own: tuple[tuple[Monotonic, float], ...] = ()
    """What the station drew, watts, oldest first, over the last `KEPT_S`."""

    @property
    def read_at(self) -> Monotonic | None:
        """The newest reading. None: there was none."""
        return self.room[-1][0] if self.room else None


def drew(site: Site, power: Power, now: Monotonic) -> Site:
    """The site after a measurement of the station's own power."""
    kept = tuple(pair for pair in site.own if now - pair[0] <= KEPT_S)
    return replace(site, own=(*kept, (now, max(0.0, power.w))))


def metered(site: Site, reading: MeterReading, now: Monotonic) -> Site:
    """The site after a reading of the grid meter that was taken at `now`."""
    free_w = _free(site, reading, now)
    fresh = () if stale(site, now) else site.room
    kept = tuple(pair for pair in fresh if now - pair[0] < site.rules.rise_after_s)
    return replace(site, room=(*kept, (now, free_w)))


def _free(site: Site, reading: MeterReading, now: Monotonic) -> float:
    """Watts that the connection leaves to the station. What the station draws unmeasured counts as others."""
    rules, own_w = site.rules, _own(site, now)
    free_w = rules.limit.w - rules.margin.w - (reading.power.w - own_w)
    if rules.fuse_a is None or reading.currents_a is None:
        return free_w
    own_a = own_w / (3 * rules.voltage_v)
    spare_a = rules.fuse_a - max(abs(amperes) - own_a for amperes in reading.currents_a)
    return min(free_w, 3 * rules.voltage_v * spare_a - rules.margin.w)


def _own(site: Site, now: Monotonic) -> float:
    """What the station drew at the instant of the reading: its nearest measurement; zero if there is none."""
    recent = [pair for pair in site.own if now - pair[0] <= KEPT_S]
    return min(recent, key=lambda pair: abs(now - pair[0]))[1] if recent else 0.0


def stale(site: Site, now: Monotonic) -> bool:
    """True if the meter has been silent for too long, or has never spoken."""
    return site.read_at is None or now - site.read_at >= site.rules.stale_s


def cap_of(site: Site, now: Monotonic) -> Power:
    """What the station may draw so that the connection is not overloaded, never negative."""
    if stale(site, now):
        return max(ZERO_POWER, site.rules.limit - site.rules.margin - site.rules.others_max)
    free_w = min(free for _, free in site.room)
    return Power(max(0.0, math.floor(free_w / STEP_W) * STEP_W))


class SiteSource:
    """The connection point as a source.

    Args:
        rules: As commissioned.
        rating: Of the station; a cap above it is none.
    """

    def __init__(self, rules: SiteRules, rating: Power) -> None:
        self._site = Site(rules)
        self._rating = rating

    def reported(self, report: StationReport, now: Monotonic) -> None:
        """Take what the station draws."""
        if report.ac_power is not None:
            self._site = drew(self._site, report.ac_power, now)

    def metered(self, reading: MeterReading, now: Monotonic) -> None:
        """Take a reading of the grid meter."""
        self._site = metered(self._site, reading, now)

    def contributions(self, stamp: Stamp) -> Sequence[Contribution]:
        """At most one."""
        cap = cap_of(self._site, stamp.now)
        if cap >= self._rating:
            return ()
        if stale(self._site, stamp.now):
            detail = f"The grid meter is silent: {cap} is what the connection surely has left."
            return (Contribution(LimitSource.FAILSAFE, detail, cap=cap, settle_s=self._site.rules.settle_s),)
        detail = f"The other loads at the site leave {cap} of the grid connection."
        return (Contribution(LimitSource.SITE_METER, detail, cap=cap, settle_s=self._site.rules.settle_s),)

    def deadline(self, stamp: Stamp) -> Monotonic | None:
        """When the newest reading becomes stale."""
        if self._site.read_at is None or stale(self._site, stamp.now):
            return None
        return after(self._site.read_at, self._site.rules.stale_s)
