"""The sequence as data: in which state which condition leads where, what is done, and how long it may take.

Conditions look at the session as it is, not at the event that came last; `conditions.py` says what each one means. The
rows of a state are tried from top to bottom. `docs/chademo-trace.md` is made from this table, and lists the steps that
the sources name by number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.chademo.phase import AFTER_D2, BEFORE_D2, ENDING, IDLE, Phase
from edge.chademo.timing import Time
from powerctl.core.session import StopReason


class When(StrEnum):
    """Conditions."""

    FAULT = "a fault stands and the output was not tripped for it"
    NO_FAULT = "no fault stands"
    PLUGGED = "plug in an inlet"
    UNPLUGGED = "no plug in an inlet, or no reading of the lines"
    START = "start asked for"
    STOP = "stop asked for, or the energy manager says STOP"
    VEHICLE_SPOKE = "first 0x102"
    VEHICLE_READY = "k and 102.5.0, limits known and compatible"
    VEHICLE_STOP = "k off, 102.5.0 = 0 or not parked"
    LOCKED = "lock feedback and at most 10 V"
    TESTED = "test voltage held and insulation good"
    EMPTY = "at most 20 V"
    CLOSED = "102.5.3 = 0; of a vehicle that does not say it: more than 50 V, or a higher request"
    REQUESTED = "request above zero"
    WITHHELD = "108.3 is zero"
    GRANTED = "108.3 above zero"
    TIME_OVER = "remaining charging time is zero"
    LOW_CURRENT = "at most 5 A"
    NO_CURRENT = "at most 1 A"
    OPENED = "102.5.3 = 1; of a vehicle that does not say it: 4 s; d2 never on; vehicle silent or gone"
    IGNORED = "the vehicle still permits charging, 4 s after the stop"
    SAFE = "at most 10 V"
    LATE_LIVE = "time limit over, more than 10 V"
    LATE = "time limit over"


class Do(StrEnum):
    """Actions."""

    D1_ON = "d1 on"
    D1_OFF = "d1 off"
    D2_ON = "d2 on"
    D2_OFF = "d2 off"
    LOCK = "lock"
    UNLOCK = "unlock"
    AGREE = "fix the vehicle's values"
    FIX_TARGET = "fix the target voltage"
    TEST = "raise the test voltage"
    OFF = "output off"
    TRIP = "output off, urgent"
    BEGIN = "transaction begins"
    OVER = "transaction over"


class Code(StrEnum):
    """Codes of the faults."""

    EMERGENCY_STOP = "emergency_stop"
    EARTH = "earth"
    INSULATION = "insulation"
    INSULATION_TEST = "insulation_test"
    INSULATION_MONITOR = "insulation_monitor"
    LOCK = "lock"
    CONTACTOR_WELDED = "contactor_welded"
    OVER_VOLTAGE = "over_voltage"
    POWER_STAGE = "power_stage"
    MEASUREMENT = "measurement"
    DISCHARGE = "discharge"
    INCOMPATIBLE = "incompatible"
    VEHICLE_FAULT = "vehicle_fault"
    VEHICLE_SILENT = "vehicle_silent"
    WAKE_TIMEOUT = "wake_timeout"
    PERMIT_TIMEOUT = "permit_timeout"
    CONTACTOR_TIMEOUT = "contactor_timeout"
    REQUEST_TIMEOUT = "request_timeout"
    REQUEST_EXCESS = "request_excess"
    STOP_IGNORED = "stop_ignored"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row."""

    phase: Phase
    when: When
    to: Phase
    do: tuple[Do, ...]
    source: str
    within: Time | None = None
    """How long `to` may take; when it is over, LATE holds there."""
    fault: Code | None = None
    """The fault that this row raises."""
    reason: StopReason | None = None
    """Why charging ends. None: it does not, or the stop, the fault or an earlier row says why."""


P, W, D, T, C = Phase, When, Do, Time, Code


def _every(phases: Iterable[Phase], when: When, to: Phase, do: tuple[Do, ...], source: str) -> tuple[Rule, ...]:
    within = T.EMPTY if to is P.TRIPPING else None
    reason = StopReason.UNPLUGGED if when is W.UNPLUGGED and to is P.TRIPPING else None
    return tuple(Rule(phase, when, to, do, source, within, None, reason) for phase in Phase if phase in phases)


def _trip(phase: Phase, fault: Code, source: str) -> Rule:
    return Rule(phase, W.LATE, P.TRIPPING, (D.TRIP,), source, T.EMPTY, fault)


_FAULTS: Final = (
    *_every(IDLE - {P.FAULTED}, W.FAULT, P.FAULTED, (D.TRIP,), "a fault bars a start (3.4)"),
    *_every({P.FAULTED}, W.FAULT, P.FAULTED, (D.TRIP,), "whatever comes on top, the output is off"),
    *_every(BEFORE_D2 | AFTER_D2, W.FAULT, P.TRIPPING, (D.TRIP,), "3.4: trip at once, report in the next frame"),
    *(
        Rule(p, W.FAULT, p, (D.TRIP,), "3.4: the output is off already; the sequence goes on")
        for p in Phase
        if p in ENDING
    ),
)

_UNPLUGGED: Final = (
    *_every({P.OCCUPIED, P.FINISHED}, W.UNPLUGGED, P.AVAILABLE, (), "architecture: a session ends at unplug"),
    *_every(
        BEFORE_D2 | AFTER_D2,
        W.UNPLUGGED,
        P.TRIPPING,
        (D.TRIP, D.D2_OFF, D.D1_OFF),
        "2: current, then d2 and d1 (A.4.4 h in RTM 034)",
    ),
)

_START: Final = (
    Rule(P.AVAILABLE, W.PLUGGED, P.OCCUPIED, (), "architecture: a session begins at plug-in"),
    Rule(P.OCCUPIED, W.START, P.WAKING, (D.D1_ON,), "3.1 step 1 (furdog)", T.WAKE),
    Rule(P.FINISHED, W.START, P.WAKING, (D.D1_ON,), "3.1 step 1; a stopped session can be started again", T.WAKE),
    Rule(P.FAULTED, W.NO_FAULT, P.OCCUPIED, (), "faults are states: gone, or released by an operator"),
    Rule(P.WAKING, W.STOP, P.PARTING, (D.OFF, D.D2_OFF), "3.3 step 7; no contactor is closed", T.PART),
    Rule(P.WAKING, W.VEHICLE_SPOKE, P.AGREEING, (), "3.1 steps 2 and 3: the vehicle speaks first (captures)", T.PERMIT),
    _trip(P.WAKING, C.WAKE_TIMEOUT, "3.1 step 2 (EVerest)"),
    Rule(P.AGREEING, W.STOP, P.PARTING, (D.OFF, D.D2_OFF), "3.3 step 7; no contactor is closed", T.PART),
    Rule(P.AGREEING, W.VEHICLE_READY, P.LOCKING, (D.AGREE, D.LOCK), "3.1 steps 5 to 7 (osx)", T.LOCK),
    _trip(P.AGREEING, C.PERMIT_TIMEOUT, "3.1 step 6 (osx)"),
    Rule(P.LOCKING, W.STOP, P.PARTING, (D.OFF, D.D2_OFF), "3.3 step 7; no contactor is closed", T.PART),
    Rule(
        P.LOCKING, W.VEHICLE_STOP, P.PARTING, (D.OFF, D.D2_OFF), "3.1 step 9: abort", T.PART, None, StopReason.VEHICLE
    ),
    Rule(P.LOCKING, W.LOCKED, P.TESTING, (D.TEST,), "3.1 steps 7 to 9 (furdog; IEC 61851-24 COR1: 10 V)", T.TEST),
    Rule(
        P.LOCKING,
        W.LATE_LIVE,
        P.TRIPPING,
        (D.TRIP,),
        "3.1 step 8 (furdog): contactor not welded",
        T.EMPTY,
        C.CONTACTOR_WELDED,
    ),
    _trip(P.LOCKING, C.LOCK, "3.1 step 7: check the feedback"),
    Rule(P.TESTING, W.STOP, P.PARTING, (D.OFF, D.D2_OFF), "3.3 step 7; no contactor is closed", T.PART),
    Rule(
        P.TESTING, W.VEHICLE_STOP, P.PARTING, (D.OFF, D.D2_OFF), "3.1 step 9: abort", T.PART, None, StopReason.VEHICLE
    ),
    Rule(P.TESTING, W.TESTED, P.DISCHARGING, (D.OFF,), "3.1 step 10", T.DISCHARGE),
    _trip(P.TESTING, C.INSULATION_TEST, "3.6: no capture takes longer"),
    Rule(P.DISCHARGING, W.STOP, P.PARTING, (D.OFF, D.D2_OFF), "3.3 step 7; no contactor is closed", T.PART),
    Rule(
        P.DISCHARGING,
        W.VEHICLE_STOP,
        P.PARTING,
        (D.OFF, D.D2_OFF),
        "3.1 step 9: abort",
        T.PART,
        None,
        StopReason.VEHICLE,
    ),
    Rule(
        P.DISCHARGING,
        W.EMPTY,
        P.CLOSING,
        (D.FIX_TARGET, D.D2_ON),
        "3.1 steps 10 and 11 (furdog; COR1: 20 V)",
        T.CLOSE,
    ),
    _trip(P.DISCHARGING, C.DISCHARGE, "3.1: the vehicle wants 0 V at d2 (osx)"),
    Rule(P.CLOSING, W.STOP, P.OPENING, (D.OFF,), "3.3", T.OPEN),
    Rule(P.CLOSING, W.VEHICLE_STOP, P.OPENING, (D.OFF,), "3.3", T.OPEN, None, StopReason.VEHICLE),
    Rule(P.CLOSING, W.CLOSED, P.REQUESTING, (), "3.1 step 12 (osx, furdog)", T.REQUEST),
    _trip(P.CLOSING, C.CONTACTOR_TIMEOUT, "3.1 step 12 (osx)"),
    Rule(P.REQUESTING, W.STOP, P.OPENING, (D.OFF,), "3.3", T.OPEN),
    Rule(P.REQUESTING, W.VEHICLE_STOP, P.OPENING, (D.OFF,), "3.3", T.OPEN, None, StopReason.VEHICLE),
    Rule(P.REQUESTING, W.WITHHELD, P.PAUSED, (D.BEGIN,), "captures: charging announced with 108.3 = 0 (cdrs log)"),
    Rule(P.REQUESTING, W.REQUESTED, P.CHARGING, (D.BEGIN,), "3.1 steps 13 and 14: answer within 0.4 s (osx)"),
    _trip(P.REQUESTING, C.REQUEST_TIMEOUT, "3.1 step 13 (osx)"),
)


def _stops(phase: Phase) -> tuple[Rule, ...]:
    return (
        Rule(phase, W.STOP, P.STOPPING, (), "3.3 step 1: 109.5.5, current ramps down", T.STOP_CURRENT),
        Rule(phase, W.VEHICLE_STOP, P.STOPPING, (), "3.3 step 1", T.STOP_CURRENT, None, StopReason.VEHICLE),
        Rule(phase, W.TIME_OVER, P.STOPPING, (), "3.2: end of charge", T.STOP_CURRENT, None, StopReason.TIME),
    )


_END: Final = (
    *_stops(P.CHARGING),
    Rule(P.CHARGING, W.WITHHELD, P.PAUSED, (), "4: the session stays while 108.3 = 0 (captures)"),
    *_stops(P.PAUSED),
    Rule(P.PAUSED, W.GRANTED, P.CHARGING, (), "4: the request ramps up by itself (captures)"),
    Rule(P.STOPPING, W.LOW_CURRENT, P.EMPTYING, (D.OFF,), "3.3 steps 3 to 5: 109.5.0 falls at 5 A (cdrs)", T.EMPTY),
    _trip(P.STOPPING, C.POWER_STAGE, "3.3 step 3 (osx)"),
    Rule(P.EMPTYING, W.NO_CURRENT, P.OPENING, (D.OVER,), "3.3 step 5", T.OPEN),
    _trip(P.EMPTYING, C.POWER_STAGE, "3.3 step 5: 2 s (osx)"),
    Rule(P.TRIPPING, W.NO_CURRENT, P.OPENING, (D.OVER,), "3.4, then 3.3 step 6", T.OPEN),
    Rule(P.TRIPPING, W.LATE, P.OPENING, (D.OVER,), "3.4: opens whatever flows", T.OPEN, C.POWER_STAGE),
    Rule(P.OPENING, W.OPENED, P.PARTING, (D.D2_OFF,), "3.3 steps 6 and 7", T.PART),
    Rule(P.OPENING, W.IGNORED, P.PARTING, (D.D2_OFF,), "3.3 step 2: remove d2 anyway (osx)", T.PART, C.STOP_IGNORED),
    Rule(P.OPENING, W.LATE, P.PARTING, (D.D2_OFF,), "3.3: remove d2 anyway", T.PART, C.CONTACTOR_WELDED),
    Rule(P.PARTING, W.LATE, P.UNLOCKING, (D.D2_OFF, D.D1_OFF), "3.3 step 7: 0.5 s gap (osx)", T.UNLOCK),
    Rule(P.UNLOCKING, W.SAFE, P.LEAVING, (D.UNLOCK,), "3.3 step 8: 10 V", T.LEAVE),
    Rule(P.UNLOCKING, W.LATE, P.STUCK, (), "3.3: do not unlock above 10 V", None, C.CONTACTOR_WELDED),
    Rule(P.STUCK, W.SAFE, P.LEAVING, (D.UNLOCK,), "3.3 step 8: 10 V", T.LEAVE),
    Rule(P.LEAVING, W.LATE, P.FINISHED, (), "3.3 step 8: a few more cycles (osx)"),
)

RULES: Final[tuple[Rule, ...]] = (*_FAULTS, *_UNPLUGGED, *_START, *_END)
"""Every row; within a state the order decides."""

BY_PHASE: Final[Mapping[Phase, tuple[Rule, ...]]] = {
    phase: tuple(rule for rule in RULES if rule.phase is phase) for phase in Phase
}
