"""What a simulated car puts on the bus: one period's frames, from the car as it is."""

from __future__ import annotations

from typing import Final

from edge.chademo.frames import (
    UNUSED,
    BatteryLimits,
    ChargingTime,
    VehicleControl,
    VehicleFlag,
    VehicleFunctions,
)
from edge.sim.vehicle import Vehicle
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
_TINY: Final = 1e-6


def frames_due(vehicle: Vehicle, now: Monotonic) -> tuple[tuple[int, bytes], ...]:
    """Identifier and data of each frame to send in this period, in order; none while the car sleeps."""
    if vehicle.spoke_at is None or not vehicle.plugged:
        return ()
    spoken_s = now - vehicle.spoke_at
    frames: tuple[tuple[int, bytes], ...] = (
        (BatteryLimits.FRAME_ID, _limits(vehicle, spoken_s).encode()),
        (ChargingTime.FRAME_ID, _time(vehicle, spoken_s).encode()),
        (VehicleControl.FRAME_ID, _control(vehicle, spoken_s).encode()),
    )
    if vehicle.model.functions is None:
        return frames
    return (*frames, (VehicleFunctions.FRAME_ID, VehicleFunctions(vehicle.model.functions, 0).encode()))


def _limits(vehicle: Vehicle, spoken_s: float) -> BatteryLimits:
    model = vehicle.model
    reference = _FIRST_REFERENCE if spoken_s <= 0.0 else _REFERENCE
    return BatteryLimits(model.min_current_a, 0, 0, model.max_voltage_v, reference)


def _time(vehicle: Vehicle, spoken_s: float) -> ChargingTime:
    capacity = 0 if spoken_s <= 0.0 else round(vehicle.battery.capacity_kwh * 10)
    if spoken_s < _TIMES_S:
        return ChargingTime(0, 0, 0, capacity)
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
    if not vehicle.contactor and vehicle.capability is not None:
        flags |= VehicleFlag.CONTACTOR_OPEN
    return VehicleControl(
        protocol_number=vehicle.model.protocol_number,
        target_voltage_v=vehicle.model.target_voltage_v,
        requested_current_a=int(vehicle.request_a + _TINY),
        faults=vehicle.faults,
        flags=flags,
        charged_rate=_rate(vehicle, spoken_s),
    )


def _rate(vehicle: Vehicle, spoken_s: float) -> int:
    if spoken_s <= 0.0:
        return 3
    return 1 if spoken_s < _SETTLED_S else round(vehicle.battery.soc_percent)
