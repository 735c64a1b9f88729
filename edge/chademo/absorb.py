"""Taking an event into a session: what is now known, before anything is decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never

from edge.chademo import follow, ramp, time_reset
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
from edge.chademo.frames import BatteryLimits, ChargingTime, Maker, VehicleControl, VehicleFunctions
from edge.chademo.phase import IDLE, LIVE, Phase
from edge.chademo.profile import holds
from edge.chademo.state import Ending, Heard, Output, Pilot, Session
from edge.chademo.table import Code
from powerctl.core.clock import Monotonic
from powerctl.core.errors import MalformedFrame
from powerctl.core.setpoint import Command

_ZERO: Final = frozenset({Command.PAUSE, Command.STOP, Command.EMERGENCY})
_STARTABLE: Final = frozenset({Phase.OCCUPIED, Phase.FINISHED})
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
        case FaultReleased(codes):
            kept = (one for one in session.faults if not one.latched or (codes is not None and one.code not in codes))
            return replace(session, faults=tuple(kept))
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
    lowered_at = _lowered_at(session, moved, now)
    ticked = replace(session, ramp=moved, ramp_at=now, ticked_at=now, lowered_at=lowered_at, remaining_s=remaining_s)
    return time_reset.asked(ticked, now)


def _lowered_at(session: Session, moved: ramp.Ramp, now: Monotonic) -> Monotonic | None:
    announced_a = moved.announced_a
    fell = announced_a < session.ramp.announced_a and announced_a < session.heard.request_a
    return now if fell else session.lowered_at


def _offer(session: Session, event: OfferChanged, now: Monotonic) -> Session:
    offer = event.offer
    limit_w = 0.0 if offer.command in _ZERO else min(offer.limit.w, session.config.max_power.w)
    taken = replace(session, offer=offer)
    bounds = taken.bounds()
    if not session.live:
        return replace(taken, ramp=ramp.resting(replace(session.ramp, limit_w=limit_w), bounds))
    was_falling = ramp.wanted_a(session.ramp.limit_w, session.bounds()) < session.ramp.available_a - _DRIFT_A
    moved = ramp.offered(session.ramp, limit_w, offer.settle_by, now)
    kicked = ramp.kicked(moved, bounds, now, was_falling=was_falling)
    return replace(taken, ramp=kicked, lowered_at=_lowered_at(session, kicked, now))


def _output(session: Session, event: Measured, now: Monotonic) -> Output:
    before = session.output
    voltage_v, current_a = event.output_voltage.v, event.current.a
    standing = session.phase is Phase.TESTING and holds(voltage_v, session.test_v)
    allowed_a = session.commanded_a + max(_EXCESS_A, _EXCESS_SHARE * session.commanded_a)
    return Output(
        voltage_v,
        current_a,
        event.insulation_kohm,
        now,
        before.insulation_at if event.insulation_kohm is None else now,
        (before.held_since if before.held_since is not None else now) if standing else None,
        (before.excess_since if before.excess_since is not None else now) if current_a > allowed_a else None,
    )


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
            session = time_reset.answered(session, frame, now)
            heard = _heard(session.heard, time=frame)
        case VehicleFunctions():
            heard = _heard(session.heard, functions=frame)
        case Maker(code):
            heard = replace(session.heard, maker=code)
        case _:
            assert_never(frame)
    return session if heard is session.heard else replace(session, heard=heard)


def _heard(
    heard: Heard,
    limits: BatteryLimits | None = None,
    time: ChargingTime | None = None,
    functions: VehicleFunctions | None = None,
) -> Heard:
    limits, time, functions = limits or heard.limits, time or heard.time, functions or heard.functions
    return Heard(limits, time, heard.control, functions, heard.at, heard.maker)


def _control(session: Session, control: VehicleControl, now: Monotonic) -> Session:
    before = session.heard
    heard = Heard(before.limits, before.time, control, before.functions, now, before.maker)
    if not session.live:
        return replace(session, heard=heard)
    learnt = follow.observed(session.follow, heard.request_a, session.ramp.announced_a, now)
    return replace(session, heard=heard, follow=learnt)
