"""What needs a person: how grave it is, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from powerctl.core.ids import ConnectorId, StationId

STATION: Final = ConnectorId(0)
"""Stands for the station as a whole."""
SILENT: Final = "station_silent"
DUPLICATE_IDENTITY: Final = "duplicate_identity"
CERTIFICATE_ENDS: Final = "certificate_ends_soon"
CONFIG_DRIFT: Final = "configuration_drift"
CERTIFICATE_MARGIN: Final = timedelta(days=14)


class Severity(StrEnum):
    """How soon somebody must look."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Advice:
    """What a code means for a person."""

    severity: Severity
    remedy: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person must look at."""

    id: str
    station: StationId
    connector: ConnectorId
    """`STATION`: of the station as a whole."""
    code: str
    detail: str
    """One sentence."""
    start_time: datetime
    end_time: datetime | None = None
    """None: not over."""
    acknowledge_time: datetime | None = None
    acknowledged_by: str = ""
    note: str = ""


_W, _C = Severity.WARNING, Severity.CRITICAL
_ON_SITE: Final = "Send a technician before anybody charges here; then reset the connector."
_LOOK: Final = "Look at the session's events and the recording; a repeated one needs a technician."
_ADVICE: Final[Mapping[str, Advice]] = {
    SILENT: Advice(_W, "Check the station's mobile signal and supply. Charging goes on without the cloud."),
    DUPLICATE_IDENTITY: Advice(_C, "A key was copied: revoke the station's certificates and enrol it anew."),
    CERTIFICATE_ENDS: Advice(_W, "Renewal does not work: look at the station's security events, or enrol it anew."),
    CONFIG_DRIFT: Advice(_W, "Compare the reported configuration with the desired one; adopt it or have it corrected."),
    "door_opened": Advice(_C, "Ask who works there. If nobody does: send somebody who looks into the cabinet."),
    "door_unwatched": Advice(_C, "The contact of the door is lost: its line may have been cut. Send a technician."),
    "time_jump": Advice(
        _W, "Compare the station's clock with its time service; sessions of that time may need review."
    ),
    "broker_not_trusted": Advice(_C, "Somebody answers in the place of the broker, or its certificate has changed."),
    "access_denied": Advice(_W, "The broker refuses the station's topics: compare its certificate with the rules."),
    "factory_reset": Advice(_W, "The station was wiped at the site. Unexpected: revoke its former certificates."),
    "start_not_permitted": Advice(
        _C, "Somebody else than the back end asks the station to charge: look at the broker."
    ),
    "update_rejected": Advice(_C, "A release without a good signature was offered: find out by whom."),
    "update_rolled_back": Advice(_W, "The new release was not healthy in time; the former one runs."),
    "certificate_rolled_back": Advice(_W, "The broker did not take the new certificate; the former one is in use."),
    "emergency_stop": Advice(_C, "Somebody pressed the emergency stop. Ask why; release the button at the station."),
    "earth": Advice(_C, _ON_SITE),
    "insulation": Advice(_C, _ON_SITE),
    "insulation_monitor": Advice(_C, _ON_SITE),
    "contactor_welded": Advice(_C, _ON_SITE),
    "lock": Advice(_W, "Unlock the connector; if the plug stays stuck, send a technician."),
    "over_voltage": Advice(_C, _ON_SITE),
    "power_stage": Advice(_C, "Look at the power modules; reset the connector once, then send a technician."),
    "measurement": Advice(_C, _ON_SITE),
    "vehicle_fault": Advice(_W, "The vehicle reports a fault of its own: the driver should try another station."),
    "incompatible": Advice(_W, "The vehicle cannot charge here: the driver should try another station."),
}
NEEDS_NOBODY: Final = frozenset(
    {"controller_started", "door_closed", "update_available", "update_installed", "update_committed"}
)
"""Security events that stand in the audit log and are no alarm."""
_UNKNOWN_FAULT: Final = Advice(_W, _LOOK)


def advice(code: str) -> Advice:
    """What to do about an alarm with this code."""
    return _ADVICE.get(code, _UNKNOWN_FAULT)
