"""What an operator may do to a connector from afar, as far as nobody can be hurt (pure)."""

from __future__ import annotations

from typing import Final

from powerctl.core.session import ConnectorState
from powerctl.core.units import Voltage

STOPPABLE: Final = frozenset({ConnectorState.STARTING, ConnectorState.CHARGING, ConnectorState.PAUSED})
SAFE_TO_TOUCH: Final = Voltage(10.0)
"""The plug is released at or below this (IEC 61851-24 COR1)."""
_IN_USE: Final = STOPPABLE | {ConnectorState.STOPPING}
CANNOT_START: Final = {
    ConnectorState.AVAILABLE: "Nothing is plugged in.",
    ConnectorState.FAULTED: "The connector has a fault.",
    ConnectorState.STOPPING: "The vehicle is just ending the last charge.",
}
"""Why charging cannot begin in this state, as a sentence."""


def why_not_unlock(state: ConnectorState, measured: Voltage) -> str | None:
    """Why the lock stays closed, as a sentence; None: it may open."""
    if state in _IN_USE:
        return "The vehicle is charging: stop it first."
    if measured > SAFE_TO_TOUCH:
        return f"The cable is under voltage ({measured}): it opens when it is safe to touch."
    return None
