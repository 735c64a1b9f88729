"""How much somebody may ask for: a store of tokens per key that fills at a steady rate. Pure: time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from powerctl.core.clock import Monotonic

REMEMBERED: Final = 50_000
"""Keys that are kept; one that is forgotten begins with a full bucket."""


@dataclass(slots=True)
class _Level:
    tokens: float
    time: Monotonic


class Buckets:
    """A bucket per key.

    Args:
        rate: Tokens that come per second.
        burst: Tokens that a full bucket holds.
        remembered: Keys that are kept.
    """

    def __init__(self, rate: float, burst: float, *, remembered: int = REMEMBERED) -> None:
        self._rate = rate
        self._burst = burst
        self._remembered = remembered
        self._levels: OrderedDict[str, _Level] = OrderedDict()

    def take(self, key: str, now: Monotonic) -> float:
        """Take a token; zero when there was one, else the seconds until there is."""
        level = self._levels.pop(key, None) or _Level(self._burst, now)
        self._levels[key] = level
        level.tokens = min(self._burst, level.tokens + max(now - level.time, 0.0) * self._rate)
        level.time = now
        while len(self._levels) > self._remembered:
            self._levels.popitem(last=False)
        if level.tokens >= 1.0:
            level.tokens -= 1.0
            return 0.0
        return (1.0 - level.tokens) / self._rate
