"""The bodies of records between protobuf and the domain, and the table of them.

Every `*_from_wire` raises `RemoteError` on a message that the domain cannot hold. Every `*_to_wire` raises
`ValueError` on a value that must not travel, and shortens texts to what the other side takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from powerctl.core.errors import RemoteError
from powerctl.core.fault import Fault
from powerctl.core.health import ConfigurationReported, FileChunk, StationHealth
from powerctl.core.record import (
    Body,
    ClockStatus,
    CommandOutcome,
    CommandResult,
    ConnectorDescription,
    ConnectorStatusChanged,
    FaultCleared,
    FaultRaised,
    GridEvent,
    GridEventKind,
    LinkReport,
    MeterReading,
    SecurityEvent,
    SessionClosed,
    SessionOpened,
    SignalClass,
    SignedMeterRecord,
    StationStarted,
    Telemetry,
    TransactionEnded,
    TransactionStarted,
)
from powerctl.core.units import Power
from powerctl.v1 import uplink_pb2 as pb
from powerctl.wire.common import (
    CONNECTOR_STATE,
    CONNECTOR_TYPE,
    LIMIT_SOURCE,
    MAX_TEXT,
    STOP_REASON,
    EnumCodec,
    number_from_wire,
    power_from_wire,
    text_from_wire,
    time_from_wire,
    time_to_wire,
)
from powerctl.wire.health import (
    chunk_from_wire,
    chunk_to_wire,
    configuration_from_wire,
    configuration_to_wire,
    health_from_wire,
    health_to_wire,
)
from powerctl.wire.ids import MAX_CONNECTORS, MAX_ID, connector_from_wire, id_from_wire, session_from_wire
from powerctl.wire.signed import signed_from_wire, signed_to_wire
from powerctl.wire.telemetry import telemetry_from_wire, telemetry_to_wire

MAX_REGISTER_WH: Final = 10**12
MAX_IDLE_S: Final = 10 * 365 * 86400

COMMAND_OUTCOME: Final = EnumCodec(CommandOutcome, pb.CommandOutcome, "COMMAND_OUTCOME")
SIGNAL_CLASS: Final = EnumCodec(SignalClass, pb.SignalClass, "SIGNAL_CLASS")
GRID_EVENT_KIND: Final = EnumCodec(GridEventKind, pb.GridEventKind, "GRID_EVENT_KIND")

_CLOCK_STATUS: Final = {status: pb.ClockStatus.Value(f"CLOCK_STATUS_{status.name}") for status in ClockStatus}
_CLOCK_LETTER: Final = {number: status for status, number in _CLOCK_STATUS.items()}


def _clip(text: str) -> str:
    return text[:MAX_TEXT]


def _watts(power: Power, what: str) -> float:
    if not math.isfinite(power.w):
        raise ValueError(f"{what}: {power.w} W has no place on a wire")
    return power.w


def reading_to_wire(reading: MeterReading) -> pb.MeterReading:
    """`reading` as a message."""
    return pb.MeterReading(
        meter_serial=reading.meter_serial,
        register_wh=reading.register_wh,
        read_time=time_to_wire(reading.read_time),
        valid=reading.valid,
        clock_status=_CLOCK_STATUS[reading.clock],
    )


def reading_from_wire(message: pb.MeterReading) -> MeterReading:
    """The reading in `message`. A doubtful value passes, with `valid` as it came; an impossible one does not.

    Raises:
        RemoteError: The register is negative or absurd, or a field is missing.
    """
    if not message.HasField("read_time"):
        raise RemoteError("meter reading: no time")
    if not 0 <= message.register_wh <= MAX_REGISTER_WH:
        raise RemoteError(f"meter reading: register {message.register_wh} Wh")
    return MeterReading(
        meter_serial=text_from_wire(message.meter_serial, "meter serial", MAX_ID),
        register_wh=message.register_wh,
        read_time=time_from_wire(message.read_time, "reading time"),
        valid=message.valid,
        clock=_CLOCK_LETTER.get(message.clock_status, ClockStatus.UNKNOWN),
    )


def _required_reading(message: Any) -> MeterReading:
    if not message.HasField("reading"):
        raise RemoteError("transaction without a meter reading")
    return reading_from_wire(message.reading)


def _started_to_wire(body: StationStarted) -> pb.StationStarted:
    return pb.StationStarted(
        boot_id=body.boot_id,
        software_version=body.software_version,
        connectors=[
            pb.ConnectorDescription(
                connector=connector.connector,
                type=CONNECTOR_TYPE.to_wire(connector.type),
                max_power_w=_watts(connector.max_power, "maximum power"),
                position=connector.position,
            )
            for connector in body.connectors
        ],
        display_name=_clip(body.display_name),
        address=_clip(body.address),
        latitude=body.latitude,
        longitude=body.longitude,
        simulated=body.simulated,
    )


def _started_from_wire(message: pb.StationStarted) -> StationStarted:
    if not 1 <= len(message.connectors) <= MAX_CONNECTORS:
        raise RemoteError(f"{len(message.connectors)} connectors: must be 1 to {MAX_CONNECTORS}")
    connectors = tuple(_description_from_wire(connector) for connector in message.connectors)
    if len({connector.connector for connector in connectors}) != len(connectors):
        raise RemoteError("two connectors have the same number")
    return StationStarted(
        boot_id=text_from_wire(message.boot_id, "boot id", MAX_ID),
        software_version=text_from_wire(message.software_version, "software version", MAX_ID),
        connectors=connectors,
        display_name=text_from_wire(message.display_name, "display name"),
        address=text_from_wire(message.address, "address"),
        latitude=_degrees(message, "latitude", 90.0),
        longitude=_degrees(message, "longitude", 180.0),
        simulated=message.simulated,
    )


def _description_from_wire(message: pb.ConnectorDescription) -> ConnectorDescription:
    if message.position not in {"left", "right"}:
        raise RemoteError(f"position {message.position[:MAX_ID]!r}: must be left or right")
    return ConnectorDescription(
        connector=connector_from_wire(message.connector),
        type=CONNECTOR_TYPE.from_wire(message.type),
        max_power=power_from_wire(message.max_power_w, "maximum power"),
        position=message.position,
    )


def _degrees(message: pb.StationStarted, field: str, most: float) -> float | None:
    if not message.HasField(field):  # type: ignore[arg-type]
        return None
    return number_from_wire(getattr(message, field), field, low=-most, high=most)


def _status_to_wire(body: ConnectorStatusChanged) -> pb.ConnectorStatusChanged:
    return pb.ConnectorStatusChanged(
        connector=body.connector,
        state=CONNECTOR_STATE.to_wire(body.state),
        session=body.session or "",
        detail=_clip(body.detail),
    )


def _status_from_wire(message: pb.ConnectorStatusChanged) -> ConnectorStatusChanged:
    return ConnectorStatusChanged(
        connector=connector_from_wire(message.connector),
        state=CONNECTOR_STATE.from_wire(message.state),
        session=session_from_wire(message.session) if message.session else None,
        detail=text_from_wire(message.detail, "detail"),
    )


def _opened_to_wire(body: SessionOpened) -> pb.SessionOpened:
    return pb.SessionOpened(session=body.session, connector=body.connector)


def _opened_from_wire(message: pb.SessionOpened) -> SessionOpened:
    return SessionOpened(session_from_wire(message.session), connector_from_wire(message.connector))


def _closed_to_wire(body: SessionClosed) -> pb.SessionClosed:
    return pb.SessionClosed(session=body.session, connector=body.connector)


def _closed_from_wire(message: pb.SessionClosed) -> SessionClosed:
    return SessionClosed(session_from_wire(message.session), connector_from_wire(message.connector))


def _begun_to_wire(body: TransactionStarted) -> pb.TransactionStarted:
    return pb.TransactionStarted(
        session=body.session,
        connector=body.connector,
        reading=reading_to_wire(body.reading),
        command_id=body.command_id,
    )


def _begun_from_wire(message: pb.TransactionStarted) -> TransactionStarted:
    return TransactionStarted(
        session=session_from_wire(message.session),
        connector=connector_from_wire(message.connector),
        reading=_required_reading(message),
        command_id=id_from_wire(message.command_id, "command id") if message.command_id else "",
    )


def _ended_to_wire(body: TransactionEnded) -> pb.TransactionEnded:
    return pb.TransactionEnded(
        session=body.session,
        connector=body.connector,
        reading=reading_to_wire(body.reading),
        stop_reason=STOP_REASON.to_wire(body.stop_reason),
        detail=_clip(body.detail),
        start_reading=reading_to_wire(body.start_reading) if body.start_reading else None,
        start_time=time_to_wire(body.start_time) if body.start_time else None,
        idle_s=body.idle_s,
    )


def _ended_from_wire(message: pb.TransactionEnded) -> TransactionEnded:
    if not 0 <= message.idle_s <= MAX_IDLE_S:
        raise RemoteError(f"idle time {message.idle_s} s")
    return TransactionEnded(
        session=session_from_wire(message.session),
        connector=connector_from_wire(message.connector),
        reading=_required_reading(message),
        stop_reason=STOP_REASON.from_wire(message.stop_reason),
        detail=text_from_wire(message.detail, "detail"),
        start_reading=reading_from_wire(message.start_reading) if message.HasField("start_reading") else None,
        start_time=time_from_wire(message.start_time, "start time") if message.HasField("start_time") else None,
        idle_s=message.idle_s,
    )


def _fault_to_wire(body: FaultRaised) -> pb.FaultRaised:
    fault = body.fault
    return pb.FaultRaised(connector=body.connector, code=fault.code, detail=_clip(fault.detail), latched=fault.latched)


def _fault_from_wire(message: pb.FaultRaised) -> FaultRaised:
    fault = Fault(
        code=id_from_wire(message.code, "fault code"),
        detail=text_from_wire(message.detail, "detail"),
        latched=message.latched,
    )
    return FaultRaised(connector_from_wire(message.connector), fault)


def _cleared_to_wire(body: FaultCleared) -> pb.FaultCleared:
    return pb.FaultCleared(connector=body.connector, code=body.code)


def _cleared_from_wire(message: pb.FaultCleared) -> FaultCleared:
    return FaultCleared(connector_from_wire(message.connector), id_from_wire(message.code, "fault code"))


def command_result_to_wire(body: CommandResult) -> pb.CommandResult:
    """`body` as a message."""
    return pb.CommandResult(
        command_id=body.command_id,
        outcome=COMMAND_OUTCOME.to_wire(body.outcome),
        detail=_clip(body.detail),
    )


def command_result_from_wire(message: pb.CommandResult) -> CommandResult:
    """The answer in `message`. Raises RemoteError: a field is not acceptable."""
    return CommandResult(
        command_id=id_from_wire(message.command_id, "command id"),
        outcome=COMMAND_OUTCOME.from_wire(message.outcome),
        detail=text_from_wire(message.detail, "detail"),
    )


def grid_event_to_wire(body: GridEvent) -> pb.GridEvent:
    """`body` as a message."""
    return pb.GridEvent(
        kind=GRID_EVENT_KIND.to_wire(body.kind),
        source=LIMIT_SOURCE.to_wire(body.source),
        cap_w=_watts(body.cap, "cap"),
        measured_w=_watts(body.measured, "measured power") if body.measured is not None else None,
        event_time=time_to_wire(body.event_time),
        detail=_clip(body.detail),
    )


def grid_event_from_wire(message: pb.GridEvent) -> GridEvent:
    """The event in `message`. Raises RemoteError: a field is missing or not acceptable."""
    if not message.HasField("event_time"):
        raise RemoteError("grid event: no time")
    measured = None
    if message.HasField("measured_w"):
        measured = Power(number_from_wire(message.measured_w, "measured power", low=-1e8, high=1e8))
    return GridEvent(
        kind=GRID_EVENT_KIND.from_wire(message.kind),
        source=LIMIT_SOURCE.from_wire(message.source),
        cap=power_from_wire(message.cap_w, "cap"),
        measured=measured,
        event_time=time_from_wire(message.event_time, "event time"),
        detail=text_from_wire(message.detail, "detail"),
    )


def _link_to_wire(body: LinkReport) -> pb.LinkReport:
    return pb.LinkReport(signal_class=SIGNAL_CLASS.to_wire(body.signal), rssi_dbm=body.rssi_dbm, csq=body.csq)


def _link_from_wire(message: pb.LinkReport) -> LinkReport:
    rssi = message.rssi_dbm if message.HasField("rssi_dbm") else None
    csq = message.csq if message.HasField("csq") else None
    if (rssi is not None and not -200 <= rssi <= 0) or (csq is not None and not 0 <= csq <= 255):
        raise RemoteError("link report: a figure that no modem says")
    return LinkReport(SIGNAL_CLASS.from_wire(message.signal_class), rssi, csq)


def _security_to_wire(body: SecurityEvent) -> pb.SecurityEvent:
    return pb.SecurityEvent(code=body.code, detail=_clip(body.detail), event_time=time_to_wire(body.event_time))


def _security_from_wire(message: pb.SecurityEvent) -> SecurityEvent:
    if not message.HasField("event_time"):
        raise RemoteError("security event: no time")
    return SecurityEvent(
        code=id_from_wire(message.code, "security event code"),
        detail=text_from_wire(message.detail, "detail"),
        event_time=time_from_wire(message.event_time, "event time"),
    )


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: a field of the protobuf message `Record` and its domain twin."""

    field: str
    domain: type[Body]
    to_wire: Callable[[Any], Any]
    from_wire: Callable[[Any], Body]


KINDS: Final = (
    Kind("station_started", StationStarted, _started_to_wire, _started_from_wire),
    Kind("connector_status_changed", ConnectorStatusChanged, _status_to_wire, _status_from_wire),
    Kind("session_opened", SessionOpened, _opened_to_wire, _opened_from_wire),
    Kind("transaction_started", TransactionStarted, _begun_to_wire, _begun_from_wire),
    Kind("transaction_ended", TransactionEnded, _ended_to_wire, _ended_from_wire),
    Kind("session_closed", SessionClosed, _closed_to_wire, _closed_from_wire),
    Kind("telemetry", Telemetry, telemetry_to_wire, telemetry_from_wire),
    Kind("fault_raised", FaultRaised, _fault_to_wire, _fault_from_wire),
    Kind("fault_cleared", FaultCleared, _cleared_to_wire, _cleared_from_wire),
    Kind("command_result", CommandResult, command_result_to_wire, command_result_from_wire),
    Kind("grid_event", GridEvent, grid_event_to_wire, grid_event_from_wire),
    Kind("link_report", LinkReport, _link_to_wire, _link_from_wire),
    Kind("security_event", SecurityEvent, _security_to_wire, _security_from_wire),
    Kind("station_health", StationHealth, health_to_wire, health_from_wire),
    Kind("configuration_reported", ConfigurationReported, configuration_to_wire, configuration_from_wire),
    Kind("file_chunk", FileChunk, chunk_to_wire, chunk_from_wire),
    Kind("signed_meter_record", SignedMeterRecord, signed_to_wire, signed_from_wire),
)
