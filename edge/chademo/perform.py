"""Carrying out a row of the session table: the next state, and the effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from edge.chademo.conditions import says_open
from edge.chademo.effects import (
    Effect,
    Lock,
    OutputOff,
    SwitchD1,
    SwitchD2,
    TestInsulation,
    TransactionBegan,
    TransactionOver,
)
from edge.chademo.faults import fault
from edge.chademo.follow import UNSEEN
from edge.chademo.frames import VehicleFault, VehicleFlag
from edge.chademo.phase import IDLE, LIVE, Phase
from edge.chademo.state import Ending, Heard, Pact, Session
from edge.chademo.table import Code, Do, Rule, When
from edge.chademo.timing import Time
from edge.chademo.vehicles import Identity, rule_for, struck, waited
from edge.chademo.version import Feature, has
from powerctl.core.clock import Monotonic, after
from powerctl.core.session import StopReason
from powerctl.core.units import Voltage

Step = tuple[Session, tuple[Effect, ...]]

_AFTER_K: Final = frozenset({Phase.LOCKING, Phase.TESTING, Phase.DISCHARGING})
_FAULT_AFTER_S: Final = 10.0
"""Vehicles complain 1 to 5 s after the current left their request (s32, chrskly, cdrs)."""
_LEFT_AFTER_S: Final = 3.0
"""A jdemo kit ends charging as soon as a lowered 108.3 meets its request."""
_GRID: Final = Ending(StopReason.GRID, "The energy manager ended the session.")
_TEXTS: Final[Mapping[StopReason, str]] = {
    StopReason.VEHICLE: "The vehicle ended charging.",
    StopReason.TIME: "The vehicle's maximum charging time is over.",
    StopReason.UNPLUGGED: "The plug was pulled.",
}


def perform(session: Session, rule: Rule, now: Monotonic) -> Step:
    """The session after `rule`, and what the shell must do."""
    session = _because(_learnt(session, rule, now), rule, now)
    effects: list[Effect] = []
    for action in rule.do:
        session, more = _ACTIONS[action](session)
        effects.extend(more)
    return _enter(session, rule, now), tuple(effects)


def _learnt(session: Session, rule: Rule, now: Monotonic) -> Session:
    """What the end of charging says about this kind of vehicle."""
    if session.pact is None or session.phase not in LIVE or rule.to in LIVE:
        return session
    lessons, identity = session.lessons, session.pact.identity
    strikes = _strikes(session, rule, now)
    if strikes:
        lessons = struck(lessons, identity, strikes)
    if session.phase is Phase.PAUSED and rule.when is When.VEHICLE_STOP:
        lessons = waited(lessons, identity, now - session.entered_at)
    return session if lessons is session.lessons else replace(session, lessons=lessons)


def _strikes(session: Session, rule: Rule, now: Monotonic) -> int:
    """2 for a fault of the vehicle soon after a decrease, 1 for its leaving at once after one."""
    control = session.heard.control
    if control is None or session.lowered_at is None or now - session.lowered_at > _FAULT_AFTER_S:
        return 0
    if control.faults & VehicleFault.CURRENT_DEVIATION or control.flags & VehicleFlag.SYSTEM_FAULT:
        return 2
    return int(rule.when is When.VEHICLE_STOP and now - session.lowered_at <= _LEFT_AFTER_S)


def _because(session: Session, rule: Rule, now: Monotonic) -> Session:
    if rule.fault is not None and not session.fault(rule.fault.value):
        session = replace(session, faults=(*session.faults, fault(session, rule.fault)))
    if session.ending is not None or session.phase in IDLE:
        return session
    ending = _ending(session, rule)
    return replace(session, ending=ending, ending_at=None if ending is None else now)


def _ending(session: Session, rule: Rule) -> Ending | None:
    if rule.reason is not None:
        return Ending(rule.reason, _TEXTS[rule.reason])
    if rule.when is When.STOP:
        return session.stop or _GRID
    if rule.fault is not None or rule.when is When.FAULT:
        worst = session.faults[-1]
        emergency = worst.code == Code.EMERGENCY_STOP.value
        return Ending(StopReason.EMERGENCY if emergency else StopReason.FAULT, worst.detail)
    return None


def _enter(session: Session, rule: Rule, now: Monotonic) -> Session:
    if rule.to is rule.phase:
        return session
    deadline = None if rule.within is None else after(now, session.config.seconds(rule.within))
    if rule.to in _AFTER_K:
        permitted_at = now if rule.to is Phase.LOCKING else session.permitted_at or now
        last = after(permitted_at, session.config.seconds(Time.K_TO_D2))
        session = replace(session, permitted_at=permitted_at)
        deadline = last if deadline is None else min(deadline, last)
    session = replace(session, phase=rule.to, entered_at=now, deadline=deadline)
    if rule.to is Phase.WAKING:
        return replace(_fresh(session), stop=None)
    if rule.to in IDLE:
        tripped = rule.to is Phase.FAULTED
        session = replace(session, start=None, stop=None, began=False, d2=False, tripped=tripped, commanded_a=0.0)
    if rule.to in {Phase.AVAILABLE, Phase.OCCUPIED}:
        return _fresh(session)
    return session


def _fresh(session: Session) -> Session:
    """Nothing is known of a vehicle."""
    return replace(
        session,
        heard=Heard(),
        pact=None,
        ending=None,
        ending_at=None,
        permitted_at=None,
        lowered_at=None,
        follow=UNSEEN,
        remaining_s=None,
        reset_at=None,
    )


def _agree(session: Session) -> Step:
    limits, control = session.heard.limits, session.heard.control
    if limits is None or control is None:
        return session, ()
    max_v = int(session.config.max_voltage.v)
    number = min(control.protocol_number, session.config.protocol_number)
    min_a = limits.min_current_a if has(number, Feature.MIN_CURRENT) else 0
    identity = Identity(session.heard.maker, control.protocol_number, limits.max_voltage_v, min_a)
    pact = Pact(
        number,
        min(limits.max_voltage_v, max_v),
        min_a,
        min(control.target_voltage_v, max_v),
        identity,
        rule_for(identity, session.config.rules),
    )
    return replace(session, pact=pact), ()


def _fix_target(session: Session) -> Step:
    control = session.heard.control
    if session.pact is None or control is None:
        return session, ()
    says = has(session.pact.protocol_number, Feature.CONTACTOR_REPORT) and says_open(session)
    target_v = min(control.target_voltage_v, session.pact.threshold_v)
    standing_a = session.heard.request_a
    return replace(
        session, pact=replace(session.pact, target_v=target_v, says_contactor=says, standing_a=standing_a)
    ), ()


def _trip(session: Session) -> Step:
    return replace(session, tripped=True, commanded_a=0.0), (OutputOff(urgent=True),)


def _off(session: Session) -> Step:
    return replace(session, commanded_a=0.0), (OutputOff(urgent=False),)


def _begin(session: Session) -> Step:
    time = session.heard.time
    remaining_s = None if time is None else time.max_s
    begun = replace(session, began=True, remaining_s=float(remaining_s or session.config.default_time_s))
    return begun, (TransactionBegan(session.start or ""),)


def _over(session: Session) -> Step:
    if not session.began:
        return session, ()
    ending = session.ending or Ending(StopReason.FAULT, "")
    return replace(session, began=False), (TransactionOver(ending.reason, ending.detail),)


_ACTIONS: Final[Mapping[Do, Callable[[Session], Step]]] = {
    Do.D1_ON: lambda session: (session, (SwitchD1(on=True),)),
    Do.D1_OFF: lambda session: (session, (SwitchD1(on=False),)),
    Do.D2_ON: lambda session: (replace(session, d2=True), (SwitchD2(on=True),)),
    Do.D2_OFF: lambda session: (replace(session, d2=False), (SwitchD2(on=False),)),
    Do.LOCK: lambda session: (session, (Lock(on=True),)),
    Do.UNLOCK: lambda session: (session, (Lock(on=False),)),
    Do.AGREE: _agree,
    Do.FIX_TARGET: _fix_target,
    Do.TEST: lambda session: (session, (TestInsulation(Voltage(session.test_v)),)),
    Do.OFF: _off,
    Do.TRIP: _trip,
    Do.BEGIN: _begin,
    Do.OVER: _over,
}
