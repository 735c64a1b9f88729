"""How a vehicle follows a lower available current: learnt from what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from powerctl.core.clock import Monotonic

SLOWEST_A_S: Final = 5.0
STEEPEST_A_S: Final = 20.0
"""The worst case that all captures tolerate; a vehicle that drops in one step is not asked for more."""
_CLEAR_A: Final = 2
"""By how much a request must exceed the announcement before its fall says something."""


@dataclass(frozen=True, slots=True)
class Follow:
    """What was seen so far."""

    slope_a_s: float | None = None
    """None: not seen yet."""
    request_a: int = 0
    at: Monotonic | None = None
    """Of the latest request."""


UNSEEN: Final = Follow()


def observed(follow: Follow, request_a: int, announced_a: int, now: Monotonic) -> Follow:
    """`follow` after a further request while `announced_a` was on the bus.

    Only a fall from clearly above the announcement counts: a request that rides on the announcement shows our
    slope, not the vehicle's. A request that has not moved yet is the vehicle's reaction time.
    """
    fell_a = follow.request_a - request_a
    if follow.at is None or now <= follow.at or fell_a <= 0 or follow.request_a < announced_a + _CLEAR_A:
        return Follow(follow.slope_a_s, request_a, now)
    slope_a_s = min(STEEPEST_A_S, max(SLOWEST_A_S, fell_a / (now - follow.at)))
    return Follow(slope_a_s, request_a, now)
