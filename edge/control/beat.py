"""Absolute deadlines for what must happen every period (pure)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from powerctl.core.clock import Monotonic, after

RESOLUTION_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Beat:
    """Deadlines `period_s` apart that do not drift."""

    due: Monotonic
    period_s: float

    def remaining(self, now: Monotonic) -> float:
        """Seconds until the deadline; 0 when it has passed, or is nearer than a clock can tell."""
        remaining_s = self.due - now
        return remaining_s if remaining_s > RESOLUTION_S else 0.0

    def following(self, now: Monotonic) -> tuple[Beat, int]:
        """The beat after this one, and how many periods were missed.

        After a stall the missed periods are skipped: a burst of late frames would tell the vehicle nothing.
        """
        missed = max(0, math.floor((now - self.due) / self.period_s))
        return Beat(after(self.due, (missed + 1) * self.period_s), self.period_s), missed
