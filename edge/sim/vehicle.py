"""A car's charging electronics (EVCC) without input or output: frames and lines in, frames and lines out.

What it does and how fast follows public captures. It is as strict as a real car: voltage at the inlet when its
contactor is to close, a station that reports a fault, falls silent or delivers far from what was asked, all end the
session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, assert_never

from edge.chademo.codec import STATION
from edge.chademo.frames import (
    Capability,
    StationFlag,
    StationStatus,
    VehicleFault,
    VehicleFlag,
)
from edge.sim.battery import Battery
from edge.sim.models import VehicleModel
from powerctl.core.clock import Monotonic
from powerctl.core.errors import MalformedFrame

_EMPTY_INLET_V: Final = 20.0
_SILENT_S: Final = 1.0
_FALL_DUE_S: Final = 2.5
"""Permission withdrawn to at most 5 A, at most (osx)."""
_RELEASE_S: Final = 0.3
"""End of charging to the opening of the contactor (capture: voltage falls from 383 to 265 V within 0.3 s)."""
_QUARTER: Final = 0.25
"""To which the reported voltage falls within 1 s of the end, for welding detection (osx)."""
_FLOWING_A: Final = 0.5
_LOW_A: Final = 5.0
_FAULTY: Final = StationFlag.MALFUNCTION | StationFlag.INCOMPATIBLE | StationFlag.SYSTEM_MALFUNCTION


class Stage(StrEnum):
    """Where the car is in the sequence."""

    ASLEEP = "asleep"
    AWAKE = "awake"
    READY = "ready"
    CLOSING = "closing"
    CLOSED = "closed"
    CHARGING = "charging"
    STOPPING = "stopping"
    OPENING = "opening"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Wires:
    """The pilot lines from the station. A shell that lost them says that all are off."""

    d1: bool
    d2: bool


@dataclass(frozen=True, slots=True)
class Supply:
    """What the station puts on the power contacts."""

    voltage_v: float
    current_a: float


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame from the station."""

    frame_id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Plug:
    """Somebody plugs in, or pulls the plug."""

    on: bool


@dataclass(frozen=True, slots=True)
class PressStop:
    """The driver ends charging in the car."""


@dataclass(frozen=True, slots=True)
class SetSoc:
    """The battery is now charged to `percent`; for experiments."""

    percent: float


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passes. Expected every 100 ms or more often."""


_BOOT: Final = Monotonic(0.0)
_NO_WIRES: Final = Wires(d1=False, d2=False)
_NO_SUPPLY: Final = Supply(0.0, 0.0)
_NO_FAULT: Final = VehicleFault(0)
_NO_FLAG: Final = VehicleFlag(0)

Event = Wires | Supply | Frame | Plug | PressStop | SetSoc | Tick


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A car at one instant. Made by `parked`, changed by `advance` only."""

    model: VehicleModel
    battery: Battery
    plugged: bool = False
    stage: Stage = Stage.ASLEEP
    entered_at: Monotonic = _BOOT
    ticked_at: Monotonic | None = None
    spoke_at: Monotonic | None = None
    """Since when it sends frames. None: it does not."""
    wires: Wires = _NO_WIRES
    supply: Supply = _NO_SUPPLY
    capability: Capability | None = None
    status: StationStatus | None = None
    heard_at: Monotonic | None = None
    request_a: float = 0.0
    flowed_at: Monotonic | None = None
    deviates_since: Monotonic | None = None
    k: bool = False
    enabled: bool = False
    contactor: bool = False
    faults: VehicleFault = _NO_FAULT
    flags: VehicleFlag = _NO_FLAG
    why: str = ""
    """Why charging ended, for a person; empty: it did not."""

    @property
    def inlet_v(self) -> float:
        """Voltage at the power contacts."""
        return self.battery.voltage_v if self.contactor else self.supply.voltage_v


def parked(model: VehicleModel, soc_percent: float, *, capacity_kwh: float | None = None) -> Vehicle:
    """A car that is not plugged in."""
    return Vehicle(model, Battery(model, soc_percent, capacity_kwh or model.usable_kwh))


def advance(vehicle: Vehicle, event: Event, now: Monotonic) -> Vehicle:
    """The car after `event`. Its lines and frames follow from its new state."""
    match event:
        case Tick():
            return _stepped(_charged(vehicle, now), now)
        case Wires():
            return _stepped(replace(vehicle, wires=event), now)
        case Supply():
            return replace(vehicle, supply=event)
        case Frame(frame_id, data):
            return _heard(vehicle, frame_id, data, now)
        case Plug(on):
            return replace(_away(vehicle), plugged=on)
        case PressStop():
            return _ended(vehicle, "The driver ended charging in the car.", now)
        case SetSoc(percent):
            return replace(vehicle, battery=replace(vehicle.battery, soc_percent=min(100.0, max(0.0, percent))))
        case _:
            assert_never(event)


def _away(vehicle: Vehicle) -> Vehicle:
    """The car as if it had never been plugged in; what was charged stays."""
    battery, stuck = replace(vehicle.battery, current_a=0.0), vehicle.contactor and vehicle.model.welded
    return Vehicle(vehicle.model, battery, ticked_at=vehicle.ticked_at, contactor=stuck)


def _heard(vehicle: Vehicle, frame_id: int, data: bytes, now: Monotonic) -> Vehicle:
    kind = STATION.get(frame_id)
    if kind is None or vehicle.spoke_at is None:
        return vehicle
    try:
        frame = kind.decode(data)
    except MalformedFrame:
        return vehicle
    if isinstance(frame, Capability):
        return replace(vehicle, capability=frame)
    if isinstance(frame, StationStatus):
        return replace(vehicle, status=frame, heard_at=now)
    return vehicle


def _charged(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    """The battery takes what has flowed since the last tick, and the request moves."""
    dt_s = 0.0 if vehicle.ticked_at is None else max(0.0, min(1.0, now - vehicle.ticked_at))
    flowing_a = vehicle.supply.current_a if vehicle.contactor else 0.0
    battery = vehicle.battery.charged(flowing_a, dt_s)
    flowed_at = now if flowing_a > _FLOWING_A else vehicle.flowed_at
    request_a = _requested(vehicle, dt_s)
    return replace(vehicle, battery=battery, ticked_at=now, flowed_at=flowed_at, request_a=request_a)


def _requested(vehicle: Vehicle, dt_s: float) -> float:
    model = vehicle.model
    if vehicle.stage is not Stage.CHARGING or vehicle.capability is None:
        return float(model.standing_a) if vehicle.stage in _BEFORE_CHARGING else 0.0
    available_a = max(0, vehicle.capability.available_current_a - model.margin_a) + model.excess_a
    if not model.follows:
        available_a = max(available_a, int(vehicle.request_a))
    goal_a = max(float(model.standing_a), min(vehicle.battery.wish_a(), float(available_a)))
    if goal_a < vehicle.request_a:
        return max(goal_a, vehicle.request_a - model.fall_a_s * dt_s)
    return min(goal_a, vehicle.request_a + model.rise_a_s * dt_s)


def _to(vehicle: Vehicle, stage: Stage, now: Monotonic) -> Vehicle:
    return replace(vehicle, stage=stage, entered_at=now)


def _ended(vehicle: Vehicle, why: str, now: Monotonic) -> Vehicle:
    if vehicle.stage in {Stage.ASLEEP, Stage.STOPPING, Stage.OPENING, Stage.DONE}:
        return vehicle
    return replace(_to(vehicle, Stage.STOPPING, now), why=why, request_a=0.0)


def _stepped(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    if not vehicle.plugged:
        return vehicle
    # The coils of the contactor are fed through d1 and d2: without them it opens, whatever the car wants.
    powered = vehicle.wires.d1 and vehicle.wires.d2
    if vehicle.contactor and not powered and not vehicle.model.welded:
        vehicle = replace(vehicle, contactor=False)
    if not vehicle.wires.d1 and vehicle.stage is not Stage.ASLEEP:
        return replace(_away(vehicle), plugged=True, why=vehicle.why)
    vehicle = _guarded(vehicle, now)
    return _STEPS[vehicle.stage](vehicle, now)


def _guarded(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    if vehicle.stage not in _GUARDED:
        return vehicle
    why = _complaint(vehicle, now)
    return vehicle if why is None else _ended(vehicle, why, now)


def _complaint(vehicle: Vehicle, now: Monotonic) -> str | None:
    status = vehicle.status
    if status is None:
        return None
    if vehicle.heard_at is not None and now - vehicle.heard_at > _SILENT_S:
        return "The station fell silent."
    if status.flags & _FAULTY:
        return "The station reports a fault."
    return None


def _asleep(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    if not vehicle.wires.d1:
        return vehicle
    return replace(_to(vehicle, Stage.AWAKE, now), why="")


def _awake(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    waited_s = now - vehicle.entered_at
    if vehicle.spoke_at is None:
        return replace(vehicle, spoke_at=now) if waited_s >= vehicle.model.wake_s else vehicle
    if vehicle.status is None or vehicle.capability is None or now - vehicle.spoke_at < vehicle.model.permit_s:
        return vehicle
    if vehicle.capability.available_voltage_v < vehicle.model.target_voltage_v:
        return replace(vehicle, flags=VehicleFlag.SYSTEM_FAULT)
    return replace(_to(vehicle, Stage.READY, now), k=True, enabled=True)


def _ready(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    if not vehicle.wires.d2:
        return vehicle
    if vehicle.supply.voltage_v > _EMPTY_INLET_V:
        return _failed(vehicle, VehicleFault.VOLTAGE_DEVIATION, "There was voltage at the inlet.", now)
    return _to(vehicle, Stage.CLOSING, now)


def _closing(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    if now - vehicle.entered_at < vehicle.model.close_s:
        return vehicle
    return replace(_to(vehicle, Stage.CLOSED, now), contactor=True)


def _closed(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    if now - vehicle.entered_at < vehicle.model.request_s:
        return vehicle
    return replace(_to(vehicle, Stage.CHARGING, now), flowed_at=now)


def _charging(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    vehicle = _compared(vehicle, now)
    if vehicle.deviates_since is not None and now - vehicle.deviates_since >= vehicle.model.deviation_s:
        return _failed(vehicle, VehicleFault.CURRENT_DEVIATION, "The current is not what the car asked for.", now)
    if vehicle.inlet_v > vehicle.model.max_voltage_v:
        return _failed(vehicle, VehicleFault.OVER_VOLTAGE, "The battery's voltage is too high.", now)
    why = _reason_to_end(vehicle, now)
    return vehicle if why is None else _ended(vehicle, why, now)


def _compared(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    off_a = abs(vehicle.supply.current_a - vehicle.request_a)
    if off_a <= vehicle.model.deviation_a:
        return vehicle if vehicle.deviates_since is None else replace(vehicle, deviates_since=None)
    return vehicle if vehicle.deviates_since is not None else replace(vehicle, deviates_since=now)


def _reason_to_end(vehicle: Vehicle, now: Monotonic) -> str | None:
    battery, model = vehicle.battery, vehicle.model
    told = _told_to_end(vehicle, now) if model.obeys_stop else None
    if told is not None:
        return told
    available_a = 0 if vehicle.capability is None else vehicle.capability.available_current_a
    if model.leaves_when_lowered and available_a < int(vehicle.request_a):
        return "The station lowered the current."
    if battery.soc_percent >= model.full_percent or battery.wish_a() < model.min_current_a:
        return "The battery is full."
    if vehicle.flowed_at is not None and now - vehicle.flowed_at > model.idle_limit_s:
        return "No current for too long."
    return None


def _told_to_end(vehicle: Vehicle, now: Monotonic) -> str | None:
    status = vehicle.status
    if status is None or not status.flags & StationFlag.CHARGING:
        return "The station did not begin." if now - vehicle.entered_at > vehicle.model.answer_s else None
    if status.flags & StationFlag.STOP:
        return "The station ended charging."
    if status.remaining_10s == 0 and status.remaining_min == 0:
        return "The charging time is over."
    return None


def _failed(vehicle: Vehicle, fault: VehicleFault, why: str, now: Monotonic) -> Vehicle:
    return replace(_ended(vehicle, why, now), faults=vehicle.faults | fault)


def _stopping(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    if now - vehicle.entered_at < vehicle.model.react_s:
        return vehicle
    vehicle = replace(vehicle, k=False, enabled=False)
    told = vehicle.status is None or not vehicle.status.flags & StationFlag.CHARGING
    if not told and vehicle.supply.current_a > _LOW_A and now - vehicle.entered_at < _FALL_DUE_S:
        return vehicle
    return _to(vehicle, Stage.OPENING, now)


def _opening(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    model, since_s = vehicle.model, now - vehicle.entered_at
    if since_s >= _RELEASE_S and not model.welded:
        vehicle = replace(vehicle, contactor=False)
    if since_s < model.weld_s or vehicle.contactor:
        return vehicle
    told_v = 0 if vehicle.status is None else vehicle.status.voltage_v
    if model.wants_falling_voltage and told_v > _QUARTER * vehicle.battery.open_v:
        vehicle = replace(vehicle, flags=VehicleFlag.SYSTEM_FAULT, why="The reported voltage does not fall.")
    return _to(vehicle, Stage.DONE, now)


def _done(vehicle: Vehicle, now: Monotonic) -> Vehicle:
    return vehicle


_BEFORE_CHARGING: Final = frozenset({Stage.AWAKE, Stage.READY, Stage.CLOSING, Stage.CLOSED})
_GUARDED: Final = frozenset({Stage.READY, Stage.CLOSING, Stage.CLOSED, Stage.CHARGING})

_STEPS: Final[Mapping[Stage, Callable[[Vehicle, Monotonic], Vehicle]]] = {
    Stage.ASLEEP: _asleep,
    Stage.AWAKE: _awake,
    Stage.READY: _ready,
    Stage.CLOSING: _closing,
    Stage.CLOSED: _closed,
    Stage.CHARGING: _charging,
    Stage.STOPPING: _stopping,
    Stage.OPENING: _opening,
    Stage.DONE: _done,
}
