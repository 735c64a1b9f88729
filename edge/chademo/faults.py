"""Faults: when each is seen, what it says to a person, and what the vehicle is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from edge.chademo.conditions import held, silent
from edge.chademo.frames import StationFlag, VehicleFault, VehicleFlag
from edge.chademo.phase import AFTER_D2, BEFORE_D2, LIVE, PROMISED, Phase
from edge.chademo.profile import broken
from edge.chademo.state import Session
from edge.chademo.table import Code
from edge.chademo.timing import Time
from powerctl.core.clock import Monotonic
from powerctl.core.fault import Fault

_ACTIVE: Final = BEFORE_D2 | AFTER_D2
_EVERY: Final = frozenset(Phase)
_TOLD_BY_ROW: Final = frozenset[Phase]()


def _never(session: Session, now: Monotonic) -> bool:
    return False


def _insulation(session: Session, now: Monotonic) -> bool:
    kohm = session.output.insulation_kohm
    low = kohm is not None and kohm < session.config.min_insulation_kohm
    return low and (session.phase is not Phase.TESTING or held(session, now))


def _test_broken(session: Session, now: Monotonic) -> bool:
    output = session.output
    return broken(output.voltage_v, output.current_a, session.test_v)


def _request_excess(session: Session, now: Monotonic) -> bool:
    most_a, since = session.config.excess_request_a, session.follow.above_since
    if most_a is None or since is None or session.heard.request_a <= session.ramp.announced_a + most_a:
        return False
    return now - since >= session.config.seconds(Time.GRACE) + session.config.seconds(Time.DISOBEY)


def _monitor_silent(session: Session, now: Monotonic) -> bool:
    at = session.output.insulation_at
    return at is None or now - at >= session.config.seconds(Time.INSULATION_SILENT)


def _output_silent(session: Session, now: Monotonic) -> bool:
    at = session.output.at
    if at is None:
        return now - session.entered_at >= session.config.seconds(Time.OUTPUT_SILENT)
    return session.heard_by(now) - at >= session.config.seconds(Time.OUTPUT_SILENT)


def _over_voltage(session: Session, now: Monotonic) -> bool:
    return session.pact is not None and session.output.voltage_v >= session.pact.threshold_v


def _excess(session: Session, now: Monotonic) -> bool:
    since = session.output.excess_since
    return since is not None and now - since >= session.config.seconds(Time.EXCESS)


def _incompatible(session: Session, now: Monotonic) -> bool:
    control, limits = session.heard.control, session.heard.limits
    if not session.pilot.k or not session.heard.enabled or control is None or limits is None:
        return False
    return (
        control.target_voltage_v > session.config.max_voltage.v or limits.max_voltage_v <= session.config.min_voltage.v
    )


def _vehicle_fault(session: Session, now: Monotonic) -> bool:
    control = session.heard.control
    return control is not None and (bool(control.faults) or VehicleFlag.SYSTEM_FAULT in control.flags)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    detail: str
    """One sentence for a person, with the remedy where there is one."""
    flag: StationFlag
    """What 109 says."""
    phases: frozenset[Phase]
    """Where `seen` is asked. Empty: a row of the table raises it, or an event."""
    seen: Callable[[Session, Monotonic], bool]
    source: str


_OURS, _THEIRS = StationFlag.MALFUNCTION, StationFlag.SYSTEM_MALFUNCTION

KINDS: Final[Mapping[Code, Kind]] = {
    Code.EMERGENCY_STOP: Kind(
        "Emergency stop: release the button, then release the fault.", _OURS, _TOLD_BY_ROW, _never, "3.2"
    ),
    Code.EARTH: Kind(
        "Protective earth is missing: have the installation checked.",
        _OURS,
        _EVERY,
        lambda session, now: not session.pilot.pe,
        "2, pin 1 (RTM 004)",
    ),
    Code.INSULATION: Kind(
        "Insulation of cable or vehicle is too low: do not use, have it checked.",
        _THEIRS,
        frozenset({Phase.TESTING, *AFTER_D2}),
        _insulation,
        "2 (RTM 005, 009, 030)",
    ),
    Code.INSULATION_TEST: Kind(
        "The insulation test went wrong: try again.",
        _OURS,
        frozenset({Phase.TESTING}),
        _test_broken,
        "3.1 step 9; 3.6",
    ),
    Code.INSULATION_MONITOR: Kind(
        "The insulation monitor gives no values: have it checked.",
        _OURS,
        frozenset({Phase.DISCHARGING, *AFTER_D2}),
        _monitor_silent,
        "2 (RTM 029)",
    ),
    Code.LOCK: Kind(
        "The connector's lock is not closed: push the plug in fully and try again.",
        _OURS,
        frozenset({Phase.TESTING, Phase.DISCHARGING, *AFTER_D2}),
        lambda session, now: not session.pilot.lock_feedback,
        "2; a real station's list in 5",
    ),
    Code.CONTACTOR_WELDED: Kind(
        "There is voltage on the connector or the vehicle's contactor does not open: do not touch, call service.",
        _THEIRS,
        _TOLD_BY_ROW,
        _never,
        "3.3",
    ),
    Code.OVER_VOLTAGE: Kind(
        "The battery's highest voltage was reached: charging ended.", _THEIRS, LIVE, _over_voltage, "1.2, 108.4"
    ),
    Code.POWER_STAGE: Kind(
        "The power stage does not follow its command: have it checked.", _OURS, AFTER_D2, _excess, "4; 3.3 step 3"
    ),
    Code.MEASUREMENT: Kind(
        "The output is not being measured: have the power stage checked.", _OURS, _ACTIVE, _output_silent, "1.2, 109"
    ),
    Code.DISCHARGE: Kind(
        "The cable does not lose its voltage: have the station checked.", _OURS, _TOLD_BY_ROW, _never, "3.1 step 10"
    ),
    Code.INCOMPATIBLE: Kind(
        "The vehicle's battery voltage does not fit this station.",
        StationFlag.INCOMPATIBLE,
        frozenset({Phase.AGREEING}),
        _incompatible,
        "3.1 step 5 (osx)",
    ),
    Code.VEHICLE_FAULT: Kind(
        "The vehicle reports a fault: look at its display.", _THEIRS, PROMISED, _vehicle_fault, "3.2"
    ),
    Code.VEHICLE_SILENT: Kind(
        "The vehicle stopped answering: unplug, wait a minute and try again.", _THEIRS, PROMISED, silent, "3.2 (osx)"
    ),
    Code.WAKE_TIMEOUT: Kind(
        "The vehicle does not answer: is it switched off and in Park?", _THEIRS, _TOLD_BY_ROW, _never, "3.1 step 2"
    ),
    Code.PERMIT_TIMEOUT: Kind(
        "The vehicle does not permit charging: look at its display.", _THEIRS, _TOLD_BY_ROW, _never, "3.1 step 6"
    ),
    Code.CONTACTOR_TIMEOUT: Kind(
        "The vehicle does not close its contactor: try again.", _THEIRS, _TOLD_BY_ROW, _never, "3.1 step 12"
    ),
    Code.REQUEST_TIMEOUT: Kind(
        "The vehicle does not ask for current: is its battery full?", _THEIRS, _TOLD_BY_ROW, _never, "3.1 step 13"
    ),
    Code.REQUEST_EXCESS: Kind(
        "The vehicle asks for more than is available, and goes on doing so.",
        _THEIRS,
        LIVE,
        _request_excess,
        "4 rule 6; a real station's list in 5",
    ),
    Code.STOP_IGNORED: Kind(
        "The vehicle did not end charging when told to: unplug it.", _THEIRS, _TOLD_BY_ROW, _never, "3.3 step 2"
    ),
}

_ASKED: Final[Mapping[Phase, tuple[tuple[Code, Kind], ...]]] = {
    phase: tuple((code, kind) for code, kind in KINDS.items() if phase in kind.phases) for phase in Phase
}


def seen(session: Session, now: Monotonic) -> Iterator[Fault]:
    """The faults whose condition holds now."""
    for code, kind in _ASKED[session.phase]:
        if kind.seen(session, now):
            yield fault(session, code)


def fault(session: Session, code: Code) -> Fault:
    """The fault with its sentence."""
    return Fault(code.value, KINDS[code].detail + _which(session, code), code.value in session.config.latched)


def _which(session: Session, code: Code) -> str:
    control = session.heard.control
    if code is not Code.VEHICLE_FAULT or control is None:
        return ""
    names = [bit.name.lower().replace("_", " ") for bit in VehicleFault if control.faults & bit and bit.name]
    return f" ({', '.join(names) or 'charging system'})"


def flags(session: Session) -> StationFlag:
    """The fault bits of 109."""
    told = StationFlag(0)
    for standing in session.faults:
        told |= KINDS[Code(standing.code)].flag
    return told
