"""How often somebody may try: after some failures each further one doubles the wait. Pure: time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from powerctl.core.clock import Monotonic, after

FREE_TRIES: Final = 5
"""Failures before the first wait: people mistype."""
FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 900.0
FORGET_S: Final = 3600.0
"""After so long without a failure the count begins anew."""
REMEMBERED: Final = 20_000
"""Keys that are kept; the one that was quiet longest gives way."""


@dataclass(slots=True)
class _Tries:
    failures: int
    until: Monotonic
    last: Monotonic


class Throttle:
    """Counts failures per key: an account, an address."""

    def __init__(self, *, free: int = FREE_TRIES, remembered: int = REMEMBERED) -> None:
        self._free = free
        self._remembered = remembered
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def wait_s(self, key: str, now: Monotonic) -> float:
        """Seconds until `key` may try again. Zero: now."""
        found = self._tries.get(key)
        return max(found.until - now, 0.0) if found is not None else 0.0

    def failed(self, key: str, now: Monotonic) -> None:
        """Count a failure."""
        found = self._tries.pop(key, None)
        stale = found is None or now - found.last > FORGET_S
        failures = 1 if found is None or stale else found.failures + 1
        beyond = failures - self._free
        wait = min(FIRST_WAIT_S * 2.0 ** min(beyond, 20), LONGEST_WAIT_S) if beyond >= 0 else 0.0
        self._tries[key] = _Tries(failures, after(now, wait), now)
        while len(self._tries) > self._remembered:
            self._tries.popitem(last=False)

    def undo(self, key: str) -> None:
        """Take one failure of `key` back."""
        if (found := self._tries.get(key)) is not None:
            found.failures = max(found.failures - 1, 0)

    def succeeded(self, key: str) -> None:
        """Forget the failures of `key`."""
        self._tries.pop(key, None)
