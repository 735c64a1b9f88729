"""What the conditions of the session table mean: predicates over a session and the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from edge.chademo.frames import VehicleFlag
from edge.chademo.state import LIVE_V, Session
from edge.chademo.table import When
from edge.chademo.timing import Time
from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import Command

SAFE_V: Final = 10.0
"""IEC 61851-24 COR1: 10 V or less before locking is left or the test begins."""
EMPTY_V: Final = 20.0
"""IEC 61851-24 COR1: 20 V or less before d2."""
LOW_A: Final = 5.0
NO_A: Final = 1.0
"""Below this the meter's offset is all that is left."""


def silent(session: Session, now: Monotonic) -> bool:
    """True when the vehicle's sign of life is overdue."""
    at = session.heard.at
    return at is None or session.heard_by(now) - at >= session.config.seconds(Time.VEHICLE_SILENT)


def unplugged(session: Session, now: Monotonic) -> bool:
    """True without a plug, and without a fresh reading of the lines."""
    pilot = session.pilot
    if not pilot.prox or pilot.at is None:
        return True
    return session.heard_by(now) - pilot.at >= session.config.seconds(Time.LINES_SILENT)


def _late(session: Session, now: Monotonic) -> bool:
    return session.deadline is not None and now >= session.deadline


def _stop(session: Session, now: Monotonic) -> bool:
    return session.stop is not None or session.offer.command is Command.STOP


def _ready(session: Session, now: Monotonic) -> bool:
    return session.pilot.k and session.heard.enabled and session.heard.limits is not None


def released(session: Session) -> bool:
    """True when the vehicle has withdrawn its permission."""
    control = session.heard.control
    stopped = control is not None and VehicleFlag.NOT_PARKED in control.flags
    return not session.pilot.k or not session.heard.enabled or stopped


def _says_contactor(session: Session) -> bool:
    return session.pact is not None and session.pact.says_contactor


def says_open(session: Session) -> bool:
    control = session.heard.control
    return control is not None and VehicleFlag.CONTACTOR_OPEN in control.flags


def _closed(session: Session, now: Monotonic) -> bool:
    if _says_contactor(session):
        return not says_open(session)
    standing_a = 0 if session.pact is None else session.pact.standing_a
    return session.output.voltage_v > LIVE_V or session.heard.request_a > standing_a


def _opened(session: Session, now: Monotonic) -> bool:
    if not session.d2 or unplugged(session, now) or silent(session, now):
        return True
    if _says_contactor(session):
        return says_open(session)
    return now - session.entered_at >= session.config.seconds(Time.OPEN_LEGACY)


def _ignored(session: Session, now: Monotonic) -> bool:
    at = session.ending_at
    return not released(session) and at is not None and now - at >= session.config.seconds(Time.WITHDRAW)


def held(session: Session, now: Monotonic) -> bool:
    """True when the test voltage has stood long enough."""
    since = session.output.held_since
    return since is not None and now - since >= session.config.test_hold_s


def _tested(session: Session, now: Monotonic) -> bool:
    kohm = session.output.insulation_kohm
    return held(session, now) and kohm is not None and kohm >= session.config.min_insulation_kohm


def _locked(session: Session, now: Monotonic) -> bool:
    return session.pilot.lock_feedback and session.output.voltage_v <= SAFE_V and session.output.at is not None


def _time_over(session: Session, now: Monotonic) -> bool:
    return session.remaining_s is not None and session.remaining_s <= 0.0


CONDITIONS: Final[Mapping[When, Callable[[Session, Monotonic], bool]]] = {
    When.FAULT: lambda session, now: bool(session.faults) and not session.tripped,
    When.NO_FAULT: lambda session, now: not session.faults,
    When.PLUGGED: lambda session, now: not unplugged(session, now),
    When.UNPLUGGED: unplugged,
    When.START: lambda session, now: session.start is not None,
    When.STOP: _stop,
    When.VEHICLE_SPOKE: lambda session, now: session.heard.at is not None,
    When.VEHICLE_READY: _ready,
    When.VEHICLE_STOP: lambda session, now: released(session),
    When.LOCKED: _locked,
    When.TESTED: _tested,
    When.EMPTY: lambda session, now: session.output.voltage_v <= EMPTY_V,
    When.CLOSED: _closed,
    When.REQUESTED: lambda session, now: session.heard.request_a > 0,
    When.WITHHELD: lambda session, now: session.ramp.announced_a == 0,
    When.GRANTED: lambda session, now: session.ramp.announced_a > 0,
    When.TIME_OVER: _time_over,
    When.LOW_CURRENT: lambda session, now: abs(session.output.current_a) <= LOW_A,
    When.NO_CURRENT: lambda session, now: abs(session.output.current_a) <= NO_A,
    When.OPENED: _opened,
    When.IGNORED: _ignored,
    When.SAFE: lambda session, now: session.output.voltage_v <= SAFE_V,
    When.LATE_LIVE: lambda session, now: _late(session, now) and session.output.voltage_v > SAFE_V,
    When.LATE: _late,
}
