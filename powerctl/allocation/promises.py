"""Powers that are guaranteed to connectors for a time: what can be promised, and what is promised now. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from powerctl.core.ids import ConnectorId

MOST: Final = 200
"""Promises that are kept at once."""
_LOOK: Final = timedelta(minutes=5)
"""How finely what the grid has announced is looked at."""
_LOOKS_AT_MOST: Final = 300


@dataclass(frozen=True, slots=True)
class Promise:
    """A power that is guaranteed at a connector in a window."""

    id: str
    connector: ConnectorId
    start_time: datetime
    end_time: datetime
    power_w: float
    """DC."""

    def covers(self, utc: datetime) -> bool:
        """True while it holds."""
        return self.start_time <= utc < self.end_time


@dataclass(frozen=True, slots=True)
class Promises:
    """All that were given and are not over."""

    all: Mapping[str, Promise] = field(default_factory=dict)

    def now(self, utc: datetime) -> dict[ConnectorId, Promise]:
        """Those in force, by connector."""
        return {one.connector: one for one in self.all.values() if one.covers(utc)}

    def next_change(self, utc: datetime) -> datetime | None:
        """When another set is in force. None: never."""
        instants = [at for one in self.all.values() for at in (one.start_time, one.end_time) if at > utc]
        return min(instants, default=None)


@dataclass(frozen=True, slots=True)
class Means:
    """What promises are made from."""

    connectors_w: Mapping[ConnectorId, float]
    """What each connector gives at most, DC."""
    usable_w: Callable[[datetime], float]
    """What all connectors together can be given at an instant, as far as the grid has announced; DC."""


def kept(promises: Promises, wanted: Promise, means: Means, utc: datetime) -> tuple[Promises, str]:
    """`promises` with one more, which replaces one of the same id; and why it cannot be, empty when it can.

    Args:
        promises: Given before.
        wanted: One more.
        means: What they are made from.
        utc: Now.
    """
    others = {name: one for name, one in promises.all.items() if name != wanted.id and one.end_time > utc}
    refusal = _refusal(others.values(), wanted, means, utc)
    if not refusal and len(others) >= MOST:
        refusal = "The station cannot remember more reservations."
    return (promises, refusal) if refusal else (Promises({**others, wanted.id: wanted}), "")


def dropped(promises: Promises, name: str, utc: datetime) -> Promises:
    """`promises` without that one, and without those that are over."""
    return Promises({one.id: one for one in promises.all.values() if one.id != name and one.end_time > utc})


def _refusal(others: Iterable[Promise], wanted: Promise, means: Means, utc: datetime) -> str:
    if wanted.end_time <= utc:
        return "The window of the reservation is over."
    most_w = means.connectors_w.get(wanted.connector)
    if most_w is None:
        return f"The station has no connector {wanted.connector}."
    if wanted.power_w > most_w:
        return f"The connector gives {most_w / 1000:.1f} kW at most."
    meanwhile = [one for one in others if one.start_time < wanted.end_time and wanted.start_time < one.end_time]
    if any(one.connector == wanted.connector for one in meanwhile):
        return "The connector is reserved for somebody else in that time."
    return _shortage(meanwhile, wanted, means, utc)


def _shortage(meanwhile: list[Promise], wanted: Promise, means: Means, utc: datetime) -> str:
    """Why there is too little power at some instant of the window. Empty: there is enough."""
    for instant in _instants(meanwhile, wanted, utc):
        given_w = sum(one.power_w for one in meanwhile if one.covers(instant))
        left_w = max(0.0, means.usable_w(instant) - given_w)
        if wanted.power_w > left_w + 1e-6:
            return f"At {instant:%H:%M} UTC the station can guarantee {left_w / 1000:.1f} kW more, not the power asked."
    return ""


def _instants(meanwhile: list[Promise], wanted: Promise, utc: datetime) -> list[datetime]:
    """Where the window begins, where others begin in it, and every few minutes for what the grid announces."""
    begin = max(utc, wanted.start_time)
    step = max(_LOOK, (wanted.end_time - begin) / _LOOKS_AT_MOST)
    looks = [begin]
    while (following := looks[-1] + step) < wanted.end_time:
        looks.append(following)
    return sorted({*looks, *(one.start_time for one in meanwhile if one.start_time > begin)})
