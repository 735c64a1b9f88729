"""What a connector is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edge.can.port import CanPort
from edge.chademo.config import ConnectorConfig
from edge.control.blackbox import BlackBox
from edge.control.books import Books
from edge.hardware.ports import ConnectorHardware
from powerctl.core.clock import Clock
from powerctl.core.ids import ConnectorId
from powerctl.runtime.clock_quality import Quality, clock_quality


class Signer(Protocol):
    """A meter that signs transactions. Returns at once."""

    def began(self, transaction: str) -> None:
        """Sign from now on."""
        ...

    def ended(self, transaction: str) -> None:
        """Close the transaction and keep its signed record."""
        ...


def _ignore(_: ConnectorId) -> None:
    """Nobody cares."""


@dataclass(slots=True)
class Parts:
    """What a connector is made of."""

    config: ConnectorConfig
    hardware: ConnectorHardware
    bus: CanPort
    books: Books
    clock: Clock
    blackbox: BlackBox | None = None
    """None: nothing is recorded."""
    signer: Signer | None = None
    """None: the meter signs nothing."""
    on_beat: Callable[[ConnectorId], None] = _ignore
    """Called at the end of each period."""
    quality: Callable[[], Quality] = clock_quality
    """What is known about the computer's clock."""
