"""Weighted max-min fair shares: the numeric kernel of the fast path, in plain watts."""

from __future__ import annotations

from collections.abc import Sequence


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
