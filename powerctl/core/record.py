"""What a station remembers until the cloud has it: the entries of the outbox, as values.

Their wire form and fuller field comments are in `protos/powerctl/v1/uplink.proto`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from powerctl.core.fault import Fault
from powerctl.core.health import ConfigurationReported, FileChunk, StationHealth
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.session import ConnectorState, StopReason
from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.topology import ConnectorType
from powerctl.core.units import Current, Energy, Power, Voltage


class Lane(IntEnum):
    """Priority in the outbox; a lower value is sent first and dropped last."""

    BILLING = 0
    """Billing, safety, security: synced to disk before use, never dropped."""
    STATUS = 1
    TELEMETRY = 2
    """Thinned when the outbox is full."""


@dataclass(frozen=True, slots=True)
class ConnectorDescription:
    """A connector as the cloud lists it."""

    connector: ConnectorId
    type: ConnectorType
    max_power: Power
    position: str
    """`left` or `right`, as a person stands in front of the station."""


@dataclass(frozen=True, slots=True)
class StationStarted:
    """The controller started; makes the station appear in the cloud."""

    boot_id: str
    software_version: str
    connectors: tuple[ConnectorDescription, ...]
    display_name: str
    address: str
    latitude: float | None
    longitude: float | None
    simulated: bool


@dataclass(frozen=True, slots=True)
class ConnectorStatusChanged:
    """The connector's state changed."""

    connector: ConnectorId
    state: ConnectorState
    session: SessionId | None
    detail: str


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A plug went in."""

    session: SessionId
    connector: ConnectorId


class ClockStatus(StrEnum):
    """How far the time of a reading can be trusted: the letters of OCMF 1.4, table 19."""

    UNKNOWN = "U"
    INFORMATIVE = "I"
    """Nobody sets the clock."""
    SYNCHRONISED = "S"
    RELATIVE = "R"
    """Counted from the reading at the start by a clock that nobody sets."""


@dataclass(frozen=True, slots=True)
class MeterReading:
    """One reading of a DC meter's cumulative register."""

    meter_serial: str
    register_wh: int
    read_time: datetime
    valid: bool
    """False: not fit for billing."""
    clock: ClockStatus = ClockStatus.UNKNOWN
    """Of `read_time`."""


@dataclass(frozen=True, slots=True)
class TransactionStarted:
    """Metering began."""

    session: SessionId
    connector: ConnectorId
    reading: MeterReading
    command_id: str
    """Empty: started at the station."""


@dataclass(frozen=True, slots=True)
class TransactionEnded:
    """Metering ended; one record is enough to bill."""

    session: SessionId
    connector: ConnectorId
    reading: MeterReading
    stop_reason: StopReason
    detail: str
    start_reading: MeterReading | None
    """None: the start was not measured; nothing is billed without review."""
    start_time: datetime | None
    idle_s: int
    """Seconds in which the vehicle asked for nothing while power was on offer."""


@dataclass(frozen=True, slots=True)
class SignedMeterRecord:
    """What the meter itself has signed for one transaction."""

    session: SessionId
    transaction: str
    """The meter's name of the transaction."""
    content: bytes
    """As the meter gave it, byte for byte: OCMF."""


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The plug came out."""

    session: SessionId
    connector: ConnectorId


class PlanState(StrEnum):
    """What the plan process does."""

    OFF = "off"
    """Not commissioned: power is divided without a plan."""
    IDLE = "idle"
    """Nothing to plan: at most one vehicle, and no price."""
    USED = "used"
    """A plan shapes the shares."""
    FAILED = "failed"
    """The newest plan did not come or was not acceptable."""


@dataclass(frozen=True, slots=True)
class PlanStatus:
    """How the plan fares. Limits hold whatever it does."""

    state: PlanState
    detail: str
    """What happened and what holds now, for a person."""
    since: datetime


@dataclass(frozen=True, slots=True)
class FlexibilitySpan:
    """What can be done around the expected power in one span of time, watts DC."""

    begin_s: int
    """From the moment at which it was told."""
    expected_w: int
    down_w: int
    """What can be shed of it."""
    up_w: int
    """What can be taken up beside it, under the cap."""
    confidence_percent: int
    """How likely it is that a vehicle is there."""
    down_ac_w: int | None = None
    """What can be shed at the grid connection, watts AC. None: not told."""
    up_ac_w: int | None = None
    """What can be taken up at the grid connection, watts AC. None: not told."""


@dataclass(frozen=True, slots=True)
class StationLimits:
    """The limits of the whole station, AC at the grid connection, and what its energy manager makes of them."""

    cap: Power
    source: LimitSource
    detail: str
    until: datetime | None
    sources: tuple[Limit, ...]
    """The cap of every live source, lowest first."""
    plan: PlanStatus | None = None
    """None: not told."""
    flexibility: tuple[FlexibilitySpan, ...] = ()
    """Now first, then hour by hour as far as the plan reaches."""
    hourly_price: tuple[float, ...] = ()
    """Per kilowatt hour from the grid, this hour first, as far as the grid has told."""
    price_currency: str = ""
    """ISO 4217. Empty: not told."""


@dataclass(frozen=True, slots=True)
class ConnectorTelemetry:
    """Live values of one connector, DC."""

    connector: ConnectorId
    session: SessionId | None
    state: ConnectorState
    voltage: Voltage
    current: Current
    power: Power
    soc_percent: float | None
    session_energy: Energy
    limit: Power
    reasons: tuple[Limit, ...]
    """Lowest first; the first binds."""
    target: Power
    command: Command | None
    """None: no setpoint was ever taken."""
    remaining_s: float | None


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Live values of the station."""

    ac_power: Power | None
    limits: StationLimits | None
    connectors: tuple[ConnectorTelemetry, ...]
    manager_connected: bool


@dataclass(frozen=True, slots=True)
class FaultRaised:
    """A fault began."""

    connector: ConnectorId
    fault: Fault


@dataclass(frozen=True, slots=True)
class FaultCleared:
    """A fault ended."""

    connector: ConnectorId
    code: str


class CommandOutcome(StrEnum):
    """What became of a command."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    """Taken after its expiry; nothing was done."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The station's answer to a command."""

    command_id: str
    outcome: CommandOutcome
    detail: str


class GridEventKind(StrEnum):
    """A step in the life of a grid signal."""

    RECEIVED = "received"
    APPLIED = "applied"
    COMPLIED = "complied"
    RELEASED = "released"
    FAILSAFE = "failsafe"


@dataclass(frozen=True, slots=True)
class GridEvent:
    """What the grid asked, and when the station complied."""

    kind: GridEventKind
    source: LimitSource
    cap: Power
    measured: Power | None
    event_time: datetime
    detail: str


class SignalClass(StrEnum):
    """The mobile signal in steps that a person can act on."""

    UNKNOWN = "unknown"
    """The modem does not know; that is not bad news."""
    NONE = "none"
    MARGINAL = "marginal"
    OK = "ok"
    GOOD = "good"
    EXCELLENT = "excellent"

    @property
    def weak(self) -> bool:
        """True when every byte is dear."""
        return self in {SignalClass.NONE, SignalClass.MARGINAL}


@dataclass(frozen=True, slots=True)
class LinkReport:
    """The station's mobile link."""

    signal: SignalClass
    rssi_dbm: int | None
    csq: int | None
    """What the modem said to AT+CSQ."""


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """Something that may be an attack, as the station saw it."""

    code: str
    detail: str
    event_time: datetime


Body = (
    StationStarted
    | ConnectorStatusChanged
    | SessionOpened
    | TransactionStarted
    | TransactionEnded
    | SessionClosed
    | Telemetry
    | FaultRaised
    | FaultCleared
    | CommandResult
    | GridEvent
    | LinkReport
    | SecurityEvent
    | StationHealth
    | ConfigurationReported
    | FileChunk
    | SignedMeterRecord
)


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the outbox, before it has a sequence."""

    record_time: datetime
    body: Body


def lane_of(body: Body) -> Lane:
    """The lane that a record of this kind travels in."""
    if isinstance(body, (Telemetry, LinkReport)):
        return Lane.TELEMETRY
    if isinstance(body, (StationStarted, ConnectorStatusChanged, StationHealth, ConfigurationReported, FileChunk)):
        return Lane.STATUS
    return Lane.BILLING
