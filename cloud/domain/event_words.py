"""What a station's record says to an operator: a phrase of the catalogue and its values. Pure."""

from __future__ import annotations

from cloud.words import Phrase, known, text
from powerctl.core.health import FileChunk, StationHealth
from powerctl.core.record import (
    Body,
    CommandResult,
    ConnectorStatusChanged,
    FaultCleared,
    FaultRaised,
    GridEvent,
    LinkReport,
    SecurityEvent,
    StationStarted,
    TransactionEnded,
    TransactionStarted,
)
from powerctl.core.units import Power


def phrase(body: Body) -> Phrase:
    """The kind's sentence, with values."""
    kind = type(body).__name__
    return Phrase(f"event.{kind}", _of_a_session(body) or _of_a_connector(body) or _of_the_station(body))


def _of_a_session(body: Body) -> dict[str, str]:
    match body:
        case TransactionStarted(reading=reading):
            return {"register": _kwh(reading.register_wh)}
        case TransactionEnded(reading=reading, stop_reason=reason, detail=detail):
            return {"reason": f"@stop.{reason.value}", "register": _kwh(reading.register_wh), "detail": text(detail)}
        case _:
            return {}


def _of_a_connector(body: Body) -> dict[str, str]:
    match body:
        case ConnectorStatusChanged(state=state, detail=detail):
            return {"state": f"@state.{state.value}", "detail": text(detail)}
        case FaultRaised(fault=fault):
            return {"fault": _titled(fault.code), "detail": text(fault.detail)}
        case FaultCleared(code=code):
            return {"fault": _titled(code)}
        case CommandResult(outcome=outcome, detail=detail):
            return {"outcome": f"@outcome.{outcome.value}", "detail": text(detail)}
        case _:
            return {}


def _of_the_station(body: Body) -> dict[str, str]:
    match body:
        case StationStarted(software_version=version):
            return {"version": text(version)}
        case GridEvent(kind=kind, source=source, cap=cap):
            return {"kind": f"@kind.{kind.value}", "source": f"@source.{source.value}", "cap": _kw(cap)}
        case SecurityEvent(code=code, detail=detail):
            routine = f"security.{code}"
            return {"what": f"@{routine}" if known(routine) else _titled(code), "detail": text(detail)}
        case LinkReport(signal=signal):
            return {"signal": f"@signal.{signal.value}"}
        case StationHealth(outbox_records=waiting):
            return {"count": f"#{waiting}"}
        case FileChunk(file_name=name, number=number, count=count):
            return {"part": f"#{number + 1}", "parts": f"#{count}", "name": text(name)}
        case _:
            return {}


def _titled(code: str) -> str:
    """The title of an alarm's code; the code itself where nobody has given it one."""
    title = f"alarm.{code}.title"
    return f"@{title}" if known(title) else text(code)


def _kwh(wh: int) -> str:
    return f"#{wh / 1000:.3f}"


def _kw(power: Power) -> str:
    return f"#{power.w / 1000:.1f}"
