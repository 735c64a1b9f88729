"""What each connector could use: a session's wish as the fast path sees it, learnt from its reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from powerctl.core.clock import Monotonic
from powerctl.core.demand import ConnectorReport
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.session import ConnectorState, Flexibility
from powerctl.core.topology import ConnectorCapability
from powerctl.core.units import Voltage

ACTIVE: Final = frozenset({ConnectorState.STARTING, ConnectorState.CHARGING, ConnectorState.PAUSED})
"""States in which a session can use power."""

_LIVE_VOLTAGE: Final = Voltage(50.0)
"""Below this the output is off, and says nothing about what a current means in watts."""
_NOMINAL_VOLTAGE: Final = Voltage(400.0)
_NEVER: Final = Monotonic(0.0)


@dataclass(frozen=True, slots=True)
class DemandRules:
    """How fast a wish is believed."""

    release_after_s: float = 5.0
    """A vehicle that asks for less keeps its share for so long: requests dip while a session starts."""
    headroom_a: float = 2.0
    """Offered above the request, so that a vehicle that wants more can say so: it asks for no more than is on offer."""
    more_a: float = 1.0
    """A request within this of the offer means that the vehicle may want more. CHAdeMO requests whole amperes."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One session's bounds and standing, watts DC."""

    connector: ConnectorId
    session: SessionId | None
    min_w: float
    """Below this the session cannot run."""
    want_w: float
    """More than this it does not use; never below `min_w`."""
    flexibility: Flexibility
    plug_in_time: datetime | None
    priority: int = 0
    """A lower value is served first."""
    weight: float = 1.0
    """Relative part of what is free."""
    may_run: bool = True
    """False: it was paused a moment ago and waits before it may come back."""
    tapers: bool = False
    """True: `want_w` is the vehicle's own wish, not the connector's rating."""
    turns: int = 0
    """How often it has had its turn while another waited; who has had fewer is served first."""
    modules_w: float | None = None
    """What the modules behind the connector give. None: any amount."""
    guaranteed_w: float = 0.0
    """Reserved for it: others share what is above. At most what it wants counts."""
    guaranteed_until: datetime | None = None
    paced: bool = False
    """True: the plan takes its time; `want_w` is what it takes now."""
    yields: bool = False
    """True: it waits, because its minimum is worth more to the other."""
    survives_pause: bool = True
    """False: a pause is known to end the session of this vehicle."""
    need_wh: float | None = None
    """Until its battery is full. None: it does not tell."""

    @property
    def can_wait(self) -> bool:
        """True when it can be without power and go on later."""
        return self.flexibility is not Flexibility.FIRM and self.survives_pause


@dataclass(frozen=True, slots=True)
class Appetite:
    """What is remembered of one session's requests."""

    session: SessionId | None = None
    has_drawn: bool = False
    """True once the vehicle asked for power in this session; before that its request of zero says nothing."""
    more_at: Monotonic = _NEVER
    """When it last asked for all that was on offer."""
    peak_w: float = 0.0
    """Largest request of the last moments, watts DC."""
    peak_at: Monotonic = _NEVER
    want_w: float | None = None
    """The vehicle's own wish. None: it wants all it can get."""


def observed(appetite: Appetite, report: ConnectorReport, rules: DemandRules, now: Monotonic) -> Appetite:
    """`appetite` after one more report.

    A higher wish counts at once. A lower one counts when it has lasted, so that the other connector gets what this
    one leaves and loses it again within one report.
    """
    if report.session != appetite.session or report.state is not ConnectorState.CHARGING:
        return Appetite(session=report.session)
    target_w = report.target.w
    has_drawn = appetite.has_drawn or target_w > 0.0
    near_w = report.committed.w - rules.more_a * _watts_per_ampere(report)
    if not appetite.has_drawn or report.wants_more or target_w >= near_w:
        appetite = replace(appetite, has_drawn=has_drawn, more_at=now)
    if target_w >= appetite.peak_w or now - appetite.peak_at >= rules.release_after_s:
        appetite = replace(appetite, peak_w=target_w, peak_at=now)
    if now - appetite.more_at < rules.release_after_s:
        return replace(appetite, want_w=None)
    return replace(appetite, want_w=_wish(appetite, _watts_per_ampere(report), rules))


def _watts_per_ampere(report: ConnectorReport) -> float:
    return (report.voltage if report.voltage > _LIVE_VOLTAGE else _NOMINAL_VOLTAGE).v


def _wish(appetite: Appetite, ampere_w: float, rules: DemandRules) -> float:
    wish_w = appetite.peak_w + rules.headroom_a * ampere_w
    known_w = appetite.want_w
    return known_w if known_w is not None and known_w - ampere_w < wish_w <= known_w else wish_w


def demand_of(
    capability: ConnectorCapability, report: ConnectorReport, appetite: Appetite, *, priority: int = 0
) -> Demand | None:
    """The demand of one connector, or None when nothing there can use power."""
    if report.state not in ACTIVE:
        return None
    min_w = max(capability.min_power.w, report.min_power.w)
    most_w = max(min_w, min(capability.max_power.w, _known_maximum(report)))
    want_w = most_w if appetite.want_w is None else min(most_w, max(min_w, appetite.want_w))
    return Demand(
        connector=report.connector,
        session=report.session,
        min_w=min_w,
        want_w=want_w,
        flexibility=report.flexibility,
        plug_in_time=report.plug_in_time,
        priority=priority,
        tapers=want_w < most_w,
        survives_pause=report.pause_s != 0.0,
        need_wh=_need_wh(report),
    )


def _need_wh(report: ConnectorReport) -> float | None:
    if report.soc_percent is None or report.capacity is None:
        return None
    return report.capacity.wh * (1.0 - report.soc_percent / 100.0)


def _known_maximum(report: ConnectorReport) -> float:
    """The report's bound; a session that has not learnt it yet reports zero, which bounds nothing."""
    return report.max_power.w if report.max_power.w > 0.0 else float("inf")
