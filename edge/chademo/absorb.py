"""Taking an event into a session: what is now known, before anything is decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never

from edge.chademo import follow, ramp
from edge.chademo.codec import OPTIONAL, decode_vehicle
from edge.chademo.events import (
    EmergencyStop,
    Event,
    FaultReleased,
    FrameReceived,
    LinesRead,
    Measured,
    OfferChanged,
    StartRequested,
    StopRequested,
    Tick,
)
from edge.chademo.faults import fault
from edge.chademo.frames import BatteryLimits, ChargingTime, VehicleControl, VehicleFunctions
from edge.chademo.phase import IDLE, LIVE, Phase
from edge.chademo.state import Ending, Heard, Output, Pilot, Session
from edge.chademo.table import Code
from powerctl.core.clock import Monotonic
from powerctl.core.errors import MalformedFrame
from powerctl.core.setpoint import Command

_ZERO: Final = frozenset({Command.PAUSE, Command.STOP, Command.EMERGENCY})
_STARTABLE: Final = frozenset({Phase.OCCUPIED, Phase.FINISHED})
_TEST_SHARE: Final = 0.9
"""The test voltage stands from this share on (captures: 452 to 512 V of 500)."""
_EXCESS_A: Final = 10.0
_EXCESS_SHARE: Final = 0.1
_FLOWING_A: Final = 0.5
_DRIFT_A: Final = 0.5
"""Voltage drifts: only a larger gap is a decrease under way."""
_MAX_STEP_S: Final = 0.3
"""A late tick moves a ramp no further than this."""


def absorb(session: Session, event: Event, now: Monotonic) -> Session:
    """The session that knows what `event` says."""
    match event:
        case Tick():
            return _tick(session, now)
        case Measured():
            return replace(session, output=_output(session, event, now))
        case FrameReceived():
            return _frame(session, event, now)
        case LinesRead(k, prox, lock_feedback, pe):
            return replace(session, pilot=Pilot(k, prox, lock_feedback, pe, now))
        case OfferChanged():
            return _offer(session, event, now)
        case StartRequested() | StopRequested() | EmergencyStop() | FaultReleased():
            return _wish(session, event)
        case _:
            assert_never(event)


def _wish(session: Session, event: StartRequested | StopRequested | EmergencyStop | FaultReleased) -> Session:
    match event:
        case StartRequested(command_id):
            return replace(session, start=command_id) if session.phase in _STARTABLE else session
        case StopRequested(reason, detail):
            wanted = session.phase not in IDLE and session.stop is None
            return replace(session, stop=Ending(reason, detail)) if wanted else session
        case EmergencyStop(detail):
            standing = replace(fault(session, Code.EMERGENCY_STOP), detail=detail)
            others = tuple(other for other in session.faults if other.code != standing.code)
            return replace(
                session, faults=(*others, standing), tripped=session.tripped and session.fault(standing.code)
            )
        case FaultReleased():
            return replace(session, faults=tuple(other for other in session.faults if not other.latched))
        case _:
            assert_never(event)


def _tick(session: Session, now: Monotonic) -> Session:
    dt_s = min(_MAX_STEP_S, max(0.0, now - session.ramp_at))
    remaining_s = session.remaining_s
    if remaining_s is not None and session.phase in LIVE and session.output.current_a > _FLOWING_A:
        remaining_s = max(0.0, remaining_s - dt_s)
    if session.live:
        moved = ramp.stepped(session.ramp, session.bounds(), now, dt_s)
    else:
        moved = ramp.resting(session.ramp, session.bounds())
    return replace(session, ramp=moved, ramp_at=now, remaining_s=remaining_s)


def _offer(session: Session, event: OfferChanged, now: Monotonic) -> Session:
    offer = event.offer
    limit_w = 0.0 if offer.command in _ZERO else min(offer.limit.w, session.config.max_power.w)
    taken = replace(session, offer=offer)
    bounds = taken.bounds()
    if not session.live:
        return replace(taken, ramp=ramp.resting(replace(session.ramp, limit_w=limit_w), bounds))
    was_falling = ramp.wanted_a(session.ramp.limit_w, session.bounds()) < session.ramp.available_a - _DRIFT_A
    moved = ramp.offered(session.ramp, limit_w, offer.settle_by, now)
    return replace(taken, ramp=ramp.kicked(moved, bounds, now, was_falling=was_falling))


def _output(session: Session, event: Measured, now: Monotonic) -> Output:
    before = session.output
    voltage_v, current_a = event.output_voltage.v, event.current.a
    holds = session.phase is Phase.TESTING and voltage_v >= _TEST_SHARE * voltage_of_test(session)
    allowed_a = session.commanded_a + max(_EXCESS_A, _EXCESS_SHARE * session.commanded_a)
    return Output(
        voltage_v,
        current_a,
        event.insulation_kohm,
        now,
        before.insulation_at if event.insulation_kohm is None else now,
        (before.held_since if before.held_since is not None else now) if holds else None,
        (before.excess_since if before.excess_since is not None else now) if current_a > allowed_a else None,
    )


def voltage_of_test(session: Session) -> float:
    """Volts of the insulation test."""
    return min(session.config.test_voltage.v, session.config.max_voltage.v)


def _frame(session: Session, event: FrameReceived, now: Monotonic) -> Session:
    try:
        frame = decode_vehicle(event.frame_id, event.data)
    except MalformedFrame:
        return replace(session, rejected=session.rejected + 1)
    if frame is None:
        return session if event.frame_id in OPTIONAL else replace(session, rejected=session.rejected + 1)
    if session.phase in IDLE:
        return session
    match frame:
        case VehicleControl():
            return _control(session, frame, now)
        case BatteryLimits():
            heard = _heard(session.heard, limits=frame)
        case ChargingTime():
            heard = _heard(session.heard, time=frame)
        case VehicleFunctions():
            heard = _heard(session.heard, functions=frame)
        case _:
            assert_never(frame)
    return session if heard is session.heard else replace(session, heard=heard)


def _heard(
    heard: Heard,
    limits: BatteryLimits | None = None,
    time: ChargingTime | None = None,
    functions: VehicleFunctions | None = None,
) -> Heard:
    return Heard(limits or heard.limits, time or heard.time, heard.control, functions or heard.functions, heard.at)


def _control(session: Session, control: VehicleControl, now: Monotonic) -> Session:
    before = session.heard
    heard = Heard(before.limits, before.time, control, before.functions, now)
    if not session.live:
        return replace(session, heard=heard)
    learnt = follow.observed(session.follow, heard.request_a, session.ramp.announced_a, now)
    return replace(session, heard=heard, follow=learnt)
