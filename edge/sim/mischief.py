"""Faults to inject into a simulated vehicle: what each changes in the car, does to it, or does to its frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from edge.can.frame import Frame
from edge.chademo.frames import VehicleControl, VehicleFault, VehicleFlag
from edge.sim import vehicle as car
from edge.sim.models import VehicleModel
from edge.sim.speech import frames_due
from edge.sim.vehicle import Event, Stage, Tick, Vehicle
from powerctl.core.clock import Monotonic

DEFAULT_AFTER_S: Final = 10.0
_NEVER_S: Final = 1e9
_RAISED_V: Final = 430
_GAP_S: Final = 0.6
_GAP_EVERY_S: Final = 3.0

Frames = tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Mischief:
    """One kind of fault. A deed, and what is done to frames, begins when charging has lasted for a while."""

    name: str
    meaning: str
    model: Mapping[str, object] = field(default_factory=dict)
    """Fields of the model that differ from the beginning."""
    deed: Callable[[Vehicle], Vehicle] | None = None
    """Done to the car at every tick."""
    spoils: Callable[[Frames, float], Frames] | None = None
    """From the frames that the car would send, and the seconds since it began, to those that it sends."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault, and when it begins."""

    what: Mischief
    after_s: float
    """Seconds of charging."""


def _sets(fault: VehicleFault) -> Callable[[Vehicle], Vehicle]:
    return lambda vehicle: replace(vehicle, faults=vehicle.faults | fault)


def _flags(flag: VehicleFlag) -> Callable[[Vehicle], Vehicle]:
    return lambda vehicle: replace(vehicle, flags=vehicle.flags | flag)


def _unplugged(vehicle: Vehicle) -> Vehicle:
    return car.advance(vehicle, car.Plug(on=False), vehicle.ticked_at or Monotonic(0.0))


def _stuttering(frames: Frames, since_s: float) -> Frames:
    return () if since_s % _GAP_EVERY_S < _GAP_S else frames


def _garbled(frames: Frames, since_s: float) -> Frames:
    """Beside every good frame one with an identifier that nobody knows."""
    return tuple(part for frame in frames for part in (Frame(frame.frame_id ^ 0x400, frame.data[::-1]), frame))


def _lying(frames: Frames, since_s: float) -> Frames:
    return tuple(_with_request(frame, 255) if frame.frame_id == VehicleControl.FRAME_ID else frame for frame in frames)


def _with_request(frame: Frame, request_a: int) -> Frame:
    return frame._replace(data=replace(VehicleControl.decode(frame.data), requested_current_a=request_a).encode())


_ALL: Final = (
    Mischief("never-speaks", "d1 wakes nobody", {"wake_s": _NEVER_S}),
    Mischief("never-permits", "k and 102.5.0 never come", {"permit_s": _NEVER_S}),
    Mischief("never-closes", "its contactor stays open: too little current in the coils", {"close_s": _NEVER_S}),
    Mischief("never-requests", "it never asks for current", {"request_s": _NEVER_S}),
    Mischief("ignores-stop", "it goes on when the station says stop", {"obeys_stop": False}),
    Mischief("never-opens", "it never finishes its welding detection", {"weld_s": _NEVER_S}),
    Mischief("welded", "its contactor does not open any more", {"welded": True}),
    Mischief("extended-ids", "29-bit identifiers", {"extended_ids": True}),
    Mischief("slow-ids", "each identifier every 225 ms", {"turn_s": 0.075}),
    Mischief("no-follow", "its request does not fall when less is available", {"follows": False}),
    Mischief("leaves", "it ends charging when less is available", {"follows": False, "leaves_when_lowered": True}),
    Mischief("over-asks", "it asks for 15 A more than is available", {"excess_a": 15}),
    Mischief("standing-request", "it asks for 1 A before its contactor is closed", {"standing_a": 1}),
    Mischief("stray-stop-bit", "102.5.4 comes and goes", {"stray_stop_bit": True}),
    Mischief(
        "raises-target",
        "it raises its target voltage to 430 V once its contactor is closed",
        {"raised_target_v": _RAISED_V},
    ),
    Mischief("deviation", "it complains about the current (102.4.2)", deed=_sets(VehicleFault.CURRENT_DEVIATION)),
    Mischief("over-voltage", "it complains about the voltage (102.4.0)", deed=_sets(VehicleFault.OVER_VOLTAGE)),
    Mischief("hot", "its battery is hot (102.4.3)", deed=_sets(VehicleFault.HIGH_TEMPERATURE)),
    Mischief("system-fault", "a fault of its charging system (102.5.2)", deed=_flags(VehicleFlag.SYSTEM_FAULT)),
    Mischief("leaves-park", "it is not in Park any more (102.5.1)", deed=_flags(VehicleFlag.NOT_PARKED)),
    Mischief("drops-k", "k goes off without a word on the bus", deed=lambda vehicle: replace(vehicle, k=False)),
    Mischief("withdraws", "102.5.0 goes off while k stays", deed=lambda vehicle: replace(vehicle, enabled=False)),
    Mischief(
        "contactor-drops", "its contactor opens under load", deed=lambda vehicle: replace(vehicle, contactor=False)
    ),
    Mischief("unplugs", "the plug comes out under load", deed=_unplugged),
    Mischief("silent", "its frames stop", spoils=lambda frames, since_s: ()),
    Mischief("stutters", "its frames stop for 0.6 s every 3 s", spoils=_stuttering),
    Mischief("wrong-order", "102, 101, 100", spoils=lambda frames, since_s: frames[::-1]),
    Mischief(
        "short-frames",
        "seven bytes instead of eight",
        spoils=lambda frames, since_s: tuple(frame._replace(data=frame.data[:7]) for frame in frames),
    ),
    Mischief("garbage", "frames that nobody knows between the others", spoils=_garbled),
    Mischief("asks-for-255", "it asks for 255 A", spoils=_lying),
)

MISCHIEF: Final[Mapping[str, Mischief]] = {one.name: one for one in _ALL}
"""By name."""


def planned(text: str) -> Planned:
    """The fault of `NAME` or `NAME@SECONDS` of charging.

    Raises:
        ValueError: There is no such fault, or the seconds are no number.
    """
    name, _, after = text.partition("@")
    if name not in MISCHIEF:
        raise ValueError(f"there is no fault {name!r}")
    after_s = float(after) if after else DEFAULT_AFTER_S
    if not 0.0 <= after_s < _NEVER_S:
        raise ValueError(f"{after!r} is no number of seconds")
    return Planned(MISCHIEF[name], after_s)


def afflicted(model: VehicleModel, plans: Iterable[Planned]) -> VehicleModel:
    """`model` with what the faults change from the beginning."""
    for plan in plans:
        model = replace(model, **dict(plan.what.model))  # type: ignore[arg-type]
    return model


def advance(vehicle: Vehicle, event: Event, now: Monotonic, plans: Iterable[Planned] = ()) -> Vehicle:
    """`vehicle` after `event` and after the deeds whose time has come."""
    vehicle = car.advance(vehicle, event, now)
    if not isinstance(event, Tick):
        return vehicle
    for plan in plans:
        since_s = _since_s(vehicle, plan, now)
        if plan.what.deed is not None and since_s is not None:
            vehicle = plan.what.deed(vehicle)
    return vehicle


def spoken(vehicle: Vehicle, now: Monotonic, plans: Iterable[Planned] = ()) -> Frames:
    """What the vehicle sends in this period (or turn), as it is on the bus."""
    extended = vehicle.model.extended_ids
    frames = tuple(Frame(frame_id, data, extended) for frame_id, data in frames_due(vehicle, now))
    for plan in plans:
        since_s = _since_s(vehicle, plan, now)
        if plan.what.spoils is not None and since_s is not None:
            frames = plan.what.spoils(frames, since_s)
    return frames


def _since_s(vehicle: Vehicle, plan: Planned, now: Monotonic) -> float | None:
    """Seconds since the fault's time has come. None: it has not."""
    if vehicle.stage is not Stage.CHARGING:
        return None
    since_s = now - vehicle.entered_at - plan.after_s
    return since_s if since_s >= 0.0 else None
