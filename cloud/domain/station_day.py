"""What a station sold on one day, from its live values as they are summed up by the quarter of an hour.

It informs; what is billed comes from the meter's registers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from cloud.domain.summary import QUARTER, Slot, Summary


@dataclass(frozen=True, slots=True)
class StationDay:
    """One day of one station."""

    day: date
    start: datetime
    end: datetime
    """Of the day in its time zone, not included: 23, 24 or 25 hours after the start."""
    energy_wh: float
    """DC, at the connectors."""
    sessions: int
    """In which energy flowed on this day; one over midnight counts on both."""
    power_max_w: float
    """DC, the highest of one connector. 0: nothing flowed."""
    utilisation: float
    """Part of the time so far in which a connector gave power, 0 to 1, over all connectors, by quarters of an hour."""


@dataclass(slots=True)
class _Sums:
    energy_wh: float = 0.0
    power_max_w: float = 0.0
    sessions: set[str] = field(default_factory=set)
    used: set[tuple[int, datetime]] = field(default_factory=set)


def bounds(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """First instant of `day` in `zone`, and of the day after."""
    begin, end = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    return begin.astimezone(UTC), end.astimezone(UTC)


def station_days(
    days: Iterable[date],
    quarters: Iterable[tuple[Slot, Summary]],
    before: Mapping[str, float],
    *,
    zone: tzinfo,
    connectors: int,
    now: datetime,
) -> list[StationDay]:
    """What was sold on each of `days`, in their order.

    Args:
        days: Dates in `zone`.
        quarters: All sums of sessions on those days, by the quarter of an hour, in the order of time.
        before: The registers of sessions that began before, at the beginning of the first day. Absent: 0.
        zone: Where a day begins at midnight.
        connectors: How many the station has.
        now: The present; a day that is not over is counted so far.
    """
    sums: dict[date, _Sums] = defaultdict(_Sums)
    registers = dict(before)
    for slot, summary in quarters:
        flowed = max(0.0, summary.energy_wh - registers.get(slot.session, 0.0))
        registers[slot.session] = max(summary.energy_wh, registers.get(slot.session, 0.0))
        if flowed or summary.power_max_w > 0:
            _add(sums[slot.start.astimezone(zone).date()], slot, summary, flowed)
    return [_summed(day, sums[day], zone, connectors, now) for day in days]


def _add(sums: _Sums, slot: Slot, summary: Summary, flowed: float) -> None:
    sums.energy_wh += flowed
    sums.power_max_w = max(sums.power_max_w, summary.power_max_w)
    sums.sessions.add(slot.session)
    sums.used.add((slot.connector, slot.start))


def _summed(day: date, sums: _Sums, zone: tzinfo, connectors: int, now: datetime) -> StationDay:
    start, end = bounds(day, zone)
    so_far = -((start - min(end, now)) // QUARTER)  # quarters of an hour, a begun one included
    possible = connectors * so_far
    utilisation = min(1.0, len(sums.used) / possible) if possible > 0 else 0.0
    return StationDay(day, start, end, sums.energy_wh, len(sums.sessions), sums.power_max_w, utilisation)
