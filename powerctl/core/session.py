"""Words for a charging session."""

from __future__ import annotations

from enum import StrEnum


class ConnectorState(StrEnum):
    """Where a connector is between plug-in and unplug, as the SECC sees it."""

    AVAILABLE = "available"
    OCCUPIED = "occupied"
    """Plugged in, not authorised."""
    STARTING = "starting"
    """Handshake, insulation test, contactor."""
    CHARGING = "charging"
    PAUSED = "paused"
    """In charging state at zero power, by our command."""
    STOPPING = "stopping"
    FINISHED = "finished"
    """Charging ended, still plugged in."""
    FAULTED = "faulted"


class Flexibility(StrEnum):
    """How a session takes a lower limit."""

    FIRM = "firm"
    """Start and stop only."""
    SLOW = "slow"
    FAST = "fast"


class StopReason(StrEnum):
    """Why charging ended."""

    DRIVER = "driver"
    OPERATOR = "operator"
    VEHICLE = "vehicle"
    UNPLUGGED = "unplugged"
    GRID = "grid"
    """The energy manager had no power left for it."""
    EMERGENCY = "emergency"
    FAULT = "fault"
    RESTART = "restart"
    """The controller restarted in mid-session."""
    TIME = "time"
    """The remaining charging time reached zero."""
