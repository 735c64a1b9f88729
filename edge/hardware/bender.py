"""Bender isoCHA425HV: its registers, and what they say (pure).

Registers as public drivers state them. Not certain: the scale of R_F (ohms as a float is what they read), the value of
3023 that means CHAdeMO, and the baud rate, which is a setting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.hardware.rtu import float_of
from powerctl.core.units import Voltage

R_F: Final = 1000
U_N: Final = 1008
SPAN: Final = 10
"""R_F and U_N come in one read: channels are four registers apart, and each begins with a float."""
NAME: Final = 9800
NAME_REGISTERS: Final = 10
RESPONSE_1: Final = 3005
RESPONSE_2: Final = 3007
MODE: Final = 3023
SELF_TEST: Final = 8005
TEST_NOW: Final = 0x5445
MODE_CCS: Final = 0
MODE_CHADEMO: Final = 1
MOST_KOHM: Final = 50_000.0
"""Above, the device shows infinity or what stands for it."""


class Grade(StrEnum):
    """What a resistance means against the two response values."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Insulation:
    """One reading."""

    kohm: float
    voltage: Voltage
    """Between the poles of the cable, without sign."""


def insulation_from(registers: tuple[int, ...]) -> Insulation | None:
    """The reading of `SPAN` registers from `R_F` on. None: the device has not measured yet."""
    ohm, volts = float_of(registers[:2]), float_of(registers[U_N - R_F : U_N - R_F + 2])
    if math.isnan(ohm) or not math.isfinite(volts) or ohm < 0:
        return None
    return Insulation(min(MOST_KOHM, ohm / 1000.0), Voltage(abs(volts)))


def grade(kohm: float, *, warning_kohm: float, bad_kohm: float) -> Grade:
    """Where `kohm` lies."""
    if kohm < bad_kohm:
        return Grade.BAD
    return Grade.WARNING if kohm < warning_kohm else Grade.GOOD


def settings_to_write(*, warning_kohm: float, bad_kohm: float, chademo: int) -> tuple[tuple[int, int], ...]:
    """Registers and values that make the device watch as a CHAdeMO station needs it."""
    return ((RESPONSE_1, round(warning_kohm)), (RESPONSE_2, round(bad_kohm)), (MODE, chademo))


def name_from(registers: tuple[int, ...]) -> str:
    """The device's name: two characters a register."""
    octets = b"".join(register.to_bytes(2, "big") for register in registers)
    return octets.split(b"\0")[0].decode("ascii", "replace").strip()
