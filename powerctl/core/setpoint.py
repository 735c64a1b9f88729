"""Limits with reasons, setpoints, and leases: a setpoint that ends by itself."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from powerctl.core.clock import Monotonic, after
from powerctl.core.ids import ConnectorId
from powerctl.core.units import ZERO_POWER, Power

LEASE_SECONDS = 3.0
"""How long a setpoint holds without renewal (architecture, rule 2)."""
RENEW_SECONDS = 1.0
"""How often an unchanged setpoint is renewed (architecture, rule 2)."""
MAX_LEASE_SECONDS = 60.0


class LimitSource(StrEnum):
    """Who or what sets a limit; the meaning of each is in `protos/powerctl/v1/common.proto`."""

    HARDWARE = "hardware"
    CABLE = "cable"
    MODULES = "modules"
    THERMAL = "thermal"
    VEHICLE = "vehicle"
    SHARE = "share"
    DSO = "dso"
    EMS = "ems"
    AGGREGATOR = "aggregator"
    OPERATOR = "operator"
    LOCAL_CONTACT = "local_contact"
    FREQUENCY = "frequency"
    SCHEDULE = "schedule"
    FAILSAFE = "failsafe"
    FALLBACK = "fallback"
    RAMP = "ramp"
    HANDOVER = "handover"
    PLAN = "plan"
    SITE_METER = "site_meter"
    EMERGENCY = "emergency"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Limit:
    """One bound, and why."""

    source: LimitSource
    limit: Power
    detail: str
    """One sentence for a person."""
    until: datetime | None = None
    """Until when it is known to hold. None: until revoked."""


def binding(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """`limits`, lowest first: the first one binds. Equal limits keep their order."""
    return tuple(sorted(limits, key=lambda limit: limit.limit))


class Command(StrEnum):
    """What a connector is told to do. Zero watts is never one of these."""

    RUN = "run"
    HOLD_MIN = "hold_min"
    PAUSE = "pause"
    STOP = "stop"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Setpoint:
    """A leased limit for one connector."""

    connector: ConnectorId
    sequence: int
    """Rises by one per connector and stream."""
    command: Command
    limit: Power
    """DC, at the connector; never negative."""
    duration_s: float
    """From receipt, on the receiver's monotonic clock."""
    settle_s: float
    """Within this time a decrease must have reached the power stage; 0: at once."""
    reasons: tuple[Limit, ...] = ()
    """Lowest first; the first binds."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.limit.value) or self.limit < ZERO_POWER:
            raise ValueError(f"limit {self.limit.value} W: must be finite and not negative")
        if not 0.0 < self.duration_s <= MAX_LEASE_SECONDS:
            raise ValueError(f"duration {self.duration_s} s: must be above 0 and at most {MAX_LEASE_SECONDS:.0f}")
        if not 0.0 <= self.settle_s <= MAX_LEASE_SECONDS:
            raise ValueError(f"settle time {self.settle_s} s: must be 0 to {MAX_LEASE_SECONDS:.0f}")


@dataclass(frozen=True, slots=True)
class Lease:
    """A setpoint with the instant at which it ends on our clock."""

    setpoint: Setpoint
    received_at: Monotonic

    @property
    def expires_at(self) -> Monotonic:
        """The first instant at which it no longer holds."""
        return after(self.received_at, self.setpoint.duration_s)

    def holds(self, now: Monotonic) -> bool:
        """True while the lease has not ended."""
        return now < self.expires_at
