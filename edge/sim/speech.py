"""What a simulated car puts on the bus: one period's frames, from the car as it is."""

from __future__ import annotations

from typing import Final

from edge.chademo.frames import (
    UNUSED,
    BatteryLimits,
    ChargingTime,
    Maker,
    VehicleControl,
    VehicleFlag,
    VehicleFunctions,
)
from edge.sim.vehicle import Stage, Vehicle
from powerctl.core.clock import Monotonic

_FIRST_REFERENCE: Final = 240
"""In the first frame; the state of charge means nothing then (captures)."""
_REFERENCE: Final = 100
_SETTLED_S: Final = 2.0
"""Until then a Leaf says 3 %, then 1 % (captures)."""
_TIMES_S: Final = 2.5
_SPARE: Final = 1.3
"""Maximum time over estimated time."""
_MAX_MINUTES: Final = 250
_LEGACY_REFERENCE: Final = 255
"""To a station that announces 0.9 (captures)."""
_LEGACY_10S: Final = 228
_SAYS_CONTACTOR: Final = 2
_TINY: Final = 1e-6


def frames_due(vehicle: Vehicle, now: Monotonic) -> tuple[tuple[int, bytes], ...]:
    """Identifier and data of each frame to send in this period, in order; none while the car sleeps.

    A car that sends one identifier after the other has one frame for each turn.
    """
    if vehicle.spoke_at is None or not vehicle.plugged:
        return ()
    spoken_s = now - vehicle.spoke_at
    frames = _frames(vehicle, spoken_s)
    if vehicle.model.turn_s is None:
        return frames
    return (frames[round(spoken_s / vehicle.model.turn_s) % len(frames)],)


def _frames(vehicle: Vehicle, spoken_s: float) -> tuple[tuple[int, bytes], ...]:
    frames: tuple[tuple[int, bytes], ...] = (
        (BatteryLimits.FRAME_ID, _limits(vehicle, spoken_s).encode()),
        (ChargingTime.FRAME_ID, _time(vehicle, spoken_s).encode()),
        (VehicleControl.FRAME_ID, _control(vehicle, spoken_s).encode()),
    )
    model = vehicle.model
    if model.functions is not None:
        frames = (*frames, (VehicleFunctions.FRAME_ID, VehicleFunctions(model.functions, 0).encode()))
    if model.maker is not None:
        frames = (*frames, (Maker.FRAME_ID, Maker(model.maker).encode()))
    return frames


def _legacy(vehicle: Vehicle) -> bool:
    """True when one of both sides is before 1.0."""
    station = _SAYS_CONTACTOR if vehicle.status is None else vehicle.status.protocol_number
    return min(station, vehicle.model.protocol_number) < _SAYS_CONTACTOR


def _limits(vehicle: Vehicle, spoken_s: float) -> BatteryLimits:
    model = vehicle.model
    reference = _FIRST_REFERENCE if spoken_s <= 0.0 else _reference(vehicle)
    return BatteryLimits(model.min_current_a, 0, model.min_voltage_v, model.max_voltage_v, reference)


def _reference(vehicle: Vehicle) -> int:
    return _LEGACY_REFERENCE if _legacy(vehicle) else _REFERENCE


def _time(vehicle: Vehicle, spoken_s: float) -> ChargingTime:
    capacity = 0 if spoken_s <= 0.0 or _legacy(vehicle) else round(vehicle.battery.capacity_kwh * 10)
    if spoken_s < _TIMES_S:
        return ChargingTime(0, 0, 0, capacity)
    if _legacy(vehicle):
        return ChargingTime(_LEGACY_10S, 0, 0, 0)
    return ChargingTime(UNUSED, _max_minutes(vehicle), 0, capacity)


def _max_minutes(vehicle: Vehicle) -> int:
    """From the announced current, as cars do; generous, because it may be lowered later."""
    available_a = 0 if vehicle.capability is None else vehicle.capability.available_current_a
    power_kw = available_a * vehicle.battery.open_v / 1000.0
    missing_kwh = vehicle.battery.capacity_kwh * (100.0 - vehicle.battery.soc_percent) / 100.0
    hours = missing_kwh / power_kw if power_kw > 0.0 else _MAX_MINUTES
    return max(60, min(_MAX_MINUTES, round(hours * 60.0 * _SPARE)))


def _control(vehicle: Vehicle, spoken_s: float) -> VehicleControl:
    flags = vehicle.model.flags | vehicle.flags
    if vehicle.enabled:
        flags |= VehicleFlag.ENABLED
    if _says_open(vehicle):
        flags |= VehicleFlag.CONTACTOR_OPEN
    if vehicle.model.stray_stop_bit and int(spoken_s * 10.0) % 7 == 0:
        flags |= VehicleFlag.STOP_BEFORE_CHARGING
    return VehicleControl(
        protocol_number=vehicle.model.protocol_number,
        target_voltage_v=_target_v(vehicle),
        requested_current_a=int(vehicle.request_a + _TINY),
        faults=vehicle.faults,
        flags=flags,
        charged_rate=_rate(vehicle, spoken_s),
    )


def _says_open(vehicle: Vehicle) -> bool:
    if vehicle.contactor or vehicle.stage in {Stage.STOPPING, Stage.OPENING}:
        return False
    heard = vehicle.status is not None and not _legacy(vehicle)
    return heard or vehicle.model.says_open_first


def _target_v(vehicle: Vehicle) -> int:
    raised_v = vehicle.model.raised_target_v
    return vehicle.model.target_voltage_v if raised_v is None or not vehicle.contactor else raised_v


def _rate(vehicle: Vehicle, spoken_s: float) -> int:
    if spoken_s <= 0.0:
        return 3
    share = vehicle.battery.soc_percent / 100.0
    return 1 if spoken_s < _SETTLED_S else round(share * _reference(vehicle))
