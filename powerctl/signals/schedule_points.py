"""Model 64303: a schedule is written point by point, then adopted as a whole. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals.register_map import REGISTER_MAP
from powerctl.signals.sources.schedule import Entry, Schedule
from powerctl.signals.vendor import SCHEDULE, SPEAKERS

MODEL: Final = f"{SCHEDULE.id}."
REQUEST: Final = "64303.AdptReq"
COMPLETED, FAILED = 1, 2
"""64303.AdptRslt."""
PRICE_SCALE: Final = -3
STAGED: Final = tuple(
    field.path for field in REGISTER_MAP.fields if field.path.startswith(MODEL) and field.point.writable
)
"""Every point that a client writes."""
DEFAULTS: Final = {"SchSrc": dict(SPEAKERS)["DSO"], "StrTms": 0, "IntTms": 900, "ActPt": 0, "AdptReq": 1}
_SOURCES: Final = {number: LimitSource[name] for name, number in SPEAKERS}


def defaults() -> dict[str, int]:
    """The registers before anything was written."""
    return {MODEL + name: value for name, value in DEFAULTS.items()}


def speaker(staged: Mapping[str, int | None]) -> LimitSource:
    """For whom the staged schedule speaks."""
    return _SOURCES[staged["64303.SchSrc"] or DEFAULTS["SchSrc"]]


def schedule_of(staged: Mapping[str, int | None], scale: int, currency: str = "") -> Schedule | None:
    """The schedule in the staged registers. None: it has no points, which ends the one in force.

    Args:
        staged: Raw values by path; None for what was not written.
        scale: Scale factor of power.
        currency: Of its prices, ISO 4217; empty: not told.

    Raises:
        ValueError: It cannot be adopted.
    """
    count = staged["64303.ActPt"] or 0
    if count == 0:
        return None
    start = staged["64303.StrTms"]
    if not start:
        raise ValueError("a schedule needs a start")
    entries = tuple(_entry(staged, place, scale) for place in range(count))
    interval_s = staged["64303.IntTms"] or DEFAULTS["IntTms"]
    return Schedule(speaker(staged), datetime.fromtimestamp(start, UTC), interval_s, entries, currency)


def _entry(staged: Mapping[str, int | None], place: int, scale: int) -> Entry:
    cap, price = staged[f"64303.Pt.{place}.LimW"], staged[f"64303.Pt.{place}.Prc"]
    return Entry(
        cap=None if cap is None else Power(cap * 10.0**scale),
        price=None if price is None else Decimal(price).scaleb(PRICE_SCALE),
    )
