"""What the back end asks of a station, as values.

Their wire form and fuller field comments are in `protos/powerctl/v1/uplink.proto`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.session import StopReason
from powerctl.core.units import Power


@dataclass(frozen=True, slots=True)
class StartCharging:
    """Start the session that is plugged in."""

    session: SessionId
    connector: ConnectorId
    permit: str = ""
    """The cloud's signed word that this command is its own. Empty: none."""


@dataclass(frozen=True, slots=True)
class StopCharging:
    """End the session's transaction."""

    session: SessionId
    connector: ConnectorId
    reason: StopReason


@dataclass(frozen=True, slots=True)
class KeepReservation:
    """Guarantee a power at a connector for a time window."""

    reservation: str
    connector: ConnectorId
    start_time: datetime
    end_time: datetime
    power: Power
    """DC at the connector."""


@dataclass(frozen=True, slots=True)
class DropReservation:
    """A reservation ends before its window does."""

    reservation: str


@dataclass(frozen=True, slots=True)
class SetFleetCap:
    """Cap the station at the grid connection for a time."""

    dispatch: str
    cap: Power
    """AC."""
    start_time: datetime | None
    """None: at once."""
    end_time: datetime
    return_within_s: float
    """Power comes back after a random part of this."""
    ramp_up_w_s: float
    """On the way up. Zero: as commissioned."""


@dataclass(frozen=True, slots=True)
class EndFleetCap:
    """A fleet cap ends before its time."""

    dispatch: str


@dataclass(frozen=True, slots=True)
class UnlockConnector:
    """Open the lock of a connector that is not energised."""

    connector: ConnectorId
    kind: Literal["unlock"] = "unlock"
    """Tells it from others with the same fields, where it is kept as JSON."""


@dataclass(frozen=True, slots=True)
class ResetConnector:
    """Let go of a latched fault whose cause is gone."""

    connector: ConnectorId
    kind: Literal["reset"] = "reset"
    """Tells it from others with the same fields, where it is kept as JSON."""


@dataclass(frozen=True, slots=True)
class UploadBlackBox:
    """Send an archive of what the controller recorded."""

    upload: str
    session: str
    """Of which session. Empty: the newest recording."""


ManagerAction = KeepReservation | DropReservation | SetFleetCap | EndFleetCap
"""What the energy manager carries out."""
ChargingAction = StartCharging | StopCharging
StationAction = ChargingAction | ManagerAction | UnlockConnector | ResetConnector | UploadBlackBox


@dataclass(frozen=True, slots=True)
class StationCommand:
    """From the cloud; carried out at most once, and not after `expire_time`."""

    command_id: str
    expire_time: datetime
    action: StationAction
