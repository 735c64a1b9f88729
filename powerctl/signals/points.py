"""Points: the typed values of a register map, and how they lie in registers.

Registers are big-endian, high word first. Every type has a value that says *not implemented* (SunSpec DIM §6.4).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class PointType(StrEnum):
    """Types of SunSpec; the values are their names in model files."""

    INT16 = "int16"
    UINT16 = "uint16"
    ENUM16 = "enum16"
    BITFIELD16 = "bitfield16"
    SUNSSF = "sunssf"
    COUNT = "count"
    PAD = "pad"
    INT32 = "int32"
    UINT32 = "uint32"
    ENUM32 = "enum32"
    BITFIELD32 = "bitfield32"
    UINT64 = "uint64"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a numeric type lies in registers."""

    code: str
    """Of `struct`, without byte order."""
    absent: int
    """The value that says *not implemented*."""


SHAPES: Final[Mapping[PointType, Shape]] = {
    PointType.INT16: Shape("h", -0x8000),
    PointType.SUNSSF: Shape("h", -0x8000),
    PointType.PAD: Shape("h", -0x8000),
    PointType.UINT16: Shape("H", 0xFFFF),
    PointType.ENUM16: Shape("H", 0xFFFF),
    PointType.BITFIELD16: Shape("H", 0xFFFF),
    PointType.COUNT: Shape("H", 0xFFFF),
    PointType.INT32: Shape("i", -0x80000000),
    PointType.UINT32: Shape("I", 0xFFFFFFFF),
    PointType.ENUM32: Shape("I", 0xFFFFFFFF),
    PointType.BITFIELD32: Shape("I", 0xFFFFFFFF),
    PointType.UINT64: Shape("Q", 0xFFFFFFFFFFFFFFFF),
}


def numbered(*names: str) -> tuple[tuple[str, int], ...]:
    """Symbols with the values 0, 1, 2, …"""
    return tuple((name, value) for value, name in enumerate(names))


@dataclass(frozen=True, slots=True)
class Point:
    """One row of the register map."""

    name: str
    type: PointType
    sf: str = ""
    """Name of the scale factor in the same model. Empty: none."""
    units: str = ""
    meaning: str = ""
    """What it is at this station. Empty: the station does not have it."""
    writable: bool = False
    size: int = 0
    """Registers of a string; 0: given by the type."""
    symbols: tuple[tuple[str, int], ...] = ()
    optional: bool = False
    """True: a client may write *not implemented*, which says that there is no value."""
    allowed: tuple[range, ...] = ()
    """Raw values that a write may have. Empty: every value but *not implemented*."""

    @property
    def registers(self) -> int:
        """How many registers it takes."""
        return self.size or struct.calcsize(SHAPES[self.type].code) // 2

    @property
    def implemented(self) -> bool:
        """False: it reads as *not implemented* and refuses writes."""
        return bool(self.meaning)


Raw = int | str
"""A point's value before its scale factor."""


def encode(point: Point, value: Raw | None) -> bytes:
    """The registers of `value`. None: *not implemented*.

    Raises:
        ValueError: It does not fit the point's type.
    """
    if point.type is PointType.STRING:
        text = str(value or "").encode("utf-8")
        if len(text) > 2 * point.size:
            raise ValueError(f"{point.name}: {len(text)} bytes do not fit {point.size} registers")
        return text.ljust(2 * point.size, b"\0")
    shape = SHAPES[point.type]
    try:
        return struct.pack(f">{shape.code}", shape.absent if value is None else value)
    except struct.error as error:
        raise ValueError(f"{point.name}: {value} does not fit {point.type}") from error


def decode(point: Point, data: bytes) -> Raw | None:
    """The value in `data`. None: *not implemented*."""
    if point.type is PointType.STRING:
        return data.rstrip(b"\0").decode("utf-8", errors="replace") or None
    shape = SHAPES[point.type]
    value: int = struct.unpack(f">{shape.code}", data)[0]
    return None if value == shape.absent else value


def acceptable(point: Point, value: Raw | None) -> bool:
    """True if a client may write `value` to the point."""
    if value is None or isinstance(value, str):
        return value is None and point.optional
    if point.symbols and value not in {number for _, number in point.symbols}:
        return False
    return not point.allowed or any(value in allowed for allowed in point.allowed)
