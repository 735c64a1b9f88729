"""What the cloud asks of stations when more comes in than it can commit. Pure."""

from __future__ import annotations

from typing import Final

from powerctl.wire.batch import LinkHint

BUSY: Final = 0.5
OVERLOADED: Final = 0.8
"""Parts of the queue in use."""
VALID_S: Final = 60
_ASKED: Final = (
    (OVERLOADED, LinkHint(gather_s=60, reconnect_within_s=300, valid_s=VALID_S)),
    (BUSY, LinkHint(gather_s=10, reconnect_within_s=120, valid_s=VALID_S)),
)


def hint_at(waiting: int, capacity: int) -> LinkHint | None:
    """What to ask while so many messages wait. None: nothing."""
    return next((hint for part, hint in _ASKED if waiting >= part * capacity), None)
