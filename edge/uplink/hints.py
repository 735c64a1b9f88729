"""What the cloud asks of the link, as far as the station obeys. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.wire.batch import LinkHint

LONGEST_GATHER_S: Final = 300
LONGEST_RECONNECT_S: Final = 600
LONGEST_VALID_S: Final = 3_600
"""A cloud that is wrong, or somebody who speaks in its name, delays live values by minutes and nothing else."""


@dataclass(slots=True)
class Hints:
    """The newest hint, until its time is over."""

    _hint: LinkHint | None = None
    _until: Monotonic | None = None

    def take(self, hint: LinkHint | None, now: Monotonic) -> None:
        """Note what is asked now; None: nothing any more."""
        self._hint = hint
        self._until = after(now, min(hint.valid_s, LONGEST_VALID_S)) if hint is not None else None

    def gather_s(self, now: Monotonic) -> float:
        """For how long live values are gathered; 0: not at all."""
        hint = self._holds(now)
        return min(hint.gather_s, LONGEST_GATHER_S) if hint is not None else 0

    def reconnect_within_s(self, now: Monotonic) -> float:
        """Bound of the random wait after a loss; 0: none is asked."""
        hint = self._holds(now)
        return min(hint.reconnect_within_s, LONGEST_RECONNECT_S) if hint is not None else 0

    def _holds(self, now: Monotonic) -> LinkHint | None:
        return self._hint if self._until is not None and now < self._until else None
