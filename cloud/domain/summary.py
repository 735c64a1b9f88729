"""What a station's connectors did in a minute, a quarter of an hour or an hour, summed up so that sums can be added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from powerctl.core.ids import StationId
from powerctl.core.record import Body, Telemetry

WHOLE_STATION: Final = 0
"""Stands in the place of a connector's number for the station at its grid connection."""
MINUTE: Final = timedelta(minutes=1)
QUARTER: Final = timedelta(minutes=15)
HOUR: Final = timedelta(hours=1)
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Sample(NamedTuple):
    """What one report says of a connector, DC, or of the whole station, AC."""

    connector: int
    session: str
    """Empty: no session, or the whole station."""
    power_w: float
    energy_wh: float
    """The session's register; it begins at 0. Of the whole station 0."""
    cap_w: float | None
    """What it may draw. None: not told."""


class Slot(NamedTuple):
    """Whose values of which time."""

    station: StationId
    connector: int
    session: str
    start: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """Values of one slot. The order in which they are added makes no difference."""

    samples: int
    power_sum_w: float
    power_max_w: float
    energy_wh: float
    """The highest reading of the session's register. What flowed is the difference to the slot before."""
    cap_w: float | None
    """The lowest. None: never told."""

    @property
    def power_w(self) -> float:
        """The mean."""
        return self.power_sum_w / self.samples


def samples_of(body: Body) -> list[Sample]:
    """What a record says of the present; empty when it is not telemetry."""
    if not isinstance(body, Telemetry):
        return []
    found = [
        Sample(one.connector, one.session or "", one.power.w, one.session_energy.wh, one.limit.w)
        for one in body.connectors
    ]
    if body.ac_power is not None:
        cap = body.limits.cap.w if body.limits is not None else None
        found.append(Sample(WHOLE_STATION, "", body.ac_power.w, 0.0, cap))
    return found


def by_minute(reports: Iterable[tuple[StationId, datetime, Iterable[Sample]]]) -> dict[Slot, Summary]:
    """Reports of any stations, with their times, summed up by the minute."""
    sums: dict[Slot, Summary] = {}
    for station, time, samples in reports:
        start = floor(time, MINUTE)
        for one in samples:
            alone = Summary(1, one.power_w, one.power_w, one.energy_wh, one.cap_w)
            _add(sums, Slot(station, one.connector, one.session, start), alone)
    return sums


def coarser(sums: Mapping[Slot, Summary], width: timedelta) -> dict[Slot, Summary]:
    """The same by longer slots, which hold a whole number of the given ones."""
    wide: dict[Slot, Summary] = {}
    for slot, summary in sums.items():
        _add(wide, slot._replace(start=floor(slot.start, width)), summary)
    return wide


def floor(time: datetime, width: timedelta) -> datetime:
    """The start of the slot that `time` is in."""
    return time - (time - _START) % width


def _add(sums: dict[Slot, Summary], slot: Slot, more: Summary) -> None:
    known = sums.get(slot)
    sums[slot] = more if known is None else merged(known, more)


def merged(one: Summary, other: Summary) -> Summary:
    """Both together."""
    caps = [cap for cap in (one.cap_w, other.cap_w) if cap is not None]
    return Summary(
        one.samples + other.samples,
        one.power_sum_w + other.power_sum_w,
        max(one.power_max_w, other.power_max_w),
        max(one.energy_wh, other.energy_wh),
        min(caps, default=None),
    )
