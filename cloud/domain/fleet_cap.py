"""A limit for a group of stations: each one's part, and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cloud.domain.location import Station
from cloud.domain.refusal import Refusal, Why
from powerctl.core.ids import StationId
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power

LONGEST: Final = timedelta(days=1)
FURTHEST: Final = timedelta(days=1)
"""How far ahead one may begin."""
MOST_STATIONS: Final = 1_000
"""Of one dispatch; a larger fleet is dispatched in parts."""
RETURN_WITHIN: Final = timedelta(minutes=10)
"""Where nothing else is said (UK SI 2021/1467, regulation 11: up to ten minutes by default)."""
LONGEST_RETURN: Final = timedelta(minutes=30)
FLEET_RAMP_W_PER_MINUTE: Final = 1_000_000.0
"""What all stations together may rise at most, whoever asks and in however many dispatches."""
BACK_WITHIN: Final = timedelta(minutes=30)
"""A station keeps to a dispatch's ramp for so long after it, so a ramp must be enough to be back by then."""


class FleetCapState(StrEnum):
    """Where a dispatch is."""

    PENDING = "pending"
    """Begins later."""
    ACTIVE = "active"
    ENDED = "ended"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class FleetCap:
    """A dispatch as it was asked and divided."""

    id: str
    user: str
    cap_w: float
    """AC, of all stations together."""
    parts_w: Mapping[str, float]
    """By station."""
    start_time: datetime
    end_time: datetime
    return_within_s: float
    ramp_up_w_per_minute: float
    """Of all of them together."""
    create_time: datetime
    reason: str = ""
    commands: Mapping[str, str] | None = None
    """The command that each station was sent, by station."""
    cancel_time: datetime | None = None

    def state(self, now: datetime) -> FleetCapState:
        """Where it is at `now`."""
        if self.cancel_time is not None:
            return FleetCapState.CANCELED
        if now < self.start_time:
            return FleetCapState.PENDING
        return FleetCapState.ACTIVE if now < self.end_time else FleetCapState.ENDED


def rating_w(station: Station) -> float:
    """What the station's grid connection carries, AC; zero: not known."""
    sources = station.limits.sources if station.limits is not None else ()
    known = [one.limit.w for one in sources if one.source is LimitSource.HARDWARE]
    return min(known, default=0.0)


@dataclass(frozen=True, slots=True)
class Flexibility:
    """What a station can do now, watts AC."""

    rating_w: float
    down_w: float
    up_w: float


def flexibility(station: Station) -> Flexibility:
    """What `station` can shed and take up, as it says itself, else as its live values have it.

    Zero where it is not online or has not measured.
    """
    rating = rating_w(station)
    if not station.online or station.ac_power is None:
        return Flexibility(rating, 0.0, 0.0)
    told = station.limits.flexibility[0] if station.limits is not None and station.limits.flexibility else None
    if told is not None and told.down_ac_w is not None and told.up_ac_w is not None:
        return Flexibility(rating, told.down_ac_w, told.up_ac_w)
    wanted_w = sum(
        max(one.live.power.w, one.live.target.w)
        for one in station.connectors
        if one.live is not None and one.live.session is not None
    )
    cap = station.limits.cap.w if station.limits is not None else 0.0
    drawn_w = max(0.0, station.ac_power.w)
    return Flexibility(rating, drawn_w, max(0.0, min(wanted_w, cap) - drawn_w))


def parts_of(cap: Power, stations: Sequence[Station]) -> dict[StationId, float]:
    """`cap` in parts, in proportion to the ratings; together never more than `cap`.

    Raises:
        Refusal: There is no station that has said what it is built for.
    """
    if len(stations) > MOST_STATIONS:
        raise Refusal(Why.INVALID_ARGUMENT, f"At most {MOST_STATIONS} stations at once.")
    ratings = {station.id: rating_w(station) for station in stations}
    unknown = sorted(name for name, rating in ratings.items() if rating <= 0.0)
    if unknown or not ratings:
        which = f"station {unknown[0]} has not said what it is built for" if unknown else "no station is online"
        raise Refusal(Why.FAILED_PRECONDITION, f"The limit cannot be divided: {which}.")
    total = sum(ratings.values())
    return {name: min(rating, cap.w * rating / total) for name, rating in ratings.items()}


@dataclass(frozen=True, slots=True)
class Fleet:
    """All stations that this cloud knows."""

    stations: int
    rating_w: float
    """AC, of all of them that have said what they are built for."""

    @property
    def ramp_w_per_minute(self) -> float:
        """What all of them together may rise at most; a fleet above thirty megawatts is back in half an hour."""
        return max(FLEET_RAMP_W_PER_MINUTE, _least_ramp(self.rating_w))


def _least_ramp(rating_w: float) -> float:
    """Watts per minute that bring so much back in time."""
    return rating_w / (BACK_WITHIN.total_seconds() / 60.0)


def ramps_of(asked_w_per_minute: float, stations: Sequence[Station], fleet: Fleet) -> dict[StationId, float]:
    """How fast each station may rise, in watts per second.

    Each gets its part of what was asked, and never more than its part of what the whole fleet may: whatever other
    dispatches end at the same time, the fleet keeps to its ramp.

    Raises:
        Refusal: The ramp is too fast for the fleet, or too slow to be back in time.
    """
    if not 0.0 < asked_w_per_minute <= fleet.ramp_w_per_minute:
        raise Refusal(Why.INVALID_ARGUMENT, f"ramp_up_w_per_minute must be at most {fleet.ramp_w_per_minute:.0f}.")
    total_w = sum(map(rating_w, stations))
    if asked_w_per_minute < _least_ramp(total_w):
        raise Refusal(
            Why.INVALID_ARGUMENT,
            f"ramp_up_w_per_minute must be at least {_least_ramp(total_w):.0f}, to be back within {BACK_WITHIN}.",
        )
    per_w = min(asked_w_per_minute / total_w, fleet.ramp_w_per_minute / max(fleet.rating_w, total_w)) / 60.0
    return {station.id: per_w * rating_w(station) for station in stations}


def require_sensible(cap: FleetCap, now: datetime) -> None:
    """Return when the dispatch may be given. Raises Refusal: INVALID_ARGUMENT."""
    if not 0.0 <= cap.cap_w <= 1e9:
        raise Refusal(Why.INVALID_ARGUMENT, "cap_w must be a number of watts, zero or above.")
    if not now - timedelta(minutes=1) <= cap.start_time <= now + FURTHEST:
        raise Refusal(Why.INVALID_ARGUMENT, f"A limit begins now or within {FURTHEST}.")
    if not cap.start_time < cap.end_time <= cap.start_time + LONGEST or cap.end_time <= now:
        raise Refusal(Why.INVALID_ARGUMENT, f"A limit ends after it begins, and within {LONGEST}.")
    if not 0.0 <= cap.return_within_s <= LONGEST_RETURN.total_seconds():
        raise Refusal(Why.INVALID_ARGUMENT, f"return_within must be 0 to {LONGEST_RETURN}.")
