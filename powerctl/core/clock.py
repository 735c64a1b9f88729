"""Two clocks, two types: `Monotonic` for deadlines, aware UTC `datetime` for records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NewType, Protocol

Monotonic = NewType("Monotonic", float)
"""Seconds on a clock that never jumps; comparable only within one machine's boot."""


def after(now: Monotonic, seconds: float) -> Monotonic:
    """The instant `seconds` later than `now`."""
    return Monotonic(now + seconds)


class Clock(Protocol):
    """Both clocks of a program. Only a program's entry point builds a real one."""

    def monotonic(self) -> Monotonic:
        """Now, for deadlines."""
        ...

    def utc(self) -> datetime:
        """Now, for records; always aware and UTC."""
        ...


class ManualClock:
    """A clock that moves when told; for tests and replays."""

    def __init__(self, start: float = 0.0, utc: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._monotonic = start
        self._utc = utc

    def monotonic(self) -> Monotonic:
        """Now, for deadlines."""
        return Monotonic(self._monotonic)

    def utc(self) -> datetime:
        """Now, for records."""
        return self._utc

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        self._monotonic += seconds
        self._utc += timedelta(seconds=seconds)

    def step_utc(self, seconds: float) -> None:
        """Move only the wall clock, as NTP would."""
        self._utc += timedelta(seconds=seconds)
