"""The frames of discharging, decoded only: vehicles and other stations send them, this station does not discharge.

Layout as in cdrs and in the recorded session; 1.1 guideline and 2.0. Discharge currents travel inverted (255 - A).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from powerctl.core.errors import MalformedFrame


def _word(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8


def _check(frame_id: int, data: bytes) -> None:
    if len(data) != 8:
        raise MalformedFrame(frame_id, data, f"{len(data)} bytes instead of 8")


@dataclass(frozen=True, slots=True)
class DischargeLimits:
    """0x200, vehicle."""

    FRAME_ID: ClassVar[int] = 0x200
    max_current_a: int
    min_voltage_v: int
    min_level: int
    """Kilowatt hours before guideline 1.0, per cent later."""
    max_remaining: int

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The frame's fields. Raises `MalformedFrame` on a wrong length."""
        _check(cls.FRAME_ID, data)
        return cls(255 - data[0], _word(data, 4), data[6], data[7])


@dataclass(frozen=True, slots=True)
class DischargeEstimate:
    """0x201, vehicle."""

    FRAME_ID: ClassVar[int] = 0x201
    sequence_number: int
    time_min: int
    energy_100wh: int

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The frame's fields. Raises `MalformedFrame` on a wrong length."""
        _check(cls.FRAME_ID, data)
        return cls(data[0], _word(data, 1), _word(data, 3))


@dataclass(frozen=True, slots=True)
class DischargeCapability:
    """0x208, station."""

    FRAME_ID: ClassVar[int] = 0x208
    current_a: int
    input_voltage_v: int
    input_current_a: int
    lower_threshold_v: int

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The frame's fields. Raises `MalformedFrame` on a wrong length."""
        _check(cls.FRAME_ID, data)
        return cls(255 - data[0], _word(data, 1), 255 - data[3], _word(data, 6))


@dataclass(frozen=True, slots=True)
class DischargeRemaining:
    """0x209, station."""

    FRAME_ID: ClassVar[int] = 0x209
    sequence_number: int
    time_min: int

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The frame's fields. Raises `MalformedFrame` on a wrong length."""
        _check(cls.FRAME_ID, data)
        return cls(data[0], _word(data, 1))
