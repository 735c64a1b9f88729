"""The states of the session table, and what each looks like from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from powerctl.core.session import ConnectorState


class Phase(StrEnum):
    """States of the session."""

    __hash__ = str.__hash__  # looked up in every advance: the enumeration's own is not compiled

    AVAILABLE = "available"
    OCCUPIED = "occupied"
    WAKING = "waking"
    AGREEING = "agreeing"
    LOCKING = "locking"
    TESTING = "testing"
    DISCHARGING = "discharging"
    CLOSING = "closing"
    REQUESTING = "requesting"
    CHARGING = "charging"
    PAUSED = "paused"
    STOPPING = "stopping"
    EMPTYING = "emptying"
    TRIPPING = "tripping"
    OPENING = "opening"
    PARTING = "parting"
    UNLOCKING = "unlocking"
    STUCK = "stuck"
    LEAVING = "leaving"
    FINISHED = "finished"
    FAULTED = "faulted"


@dataclass(frozen=True, slots=True)
class Look:
    """One state from outside."""

    state: ConnectorState
    meaning: str
    charging: bool = False
    """109.5.0."""
    stop: bool = True
    """109.5.5: set from the first frame, cleared in the frame in which 109.5.0 is set."""


LOOKS: Final[Mapping[Phase, Look]] = {
    Phase.AVAILABLE: Look(ConnectorState.AVAILABLE, "no plug in an inlet"),
    Phase.OCCUPIED: Look(ConnectorState.OCCUPIED, "plugged in, not authorised"),
    Phase.WAKING: Look(ConnectorState.STARTING, "d1 on, the vehicle is silent"),
    Phase.AGREEING: Look(ConnectorState.STARTING, "frames flow both ways, waits for k and 102.5.0"),
    Phase.LOCKING: Look(ConnectorState.STARTING, "locks, and looks for voltage on the inlet"),
    Phase.TESTING: Look(ConnectorState.STARTING, "insulation test"),
    Phase.DISCHARGING: Look(ConnectorState.STARTING, "waits until the cable is empty"),
    Phase.CLOSING: Look(ConnectorState.STARTING, "d2 on, the vehicle closes its contactor"),
    Phase.REQUESTING: Look(ConnectorState.STARTING, "waits for the first request"),
    Phase.CHARGING: Look(ConnectorState.CHARGING, "current loop", charging=True, stop=False),
    Phase.PAUSED: Look(ConnectorState.PAUSED, "current loop, nothing on offer", charging=True, stop=False),
    Phase.STOPPING: Look(ConnectorState.STOPPING, "current falls to 5 A", charging=True),
    Phase.EMPTYING: Look(ConnectorState.STOPPING, "output off, current falls to nothing"),
    Phase.TRIPPING: Look(ConnectorState.STOPPING, "tripped, current falls to nothing"),
    Phase.OPENING: Look(ConnectorState.STOPPING, "the vehicle opens and tests its contactor"),
    Phase.PARTING: Look(ConnectorState.STOPPING, "d2 off"),
    Phase.UNLOCKING: Look(ConnectorState.STOPPING, "d1 off, waits for 10 V"),
    Phase.STUCK: Look(ConnectorState.FAULTED, "voltage on the connector, stays locked"),
    Phase.LEAVING: Look(ConnectorState.STOPPING, "unlocked, frames go on"),
    Phase.FINISHED: Look(ConnectorState.FINISHED, "charging ended, still plugged in"),
    Phase.FAULTED: Look(ConnectorState.FAULTED, "a fault stands"),
}

IDLE: Final = frozenset({Phase.AVAILABLE, Phase.OCCUPIED, Phase.FINISHED, Phase.FAULTED})
"""d1, d2 and output off; nothing is sent; a plug may be pulled."""
LIVE: Final = frozenset({Phase.CHARGING, Phase.PAUSED})
"""Current may flow at the vehicle's request."""
BEFORE_D2: Final = frozenset({Phase.WAKING, Phase.AGREEING, Phase.LOCKING, Phase.TESTING, Phase.DISCHARGING})
AFTER_D2: Final = frozenset({Phase.CLOSING, Phase.REQUESTING, *LIVE, Phase.STOPPING})
"""d2 on, and the vehicle has not been asked to open."""
PROMISED: Final = frozenset({Phase.LOCKING, Phase.TESTING, Phase.DISCHARGING, *AFTER_D2})
"""The vehicle has given its permission, and must keep answering."""
ENDING: Final = frozenset(
    {
        Phase.EMPTYING,
        Phase.TRIPPING,
        Phase.OPENING,
        Phase.PARTING,
        Phase.UNLOCKING,
        Phase.STUCK,
        Phase.LEAVING,
    }
)
"""The output is off; the rest of the sequence makes the connector safe to pull."""
