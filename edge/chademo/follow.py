"""How a vehicle follows a lower available current: learnt from what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.chademo.timing import TIMES, Time
from powerctl.core.clock import Monotonic

SLOWEST_A_S: Final = 5.0
STEEPEST_A_S: Final = 20.0
"""The worst case that all captures tolerate; a vehicle that drops in one step is not asked for more."""
GRACE_S: Final = TIMES[Time.GRACE].seconds
"""Who has not moved by then does not follow."""
_CLEAR_A: Final = 2
"""By how much a request must exceed the announcement before its fall says something."""
_RIDDEN_A: Final = 5
"""A request that has gone down so far together with the announcement follows it."""


@dataclass(frozen=True, slots=True)
class Follow:
    """What was seen so far."""

    slope_a_s: float | None = None
    """None: not seen yet."""
    request_a: int = 0
    at: Monotonic | None = None
    """Of the latest request."""
    above_since: Monotonic | None = None
    """Since when the request is clearly above the announcement. None: it is not."""
    reaction_s: float | None = None
    """Announcement below the request to the request's first fall, at most. None: not seen yet."""
    ridden_a: int = 0
    """How far the request has gone down together with the announcement."""
    ignores: bool = False
    """The request stood above the announcement for `GRACE_S` without a move."""

    @property
    def obeys(self) -> bool | None:
        """Whether the request follows 108.3. None: not seen yet."""
        if self.ignores:
            return False
        return True if self.slope_a_s is not None or self.ridden_a >= _RIDDEN_A else None


UNSEEN: Final = Follow()


def observed(follow: Follow, request_a: int, announced_a: int, now: Monotonic) -> Follow:
    """`follow` after a further request while `announced_a` was on the bus.

    Only a fall from clearly above the announcement shows a slope: a request that rides on the announcement shows ours.
    A request that has not moved yet is the vehicle's reaction time.
    """
    was_above = follow.above_since
    above = request_a >= announced_a + _CLEAR_A
    above_since = (was_above if was_above is not None else now) if above else None
    slope_a_s, reaction_s, ridden_a, ignores = follow.slope_a_s, follow.reaction_s, follow.ridden_a, follow.ignores
    fell_a = follow.request_a - request_a
    if follow.at is not None and now > follow.at and fell_a > 0 and follow.request_a > announced_a:
        ignores = False
        if follow.request_a >= announced_a + _CLEAR_A:
            slope_a_s = min(STEEPEST_A_S, max(SLOWEST_A_S, fell_a / (now - follow.at)))
            reaction_s = now - was_above if reaction_s is None and was_above is not None else reaction_s
        else:
            ridden_a += fell_a
    elif was_above is not None and above and now - was_above >= GRACE_S:
        ignores = True
    return Follow(slope_a_s, request_a, now, above_since, reaction_s, ridden_a, ignores)
