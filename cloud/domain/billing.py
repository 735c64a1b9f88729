"""Whether two meter readings may become a bill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cloud.domain.tariff import Dimension, Tariff
from powerctl.core.record import ClockStatus, MeterReading, TransactionEnded
from powerctl.core.units import Power

PLAUSIBLE_FACTOR = 1.1
"""Energy above this times the rated power cannot have passed the connector; the rest covers clock and meter."""
PLAUSIBLE_SLACK_WH = 100.0
"""Keeps very short transactions, where seconds count, out of review."""


@dataclass(frozen=True, slots=True)
class Billable:
    """The difference of two readings of one register."""

    energy_wh: int


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Not to be billed before a person has looked."""

    why: str
    """One sentence for that person."""


def judge(start: MeterReading | None, end: MeterReading, rated: Power | None) -> Billable | Doubtful:
    """The energy between two readings, or the first reason not to trust it. Never an estimate.

    Args:
        start: None: the start was not measured.
        end: The reading at the end.
        rated: The connector's rated power. None: not known, and plausibility is not judged.
    """
    if start is None:
        return Doubtful("The meter was not read when charging began.")
    for why in _doubts(start, end, rated):
        return Doubtful(why)
    return Billable(end.register_wh - start.register_wh)


def doubt_about_time(ended: TransactionEnded, tariff: Tariff | None) -> str:
    """Why time may not be billed, as a sentence. Empty: nothing speaks against it, or no time is billed.

    Durations need an end that is synchronised or counted from the start. Prices that follow the clock need both
    readings synchronised: a clock that was set in between has moved everything that was told meanwhile.
    """
    start, end = ended.start_reading, ended.reading
    if tariff is None or start is None:
        return ""
    if tariff.follows_clock and {start.clock, end.clock} != {ClockStatus.SYNCHRONISED}:
        return f"The price follows the clock, which was not synchronised (status {start.clock}, then {end.clock})."
    counts = tariff.prices_time if ended.idle_s else tariff.prices_time - {Dimension.PARKING_TIME}
    if counts and end.clock not in _MEASURES_DURATION:
        return f"Time has a price, and the clock was not synchronised (status {end.clock})."
    return ""


_MEASURES_DURATION: Final = frozenset({ClockStatus.SYNCHRONISED, ClockStatus.RELATIVE})
"""OCMF 1.4, table 19: only these may be used to bill time."""


def _doubts(start: MeterReading, end: MeterReading, rated: Power | None) -> Iterator[str]:
    if not start.valid or not end.valid:
        yield "A meter reading is marked as not fit for billing."
    if not start.meter_serial or start.meter_serial != end.meter_serial:
        yield f"The meter changed from {start.meter_serial!r} to {end.meter_serial!r} while charging."
    if start.register_wh <= 0:
        yield "The first meter reading is zero, which is a placeholder and not a reading."
    if end.register_wh < start.register_wh:
        yield f"The meter's register fell from {start.register_wh} to {end.register_wh} Wh."
    if end.read_time < start.read_time:
        yield "The last meter reading is older than the first."
    if rated is not None and not _plausible(start, end, rated):
        yield f"The energy is more than {rated} can deliver in the time."


def _plausible(start: MeterReading, end: MeterReading, rated: Power) -> bool:
    hours = (end.read_time - start.read_time).total_seconds() / 3600
    return end.register_wh - start.register_wh <= rated.w * hours * PLAUSIBLE_FACTOR + PLAUSIBLE_SLACK_WH
