"""Instants and durations as OpenADR writes them (ISO 8601). Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from powerctl.core.errors import RemoteError

ENDLESS_S: Final = 366 * 86_400.0 * 100
"""From a century on a duration has no end; OpenADR writes P9999Y."""
AT_ONCE: Final = datetime(1, 1, 1, tzinfo=UTC)
"""What OpenADR writes for *now*, with any time of day."""
_DURATION: Final = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_SECONDS: Final = {
    "years": 365 * 86_400.0,
    "months": 30 * 86_400.0,
    "weeks": 7 * 86_400.0,
    "days": 86_400.0,
    "hours": 3600.0,
    "minutes": 60.0,
    "seconds": 1.0,
}
"""A year counts 365 days and a month 30: nothing that limits a station is agreed in months."""


def duration_s(text: object) -> float | None:
    """Seconds of a duration such as PT15M. None: endless.

    Raises:
        RemoteError: It is no duration.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) and len(text) <= 40 else None
    parts = {} if match is None else {unit: value for unit, value in match.groupdict().items() if value is not None}
    if not parts:
        raise RemoteError(f"not a duration: {str(text)[:40]!r}")
    seconds = sum(float(value) * _SECONDS[unit] for unit, value in parts.items())
    return None if seconds >= ENDLESS_S else seconds


def instant(text: object) -> datetime | None:
    """The instant in UTC. None: at once.

    Raises:
        RemoteError: It is no instant, or tells no offset from UTC.
    """
    try:
        found = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError as error:
        raise RemoteError(f"not an instant: {str(text)[:40]!r}") from error
    if found.year == AT_ONCE.year:
        return None
    if found.tzinfo is None:
        raise RemoteError(f"an instant without an offset: {str(text)[:40]!r}")
    return found.astimezone(UTC)


def later(start: datetime, seconds: float | None) -> datetime | None:
    """`seconds` after `start`. None: never, or beyond what a calendar holds."""
    if seconds is None:
        return None
    try:
        return start + timedelta(seconds=seconds)
    except OverflowError:
        return None
