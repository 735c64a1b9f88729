"""Which of two reports of a station is the newer one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """A record's place in its station's outbox. Unlike a station's clock it never steps back."""

    epoch: int
    """Random, created with the outbox."""
    sequence: int

    def follows(self, other: Order | None) -> bool:
        """True when this was written later; an outbox with another epoch has replaced the old one. None: nothing."""
        return other is None or self.epoch != other.epoch or self.sequence > other.sequence
