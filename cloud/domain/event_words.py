"""What a station's record says, in one sentence for an operator. Pure."""

from __future__ import annotations

from powerctl.core.health import ConfigurationReported, FileChunk, StationHealth
from powerctl.core.record import (
    Body,
    CommandResult,
    ConnectorStatusChanged,
    FaultCleared,
    FaultRaised,
    GridEvent,
    LinkReport,
    SecurityEvent,
    SessionClosed,
    SessionOpened,
    StationStarted,
    TransactionEnded,
    TransactionStarted,
)


def sentence(body: Body) -> str:
    """One sentence."""
    return _of_a_session(body) or _of_a_connector(body) or _of_the_station(body) or type(body).__name__


def _of_a_session(body: Body) -> str:
    match body:
        case SessionOpened():
            return "A vehicle was plugged in."
        case SessionClosed():
            return "The vehicle was unplugged."
        case TransactionStarted(reading=reading):
            return f"Charging began at {reading.register_wh / 1000:.3f} kWh of the meter."
        case TransactionEnded(reading=reading, stop_reason=reason, detail=detail):
            return f"Charging ended ({reason.value}) at {reading.register_wh / 1000:.3f} kWh. {detail}".strip()
        case _:
            return ""


def _of_a_connector(body: Body) -> str:
    match body:
        case ConnectorStatusChanged(state=state, detail=detail):
            return f"The connector is {state.value}. {detail}".strip()
        case FaultRaised(fault=fault):
            return f"Fault {fault.code}: {fault.detail}"
        case FaultCleared(code=code):
            return f"Fault {code} is over."
        case CommandResult(outcome=outcome, detail=detail):
            return f"A command was {outcome.value}. {detail}".strip()
        case _:
            return ""


def _of_the_station(body: Body) -> str:
    match body:
        case StationStarted(software_version=version):
            return f"The controller started with version {version}."
        case GridEvent(kind=kind, source=source, cap=cap):
            return f"The limit of {source.value} was {kind.value}: {cap}."
        case SecurityEvent(code=code, detail=detail):
            return f"Security: {code}. {detail}".strip()
        case LinkReport(signal=signal):
            return f"The mobile signal is {signal.value}."
        case StationHealth(outbox_records=waiting):
            return f"{waiting} records wait for the cloud."
        case ConfigurationReported():
            return "The station told its configuration."
        case FileChunk(file_name=name, number=number, count=count):
            return f"Part {number + 1} of {count} of {name} arrived."
        case _:
            return ""
