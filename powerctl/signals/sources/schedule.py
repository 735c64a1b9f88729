"""A schedule: caps and prices ahead of time, in equal intervals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals.arbitration import Contribution
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.source import Foreseen

MAX_ENTRIES: Final = 96
SETTLE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One interval."""

    cap: Power | None = None
    """AC at the grid connection. None: no limit."""
    price: Decimal | None = None
    """Per kilowatt hour. None: not told."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Equal intervals from a start on. Before and after them it says nothing."""

    source: LimitSource
    """For whom it speaks."""
    start: datetime
    interval_s: float
    entries: tuple[Entry, ...]
    currency: str = ""
    """ISO 4217; empty: not told."""

    def __post_init__(self) -> None:
        if not 0 < len(self.entries) <= MAX_ENTRIES:
            raise ValueError(f"a schedule has 1 to {MAX_ENTRIES} entries, not {len(self.entries)}")
        if not self.interval_s > 0:
            raise ValueError(f"an interval of {self.interval_s} s")

    def place(self, utc: datetime) -> int | None:
        """The number of the entry that holds at `utc`. None: none does."""
        number = (utc - self.start).total_seconds() // self.interval_s
        return int(number) if 0 <= number < len(self.entries) else None

    def entry(self, utc: datetime) -> Entry:
        """What holds at `utc`; nothing outside the schedule."""
        place = self.place(utc)
        return Entry() if place is None else self.entries[place]

    def begins(self, number: int) -> datetime:
        """When entry `number` begins; the end of the schedule for the number after the last."""
        return self.start + timedelta(seconds=number * self.interval_s)

    def cap_ends(self, utc: datetime) -> datetime:
        """When the cap that holds at `utc` changes or ends."""
        number = self.place(utc)
        if number is None:
            return utc
        cap = self.entries[number].cap
        while number < len(self.entries) and self.entries[number].cap == cap:
            number += 1
        return self.begins(number)

    def next_change(self, utc: datetime) -> datetime | None:
        """The next instant at which an entry begins or the last one ends. None: it is over."""
        if utc < self.start:
            return self.start
        place = self.place(utc)
        return None if place is None else self.begins(place + 1)


class ScheduleSource:
    """The schedule in force as a source. A new one replaces the old one as a whole."""

    def __init__(self) -> None:
        self._schedule: Schedule | None = None
        self._trusted = True

    @property
    def schedule(self) -> Schedule | None:
        """The one in force. None: there is none."""
        return self._schedule

    def adopt(self, schedule: Schedule | None) -> None:
        """Put `schedule` into force at once. None: end the one in force."""
        self._schedule = schedule

    def contributions(self, stamp: Stamp) -> Sequence[Contribution]:
        """The cap of the entry that holds now; none while the clock cannot be trusted."""
        self._trusted = stamp.trusted
        schedule = self._schedule if stamp.trusted else None
        cap = None if schedule is None else schedule.entry(stamp.utc).cap
        if schedule is None or cap is None:
            return ()
        ends = schedule.cap_ends(stamp.utc)
        detail = f"The schedule limits the station to {cap} until {ends:%H:%M} UTC."
        return (Contribution(LimitSource.SCHEDULE, detail, cap=cap, settle_s=SETTLE_S, until=ends),)

    def deadline(self, stamp: Stamp) -> Monotonic | None:
        """When the next entry begins."""
        change = None if self._schedule is None else self._schedule.next_change(stamp.utc)
        return None if change is None else after(stamp.now, (change - stamp.utc).total_seconds())

    def foreseen(self, utc: datetime) -> Foreseen:
        """Cap and price of the entry that holds at `utc`; nothing while the clock cannot be trusted."""
        schedule = self._schedule
        if schedule is None or not self._trusted:
            return Foreseen()
        entry = schedule.entry(utc)
        return Foreseen(entry.cap, entry.price, "" if entry.price is None else schedule.currency)
