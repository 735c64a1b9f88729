"""What a session used, in the periods that its tariff asks about.

Most tariffs need only the two readings at the ends. Where the price depends on the clock or on the power, values from
in between are kept as marks, but only where the price of energy changes: a receipt is not a recording.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from cloud.domain.pricing import Period, plain_periods
from cloud.domain.tariff import Component, Dimension, Moment, Tariff, component_at

MOST_MARKS: Final = 400
"""A price that changes more often than that in one session is billed by the marks that are there."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the meter showed while charging."""

    time: datetime
    energy_wh: int
    """Of this session."""
    power_w: float
    current_a: float


def noted(marks: Sequence[Mark], mark: Mark, tariff: Tariff, begin: datetime) -> tuple[Mark, ...]:
    """`marks` with one more, in the order of time, whatever the order in which they arrive.

    Args:
        marks: Those known.
        mark: The new one; one of the same time is replaced by the lower.
        tariff: Says where the price changes.
        begin: When metering began.
    """
    known = {each.time: each for each in marks}
    known[mark.time] = min(mark, known.get(mark.time, mark), key=lambda each: (each.energy_wh, each.power_w))
    ordered = [known[time] for time in sorted(known)]
    rates = [_rate(tariff, begin, each) for each in ordered]
    last = len(ordered) - 1
    kept = [
        each
        for place, each in enumerate(ordered)
        if place in (0, last) or not rates[place - 1] == rates[place] == rates[place + 1]
    ]
    return tuple(kept) if len(kept) <= MOST_MARKS else tuple(marks)


def periods(
    begin: datetime, end: datetime, energy_wh: int, idle: timedelta, marks: Sequence[Mark] = ()
) -> tuple[Period, ...]:
    """The parts of a session between its two readings; the vehicle idled at its end.

    Args:
        begin: Of metering.
        end: Of metering; before `begin` counts as `begin`.
        energy_wh: Difference of the two readings; what marks show beyond it is left out.
        idle: How long the vehicle asked for nothing.
        marks: Values in between, by time.
    """
    inner = list(_rising(begin, end, energy_wh, marks))
    if not inner:
        return plain_periods(begin, end, energy_wh, idle)
    points = [Mark(begin, 0, 0.0, 0.0), *inner, Mark(end, energy_wh, 0.0, inner[-1].current_a)]
    turn = max(begin, end - max(idle, timedelta()))
    return tuple(part for low, high in pairwise(points) for part in _split(_between(low, high), turn))


def _rising(begin: datetime, end: datetime, energy_wh: int, marks: Sequence[Mark]) -> Iterator[Mark]:
    floor = 0
    for mark in marks:
        if begin < mark.time < end and floor <= mark.energy_wh <= energy_wh:
            floor = mark.energy_wh
            yield mark


def _between(low: Mark, high: Mark) -> Period:
    hours = (high.time - low.time).total_seconds() / 3600
    energy = high.energy_wh - low.energy_wh
    return Period(low.time, high.time, energy, power_w=energy / hours, current_a=high.current_a)


def _split(period: Period, turn: datetime) -> Iterator[Period]:
    if period.end <= turn:
        yield period
    elif period.start >= turn:
        yield replace(period, parking=True)
    else:
        yield replace(period, end=turn)
        yield replace(period, start=turn, energy_wh=0, parking=True)


def _rate(tariff: Tariff, begin: datetime, mark: Mark) -> Component | None:
    elapsed = max(0, int((mark.time - begin).total_seconds()))
    moment = Moment(mark.time.astimezone(tariff.zone), elapsed, mark.energy_wh, mark.power_w, mark.current_a)
    return component_at(tariff.parts, Dimension.ENERGY, moment)
