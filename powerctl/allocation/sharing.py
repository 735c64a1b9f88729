"""Weighted max-min fair shares: the numeric kernel of the fast path, in plain watts."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence


def fill(
    available_w: float, floors_w: Sequence[float], ceilings_w: Sequence[float], weights: Sequence[float]
) -> list[float]:
    """Shares of `available_w` that rise together, in proportion to their weights, until they meet their ceilings.

    Progressive filling (Bertsekas & Gallager, *Data Networks*, 6.5.2) from the floors up.

    Args:
        available_w: What there is to divide.
        floors_w: What each one gets in any case; together at most `available_w`.
        ceilings_w: What each one gets at most; none below its floor.
        weights: Above zero.

    Returns:
        A share for each, between its floor and its ceiling. They sum to `available_w`, or to the sum of the ceilings
        where that is less.
    """
    marks = sorted(
        {bound / weight for bounds in (floors_w, ceilings_w) for bound, weight in zip(bounds, weights, strict=True)}
    )

    def at(level: float) -> list[float]:
        return [
            min(max(level * weight, floor), ceiling)
            for floor, ceiling, weight in zip(floors_w, ceilings_w, weights, strict=True)
        ]

    low, high = 0, len(marks) - 1
    if not marks or sum(at(marks[high])) <= available_w:
        return list(ceilings_w)
    while high - low > 1:
        middle = (low + high) // 2
        if sum(at(marks[middle])) <= available_w:
            low = middle
        else:
            high = middle
    return _between(at(marks[low]), at(marks[high]), available_w)


def _between(lower_w: list[float], upper_w: list[float], available_w: float) -> list[float]:
    """The point at which the straight line from `lower_w` to `upper_w` uses exactly what is available."""
    lower_sum, upper_sum = sum(lower_w), sum(upper_w)
    if upper_sum <= lower_sum or available_w <= lower_sum:
        return lower_w
    part = (available_w - lower_sum) / (upper_sum - lower_sum)
    return [lower + part * (upper - lower) for lower, upper in zip(lower_w, upper_w, strict=True)]


Weighed = tuple[float, dict[int, float]]
"""A capacity, watts, and the part of each share, by its number, that counts against it; at least one, above zero."""


def fill_within(
    rows: Sequence[Weighed], floors_w: Sequence[float], ceilings_w: Sequence[float], weights: Sequence[float]
) -> list[float]:
    """Shares that rise together, in proportion to their weights, until they meet their ceilings or a row is full.

    Progressive filling as in `fill`: whoever counts against a row that is full stops there, the others go on.

    Args:
        rows: What the shares must fit in; their floors do.
        floors_w: What each one gets in any case.
        ceilings_w: What each one gets at most; none below its floor.
        weights: Above zero.
    """
    fixed: dict[int, float] = {}
    bounds = list(zip(floors_w, ceilings_w, weights, strict=True))
    levels = {number: _level(row, fixed, bounds) for number, row in enumerate(rows)}
    while levels:
        lowest = min(levels, key=levels.__getitem__)
        level = levels.pop(lowest)
        if level == math.inf:
            break
        stopped = {number: _at(level, *bounds[number]) for number in rows[lowest][1] if number not in fixed}
        fixed |= stopped
        # A row that nobody can fill stays so; the others have the more room, the more stopped early.
        for number, before in levels.items():
            if before < math.inf and not stopped.keys().isdisjoint(rows[number][1]):
                levels[number] = _level(rows[number], fixed, bounds)
    return [fixed.get(number, ceiling) for number, ceiling in enumerate(ceilings_w)]


def _at(level: float, floor: float, ceiling: float, weight: float) -> float:
    return min(max(level * weight, floor), ceiling)


def _level(row: Weighed, fixed: Mapping[int, float], bounds: Sequence[tuple[float, float, float]]) -> float:
    """The level at which the row is full; infinite when it never is."""
    capacity_w, parts = row
    left_w = capacity_w - sum(part * fixed[number] for number, part in parts.items() if number in fixed)
    rising = [(part, bounds[number]) for number, part in parts.items() if number not in fixed]
    if not rising or sum(part * ceiling for part, (_, ceiling, _) in rising) <= left_w:
        return math.inf
    marks = sorted({bound / weight for _, (floor, ceiling, weight) in rising for bound in (floor, ceiling)})

    def filled(level: float) -> float:
        return sum(part * _at(level, *bound) for part, bound in rising)

    high = bisect_right(marks, left_w, key=filled)
    if high == 0:
        return marks[0]
    lower, upper = marks[high - 1], marks[min(high, len(marks) - 1)]
    below_w, above_w = filled(lower), filled(upper)
    return lower if above_w <= below_w else lower + (upper - lower) * (left_w - below_w) / (above_w - below_w)
