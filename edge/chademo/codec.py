"""From an identifier to the frame that has it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from edge.chademo.frames import (
    BatteryLimits,
    Capability,
    ChargingTime,
    Maker,
    StationFunctions,
    StationStatus,
    VehicleControl,
    VehicleFunctions,
)
from edge.chademo.v2x import DischargeCapability, DischargeEstimate, DischargeLimits, DischargeRemaining

VehicleFrame = BatteryLimits | ChargingTime | VehicleControl | VehicleFunctions | Maker
StationFrame = Capability | StationStatus | StationFunctions
Frame = VehicleFrame | StationFrame | DischargeLimits | DischargeEstimate | DischargeCapability | DischargeRemaining


VEHICLE: Final[Mapping[int, type[VehicleFrame]]] = {
    kind.FRAME_ID: kind for kind in (BatteryLimits, ChargingTime, VehicleControl, VehicleFunctions, Maker)
}
"""What a session acts upon."""

STATION: Final[Mapping[int, type[StationFrame]]] = {
    kind.FRAME_ID: kind for kind in (Capability, StationStatus, StationFunctions)
}

OPTIONAL: Final = frozenset({0x103, 0x200, 0x201, 0x202})
"""Seen from vehicles and not needed: ignored without being counted."""

ALL: Final[Mapping[int, type[Frame]]] = {
    **VEHICLE,
    **STATION,
    **{kind.FRAME_ID: kind for kind in (DischargeLimits, DischargeEstimate, DischargeCapability, DischargeRemaining)},
}


def decode(frame_id: int, data: bytes) -> Frame | None:
    """The frame, from either side, or None for an identifier that means nothing here.

    Raises:
        MalformedFrame: It has not eight bytes.
    """
    kind = ALL.get(frame_id)
    return None if kind is None else kind.decode(data)


@lru_cache(maxsize=256)  # vehicles repeat themselves ten times a second
def decode_vehicle(frame_id: int, data: bytes) -> VehicleFrame | None:
    """The vehicle's frame, or None for one that a session does not act upon.

    Raises:
        MalformedFrame: It has not eight bytes.
    """
    kind = VEHICLE.get(frame_id)
    return None if kind is None else kind.decode(data)
