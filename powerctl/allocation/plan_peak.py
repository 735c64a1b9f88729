"""The highest quarter of an hour of a month, which a tariff may charge for. Pure."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Final

from powerctl.core.errors import RemoteError

_QUARTER_S: Final = 900
_LONGEST_S: Final = 60.0
"""A gap between two measurements that is longer is not counted."""


@dataclass(frozen=True, slots=True)
class Peak:
    """At the grid connection, watts AC."""

    month: str = ""
    """As `2026-03`, UTC. Empty: nothing was measured yet."""
    highest_w: float = 0.0
    """Mean of the highest quarter that is over."""
    quarter: int = 0
    """The one that runs: its number since 1970."""
    energy_ws: float = 0.0
    """Measured in it, watt seconds."""
    at: float = 0.0
    """Of the last measurement, seconds since 1970."""


def measured(peak: Peak, power_w: float, utc: datetime) -> Peak:
    """`peak` after a measurement. A quarter of which nothing was seen counts as nothing."""
    seconds, month = utc.timestamp(), f"{utc.astimezone(UTC):%Y-%m}"
    quarter = int(seconds // _QUARTER_S)
    if month != peak.month:
        return Peak(month, 0.0, quarter, 0.0, seconds)
    if quarter != peak.quarter:
        highest_w = max(peak.highest_w, peak.energy_ws / _QUARTER_S)
        return replace(peak, highest_w=highest_w, quarter=quarter, energy_ws=0.0, at=seconds)
    elapsed_s = seconds - peak.at
    energy_ws = max(0.0, power_w) * elapsed_s if 0.0 < elapsed_s <= _LONGEST_S else 0.0
    return replace(peak, energy_ws=peak.energy_ws + energy_ws, at=max(seconds, peak.at))


def peak_to_json(peak: Peak) -> str:
    """`peak` as JSON."""
    return json.dumps(asdict(peak))


def peak_from_json(text: str) -> Peak:
    """The peak in `text`.

    Raises:
        RemoteError: It is none.
    """
    try:
        raw = json.loads(text)
        numbers = [float(raw[name]) for name in ("highest_w", "energy_ws", "at")]
        if not all(math.isfinite(number) and number >= 0.0 for number in numbers):
            raise ValueError("a number that is none")
        return Peak(str(raw["month"]), numbers[0], int(raw["quarter"]), numbers[1], numbers[2])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise RemoteError(f"peak: not understood ({error})") from error
