"""The frames of the charging sequence as values.

Standard identifiers, always eight bytes, 16-bit fields little-endian, at 500 kbit/s (every public capture; osx, cdrs,
furdog). Fields are whole numbers in the bus's own unit, which the suffix names. Start-up values are not errors:
vehicles send a state of charge of 3 % and a capacity of zero before they know better, so nothing is judged here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import ClassVar, Final, Self

from powerctl.core.errors import MalformedFrame

LENGTH: Final = 8
UNUSED: Final = 0xFF
"""In a field of time or current: see the other, coarser field."""


class VehicleFault(IntFlag):
    """Byte 4 of 0x102; any bit is a stop order, whatever k says."""

    OVER_VOLTAGE = 0x01
    UNDER_VOLTAGE = 0x02
    CURRENT_DEVIATION = 0x04
    HIGH_TEMPERATURE = 0x08
    VOLTAGE_DEVIATION = 0x10


class VehicleFlag(IntFlag):
    """Byte 5 of 0x102."""

    ENABLED = 0x01
    NOT_PARKED = 0x02
    SYSTEM_FAULT = 0x04
    CONTACTOR_OPEN = 0x08
    """Contactor open, or its welding detection finished. Means something only when both sides are 1.0 or later."""
    STOP_BEFORE_CHARGING = 0x10
    """Not acted upon: e-NV200 sets it at random (osx)."""
    LEGACY_DYNAMIC = 0x40
    """Set by early Leafs; osx calls it dynamic control."""
    DISCHARGE = 0x80


class Function(IntFlag):
    """Byte 0 of 0x110 and of 0x118."""

    DYNAMIC_CONTROL = 0x01
    HIGH_CURRENT = 0x02
    HIGH_VOLTAGE = 0x04


class StationFlag(IntFlag):
    """Byte 5 of 0x109."""

    CHARGING = 0x01
    MALFUNCTION = 0x02
    """The station found a fault of its own."""
    LOCKED = 0x04
    INCOMPATIBLE = 0x08
    SYSTEM_MALFUNCTION = 0x10
    """A fault of the vehicle or between the two."""
    STOP = 0x20


def _word(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8


def _check(frame_id: int, data: bytes) -> None:
    if len(data) != LENGTH:
        raise MalformedFrame(frame_id, data, f"{len(data)} bytes instead of {LENGTH}")


@dataclass(frozen=True, slots=True)
class BatteryLimits:
    """0x100, vehicle."""

    FRAME_ID: ClassVar[int] = 0x100
    min_current_a: int
    """0 before 1.0."""
    max_current_a: int
    """Only some vehicles; unstable before k."""
    min_voltage_v: int
    max_voltage_v: int
    rate_reference: int
    """Divisor of the charged rate in 0x102."""

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The frame's fields. Raises `MalformedFrame` on a wrong length."""
        _check(cls.FRAME_ID, data)
        return cls(data[0], data[1], _word(data, 2), _word(data, 4), data[6])

    def encode(self) -> bytes:
        """The frame's eight bytes."""
        low, high = self.min_voltage_v.to_bytes(2, "little"), self.max_voltage_v.to_bytes(2, "little")
        return bytes((self.min_current_a, self.max_current_a, *low, *high, self.rate_reference, 0))


@dataclass(frozen=True, slots=True)
class ChargingTime:
    """0x101, vehicle."""

    FRAME_ID: ClassVar[int] = 0x101
    max_10s: int
    max_min: int
    estimated_min: int
    capacity_100wh: int
    """For display; changes during the first seconds."""

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The frame's fields. Raises `MalformedFrame` on a wrong length."""
        _check(cls.FRAME_ID, data)
        return cls(data[1], data[2], data[3], _word(data, 5))

    def encode(self) -> bytes:
        """The frame's eight bytes."""
        capacity = self.capacity_100wh.to_bytes(2, "little")
        return bytes((0, self.max_10s, self.max_min, self.estimated_min, 0, *capacity, 0))

    @property
    def max_s(self) -> int | None:
        """Maximum charging time. None: not stated (yet)."""
        seconds = self.max_min * 60 if self.max_10s == UNUSED else self.max_10s * 10
        return seconds or None


@dataclass(frozen=True, slots=True)
class VehicleControl:
    """0x102, vehicle."""

    FRAME_ID: ClassVar[int] = 0x102
    protocol_number: int
    target_voltage_v: int
    requested_current_a: int
    """255 with high-current control: see 0x110."""
    faults: VehicleFault
    flags: VehicleFlag
    charged_rate: int

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The frame's fields. Raises `MalformedFrame` on a wrong length."""
        _check(cls.FRAME_ID, data)
        return cls(data[0], _word(data, 1), data[3], VehicleFault(data[4]), VehicleFlag(data[5]), data[6])

    def encode(self) -> bytes:
        """The frame's eight bytes."""
        target = self.target_voltage_v.to_bytes(2, "little")
        head = (self.protocol_number, *target, self.requested_current_a)
        return bytes((*head, self.faults, self.flags, self.charged_rate, 0))


@dataclass(frozen=True, slots=True)
class VehicleFunctions:
    """0x110, vehicle, from 1.1 on."""

    FRAME_ID: ClassVar[int] = 0x110
    functions: Function
    requested_current_a: int
    """In force when 0x102 says 255."""

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The frame's fields. Raises `MalformedFrame` on a wrong length."""
        _check(cls.FRAME_ID, data)
        return cls(Function(data[0]), _word(data, 1))

    def encode(self) -> bytes:
        """The frame's eight bytes."""
        return bytes((self.functions, *self.requested_current_a.to_bytes(2, "little"), 0, 0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Maker:
    """0x700, vehicle: some send it all the time, even with d1 off; it begins no session."""

    FRAME_ID: ClassVar[int] = 0x700
    code: int

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The frame's fields. Raises `MalformedFrame` on a wrong length."""
        _check(cls.FRAME_ID, data)
        return cls(data[0])

    def encode(self) -> bytes:
        """The frame's eight bytes."""
        return bytes((self.code, 0, 0, 0, 0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Capability:
    """0x108, station."""

    FRAME_ID: ClassVar[int] = 0x108
    welding_detection: bool
    """The output collapses when 109.5.0 falls, so that the vehicle can test its contactor."""
    available_voltage_v: int
    available_current_a: int
    threshold_voltage_v: int

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The frame's fields. Raises `MalformedFrame` on a wrong length."""
        _check(cls.FRAME_ID, data)
        return cls(bool(data[0] & 1), _word(data, 1), data[3], _word(data, 4))

    def encode(self) -> bytes:
        """The frame's eight bytes."""
        available = self.available_voltage_v.to_bytes(2, "little")
        threshold = self.threshold_voltage_v.to_bytes(2, "little")
        return bytes((self.welding_detection, *available, self.available_current_a, *threshold, 0, 0))


@dataclass(frozen=True, slots=True)
class StationStatus:
    """0x109, station."""

    FRAME_ID: ClassVar[int] = 0x109
    protocol_number: int
    voltage_v: int
    current_a: int
    discharge: bool
    flags: StationFlag
    remaining_10s: int
    remaining_min: int

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The frame's fields. Raises `MalformedFrame` on a wrong length."""
        _check(cls.FRAME_ID, data)
        discharge, flags = bool(data[4] & 1), StationFlag(data[5])
        return cls(data[0], _word(data, 1), data[3], discharge, flags, data[6], data[7])

    def encode(self) -> bytes:
        """The frame's eight bytes."""
        head = (self.protocol_number, *self.voltage_v.to_bytes(2, "little"), self.current_a)
        return bytes((*head, self.discharge, self.flags, self.remaining_10s, self.remaining_min))


@dataclass(frozen=True, slots=True)
class StationFunctions:
    """0x118, station, from 1.1 on."""

    FRAME_ID: ClassVar[int] = 0x118
    functions: Function

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The frame's fields. Raises `MalformedFrame` on a wrong length."""
        _check(cls.FRAME_ID, data)
        return cls(Function(data[0]))

    def encode(self) -> bytes:
        """The frame's eight bytes."""
        return bytes((self.functions, 0, 0, 0, 0, 0, 0, 0))
