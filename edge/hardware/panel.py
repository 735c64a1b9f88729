"""Buttons and the status light of one connector, on named lines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from edge.hardware.lines import Wires
from powerctl.core.ids import ConnectorId
from powerctl.core.session import ConnectorState

HALF_BLINK_S: Final = 0.5


class Light(Enum):
    """What the status light shows: which lamps, and whether they blink."""

    READY = (("green",), False)
    WAITING = (("green",), True)
    CHARGING = (("blue",), False)
    PAUSED = (("blue",), True)
    FAULT = (("red",), False)
    EMERGENCY = (("red",), True)


LIGHTS: Final = {
    ConnectorState.AVAILABLE: Light.READY,
    ConnectorState.OCCUPIED: Light.WAITING,
    ConnectorState.STARTING: Light.WAITING,
    ConnectorState.CHARGING: Light.CHARGING,
    ConnectorState.PAUSED: Light.PAUSED,
    ConnectorState.STOPPING: Light.WAITING,
    ConnectorState.FINISHED: Light.READY,
    ConnectorState.FAULTED: Light.FAULT,
}


def light_of(state: ConnectorState, *, emergency: bool) -> Light:
    """What to show; an emergency stop before everything else."""
    return Light.EMERGENCY if emergency else LIGHTS[state]


@dataclass(frozen=True, slots=True)
class Buttons:
    """What is pressed."""

    start: bool = False
    stop: bool = False
    emergency: bool = False


class Panel:
    """The panel of one connector. Buttons that there are not are never pressed."""

    def __init__(self, wires: Wires, connector: ConnectorId) -> None:
        self._wires = wires
        self._prefix = f"{connector}."

    def read(self) -> Buttons:
        """The buttons now. Lines that cannot be read are an emergency where there is a button for it."""
        sense = self._wires.sense
        alive = self._wires.is_alive
        mine, common = f"{self._prefix}emergency", "station.emergency"
        has_stop = self._wires.has(mine) or self._wires.has(common)
        return Buttons(
            start=alive and sense(f"{self._prefix}start"),
            stop=alive and sense(f"{self._prefix}stop"),
            emergency=sense(mine) or sense(common) if alive else has_stop,
        )

    def show(self, light: Light, seconds: float) -> None:
        """Drive the lamps; `seconds` is any clock that moves on."""
        lamps, blinks = light.value
        lit = not blinks or int(seconds / HALF_BLINK_S) % 2 == 0
        for lamp in ("green", "blue", "red"):
            self._wires.switch(f"{self._prefix}{lamp}", lit and lamp in lamps)
