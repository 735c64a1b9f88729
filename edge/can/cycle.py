"""Frames that repeat on absolute deadlines until nobody renews them (pure; time is an argument).

The event loop says once a period what the vehicle shall see; a sender of its own repeats it in time, however late the
loop is. When the loop does not renew for `LIVES` periods the sender falls silent: a controller that hangs must not
look alive to the vehicle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from edge.can.frame import Frame
from powerctl.core.clock import Monotonic, after

PERIOD_S: Final = 0.1
LIVES: Final = 3
"""Periods; the vehicle gives up after about a second."""
MARGIN_S: Final = 0.004
"""How late the loop may be without the vehicle seeing older values: its work in a period takes under 1 ms."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """What is repeated, and when next."""

    frames: tuple[Frame, ...] = ()
    due: Monotonic | None = None
    """None: nothing is repeated."""
    lives: int = 0
    """Periods until it falls silent unless renewed."""

    def shown(self, frames: tuple[Frame, ...], now: Monotonic) -> Cycle:
        """The cycle that repeats `frames` from its next deadline on; no frames end it."""
        if not frames:
            return Cycle()
        return Cycle(frames, after(now, MARGIN_S) if self.due is None else self.due, LIVES)

    def wait_s(self, now: Monotonic) -> float | None:
        """Seconds until the deadline. None: there is none."""
        return None if self.due is None else max(0.0, self.due - now)

    def taken(self, now: Monotonic) -> tuple[Cycle, tuple[Frame, ...]]:
        """The cycle after its deadline, and what to send now. Periods that were missed are skipped."""
        if self.due is None or now < self.due:
            return self, ()
        if self.lives == 0:
            return Cycle(), ()
        missed = math.floor((now - self.due) / PERIOD_S)
        return replace(self, due=after(self.due, (missed + 1) * PERIOD_S), lives=self.lives - 1), self.frames
