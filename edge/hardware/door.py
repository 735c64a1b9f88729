"""The contact that says whether a door of the cabinet is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from edge.hardware.lines import Wires
from edge.hardware.simulated_connector import Plant

LINE: Final = "station.door"


class Door(Protocol):
    """All doors of the cabinet together."""

    def is_open(self) -> bool | None:
        """True: one is open. None: it cannot be read."""
        ...


class WiredDoor:
    """A contact on a named line, which is on while a door is open.

    A contact that opens with the door, on a line with a pull-up, makes a cut wire an open door.
    """

    def __init__(self, wires: Wires) -> None:
        self._wires = wires

    def is_open(self) -> bool | None:
        """The line now."""
        return self._wires.sense(LINE) if self._wires.is_alive else None


class SimulatedDoor:
    """The door of a simulated station: open while a plant says so."""

    def __init__(self, plants: Sequence[Plant]) -> None:
        self._plants = tuple(plants)

    def is_open(self) -> bool | None:
        """What the plants say; one that is not connected says nothing."""
        return any(plant.state.door for plant in self._plants)
