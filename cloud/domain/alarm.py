"""What needs a person: how grave it is, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cloud.words import Phrase, english
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
class Kind:
    """What a code means for a person; its words are in the catalogue."""

    severity: Severity
    runbook: str
    """Page in `docs/runbooks`, without its ending."""


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
    values: Mapping[str, str] = field(default_factory=dict)
    """Of the catalogue's sentence about this code; empty: `detail` is the station's own."""


_W, _C = Severity.WARNING, Severity.CRITICAL
OTHER: Final = "other"
"""Stands in the catalogue for codes that nobody has described."""
KINDS: Final[Mapping[str, Kind]] = {
    SILENT: Kind(_W, "alarm-station-silent"),
    DUPLICATE_IDENTITY: Kind(_C, "alarm-duplicate-identity"),
    CERTIFICATE_ENDS: Kind(_W, "alarm-certificate"),
    CONFIG_DRIFT: Kind(_W, "alarm-configuration-drift"),
    "door_opened": Kind(_C, "alarm-door"),
    "door_unwatched": Kind(_C, "alarm-door"),
    "time_jump": Kind(_W, "alarm-clock"),
    "broker_not_trusted": Kind(_C, "alarm-broker"),
    "access_denied": Kind(_W, "alarm-broker"),
    "factory_reset": Kind(_W, "alarm-factory-reset"),
    "update_rejected": Kind(_C, "alarm-update"),
    "update_rolled_back": Kind(_W, "alarm-update"),
    "update_interrupted": Kind(_W, "alarm-update"),
    "certificate_rolled_back": Kind(_W, "alarm-certificate"),
    "emergency_stop": Kind(_C, "alarm-emergency-stop"),
    "earth": Kind(_C, "alarm-electrical-fault"),
    "insulation": Kind(_C, "alarm-electrical-fault"),
    "insulation_test": Kind(_C, "alarm-electrical-fault"),
    "insulation_monitor": Kind(_C, "alarm-electrical-fault"),
    "contactor_welded": Kind(_C, "alarm-electrical-fault"),
    "over_voltage": Kind(_C, "alarm-electrical-fault"),
    "measurement": Kind(_C, "alarm-electrical-fault"),
    "discharge": Kind(_C, "alarm-electrical-fault"),
    "power_stage": Kind(_C, "alarm-power-stage"),
    "lock": Kind(_W, "alarm-lock"),
    "vehicle_fault": Kind(_W, "alarm-vehicle"),
    "incompatible": Kind(_W, "alarm-vehicle"),
    "vehicle_silent": Kind(_W, "alarm-vehicle"),
    "wake_timeout": Kind(_W, "alarm-vehicle"),
    "permit_timeout": Kind(_W, "alarm-vehicle"),
    "contactor_timeout": Kind(_W, "alarm-vehicle"),
    "request_timeout": Kind(_W, "alarm-vehicle"),
    "request_excess": Kind(_W, "alarm-vehicle"),
    "stop_ignored": Kind(_W, "alarm-vehicle"),
    OTHER: Kind(_W, "alarm-other"),
}
NEEDS_NOBODY: Final = frozenset(
    {"controller_started", "door_closed", "update_available", "update_installed", "update_committed"}
)
"""Security events that stand in the audit log and are no alarm."""


def kind(code: str) -> Kind:
    """What an alarm with this code is."""
    return KINDS.get(code, KINDS[OTHER])


def remedy(code: str) -> Phrase:
    """What to do about an alarm with this code."""
    return Phrase(f"alarm.{code if code in KINDS else OTHER}.remedy")


def told(code: str, values: Mapping[str, str]) -> str:
    """What the cloud itself has noticed, in English."""
    return english(Phrase(f"alarm.{code}.detail", values))
