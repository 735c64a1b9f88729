"""Model 64304: how much can be shed and taken up now and over the next hours, with how sure that is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from powerctl.core.record import FlexibilitySpan
from powerctl.signals.layout import Group, Model
from powerctl.signals.points import Point, PointType
from powerctl.signals.telemetry import Scaled

SPANS: Final = 5
"""Now, and four hours."""

_SPAN: Final = (
    Point(
        "BgnS", PointType.UINT16, units="Secs", meaning="From UpdTms; the first span is now, the others last an hour"
    ),
    Point("ExpW", PointType.UINT16, "W_SF", "W", "Power drawn or expected, DC"),
    Point("DnW", PointType.UINT16, "W_SF", "W", "How much of it can be shed, DC"),
    Point("UpW", PointType.UINT16, "W_SF", "W", "How much more can be taken up under the cap, DC"),
    Point("Cnf", PointType.UINT16, "Pct_SF", "Pct", "How likely it is that a vehicle is there"),
)

FORECAST: Final = Model(
    64304,
    "GridForecast",
    "Flexibility now and over the next hours",
    (
        Point("NSpn", PointType.COUNT, meaning="Number of spans"),
        Point("W_SF", PointType.SUNSSF, meaning="Scale factor of power"),
        Point("Pct_SF", PointType.SUNSSF, meaning="Scale factor of the likelihood"),
        Point("UpdTms", PointType.UINT32, units="Secs", meaning="When it was reckoned, UTC since 1970"),
        Point("Pad", PointType.PAD),
    ),
    (Group("Spn", _SPAN, count=SPANS, counted_by="NSpn"),),
)


def forecast(spans: Sequence[FlexibilitySpan], utc_s: float) -> Scaled:
    """The points of 64304. A span that is not known reads as not implemented.

    Args:
        spans: Now first.
        utc_s: When they were reckoned, UTC since 1970.
    """
    values: Scaled = {"64304.UpdTms": utc_s}
    for number in range(SPANS):
        span = spans[number] if number < len(spans) else None
        prefix = f"64304.Spn.{number}."
        values |= {
            prefix + "BgnS": None if span is None else span.begin_s,
            prefix + "ExpW": None if span is None else span.expected_w,
            prefix + "DnW": None if span is None else span.down_w,
            prefix + "UpW": None if span is None else span.up_w,
            prefix + "Cnf": None if span is None else span.confidence_percent,
        }
    return values
