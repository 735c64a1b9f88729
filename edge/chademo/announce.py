"""What the station puts on the bus: one period's frames, from the session as it is."""

from __future__ import annotations

import math
from typing import Final

from edge.chademo import time_reset
from edge.chademo.faults import flags
from edge.chademo.frames import (
    UNUSED,
    Capability,
    Function,
    StationFlag,
    StationFunctions,
    StationStatus,
)
from edge.chademo.phase import AFTER_D2, BEFORE_D2, ENDING, IDLE, LOOKS, Phase
from edge.chademo.state import Session
from edge.chademo.version import Feature, has

_ENERGIZING: Final = frozenset({Phase.TESTING, Phase.DISCHARGING, *AFTER_D2, *ENDING}) - {Phase.LEAVING}
"""109.5.2: locked, and energising allowed; vehicles and stations of different versions read it either way."""
_NOTHING_FLOWS: Final = BEFORE_D2 | {Phase.CLOSING, Phase.REQUESTING}
_FIRST_A: Final = 10.0
_MINUTE_S: Final = 60.0
_LOW_A: Final = 5.0


def frames_due(session: Session) -> tuple[tuple[int, bytes], ...]:
    """Identifier and data of each frame to send in this period, in order; none before the vehicle has spoken."""
    if session.phase in IDLE or session.heard.at is None:
        return ()
    frames: tuple[tuple[int, bytes], ...] = (
        (Capability.FRAME_ID, _capability(session).encode()),
        (StationStatus.FRAME_ID, _status(session).encode()),
    )
    if session.heard.functions is None or not has(_number(session), Feature.EXTENDED):
        return frames
    # Only a vehicle that sends 0x110 knows 0x118 (1.1 and later).
    functions = Function(0) if session.firm else Function.DYNAMIC_CONTROL
    return (*frames, (StationFunctions.FRAME_ID, StationFunctions(functions | time_reset.bit(session)).encode()))


def _number(session: Session) -> int:
    """The lower of both protocol numbers."""
    control = session.heard.control
    return min(session.config.protocol_number, 0 if control is None else control.protocol_number)


def _capability(session: Session) -> Capability:
    available_v = int(session.config.max_voltage.v)
    limits = session.heard.limits
    threshold_v = available_v if limits is None else min(limits.max_voltage_v, available_v)
    if session.pact is not None:
        threshold_v = session.pact.threshold_v
    return Capability(
        welding_detection=True,
        available_voltage_v=available_v,
        available_current_a=session.ramp.announced_a,
        threshold_voltage_v=threshold_v,
    )


def _status(session: Session) -> StationStatus:
    coarse, fine = _remaining(session)
    return StationStatus(
        protocol_number=session.config.protocol_number,
        voltage_v=min(0xFFFF, max(0, round(session.output.voltage_v))),
        current_a=min(0xFF, max(0, round(_reported_a(session)))),
        discharge=False,
        flags=_flags(session),
        remaining_10s=fine,
        remaining_min=coarse,
    )


def _reported_a(session: Session) -> float:
    """What is measured, unfiltered: the vehicle compares it with its own shunt (4 rule 4).

    Before charging it is nothing (5, i-MiEV), and while the first amperes rise a single high sample is the meter's
    transient (5, F1atline: 29 A where 10 A flowed).
    """
    if session.phase in _NOTHING_FLOWS:
        return 0.0
    output = session.output
    glitch = output.excess_since is not None and output.excess_since == output.at
    return session.commanded_a if glitch and session.commanded_a <= _FIRST_A else output.current_a


def _flags(session: Session) -> StationFlag:
    look = LOOKS[session.phase]
    told = flags(session)
    tripped_in_charge = session.phase is Phase.TRIPPING and session.began and session.output.current_a > _LOW_A
    if look.charging or tripped_in_charge:
        told |= StationFlag.CHARGING
    if look.stop:
        told |= StationFlag.STOP
    if session.phase in _ENERGIZING and session.pact is not None:
        told |= StationFlag.LOCKED
    return told


def _remaining(session: Session) -> tuple[int, int]:
    """Minutes and tens of seconds: below a minute the latter counts, otherwise it is 255."""
    if session.ending is not None:
        return 0, 0
    if session.remaining_s is not None:
        return _coded(session.remaining_s)
    stated_s = None if session.heard.time is None else session.heard.time.max_s
    return (UNUSED, UNUSED) if stated_s is None else _coded(float(stated_s))


def _coded(remaining_s: float) -> tuple[int, int]:
    if remaining_s < _MINUTE_S:
        return 0, math.ceil(remaining_s / 10.0)
    return min(254, math.ceil(remaining_s / _MINUTE_S)), UNUSED
