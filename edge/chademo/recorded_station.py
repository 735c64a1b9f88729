"""What can be told of a recorded station: what it was commissioned with, and which stretch of a log is one session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from edge.chademo.codec import decode
from edge.chademo.config import ConnectorConfig
from edge.chademo.frames import Capability, StationFlag, StationStatus, VehicleControl
from edge.chademo.logs import Recorded
from edge.chademo.profile import HELD_SHARE
from edge.chademo.timing import Time
from powerctl.core.errors import MalformedFrame
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Current, Power, Voltage

_GAP_S: Final = 3.0
"""Without 0x102 for so long, the next one begins another session."""
_PATIENT_S: Final = 60.0
"""When the recorded station locked, tested and closed is its own affair: no time-out of ours judges it."""
_EARLY_S: Final = 0.1
_HOLD_S: Final = (0.1, 6.0)
_USUAL_A: Final = 125.0
_USUAL_V: Final = 500.0
_PATIENT: Final = dict.fromkeys(
    (Time.PERMIT, Time.LOCK, Time.TEST, Time.DISCHARGE, Time.K_TO_D2, Time.CLOSE, Time.REQUEST), _PATIENT_S
)


def sessions(frames: Iterable[Recorded]) -> list[list[Recorded]]:
    """The recording cut into sessions; each begins with the vehicle's first frame of the sequence."""
    parts: list[list[Recorded]] = []
    heard_at: float | None = None
    for frame in frames:
        vehicle = frame.frame_id in {0x100, 0x101, VehicleControl.FRAME_ID}
        if vehicle and (heard_at is None or frame.at - heard_at > _GAP_S):
            parts.append([])
        if vehicle:
            heard_at = frame.at
        if parts:
            parts[-1].append(frame)
    return parts


def has_station(frames: Sequence[Recorded]) -> bool:
    """True when the recording holds both sides."""
    return any(frame.frame_id == StationStatus.FRAME_ID for frame in frames)


def begins_midway(frames: Sequence[Recorded]) -> bool:
    """True when the recorded station was charging before the recording began."""
    told = (_decoded(frame) for frame in frames)
    first = next((status for status in told if isinstance(status, StationStatus)), None)
    return first is not None and bool(first.flags & StationFlag.CHARGING)


def commissioned(frames: Sequence[Recorded]) -> ConnectorConfig:
    """A connector like the recorded one, from its own frames; a usual one, when there are none."""
    told = [_decoded(frame) for frame in frames]
    capabilities = [frame for frame in told if isinstance(frame, Capability)]
    volts = max((frame.available_voltage_v for frame in capabilities), default=0)
    amperes = max((frame.available_current_a for frame in capabilities), default=0)
    numbers = [frame.protocol_number for frame in told if isinstance(frame, StationStatus)]
    max_voltage = Voltage(float(volts) or _USUAL_V)
    return ConnectorConfig(
        ConnectorId(1),
        Power.from_kw(1000.0),
        Current(float(amperes) or _USUAL_A),
        max_voltage,
        test_hold_s=_hold_s(frames, min(_USUAL_V, max_voltage.v)),
        protocol_number=numbers[-1] if numbers else 2,
        times=_PATIENT,
    )


def _hold_s(frames: Sequence[Recorded], test_v: float) -> float:
    """How long the recorded station held its test voltage, a little less; the limits of commissioning bound it."""
    held_from: float | None = None
    held_to = 0.0
    for frame in frames:
        status = _decoded(frame)
        if not isinstance(status, StationStatus):
            continue
        if status.flags & StationFlag.CHARGING:
            break
        if status.voltage_v >= HELD_SHARE * test_v:
            held_from, held_to = frame.at if held_from is None else held_from, frame.at
    held_s = 0.0 if held_from is None else held_to - held_from - _EARLY_S
    return min(_HOLD_S[1], max(_HOLD_S[0], held_s))


def _decoded(frame: Recorded) -> object:
    try:
        return decode(frame.frame_id, frame.data)
    except MalformedFrame:
        return None
