"""Other people's registers: where a value lies, how it is read, and the meters that SunSpec describes. Pure."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from powerctl.core.errors import RemoteError
from powerctl.core.units import Power
from powerctl.signals.sources.site import MeterReading

BASES: Final = (40000, 0, 50000)
"""Where the marker of a SunSpec map may lie, in the order in which they are tried."""
MARKER: Final = (0x5375, 0x6E53)
LAST_MODEL: Final = 0xFFFF
MAX_MODELS: Final = 64
MAX_READ: Final = 125


class Number(StrEnum):
    """How a number lies in registers, high word first unless the register says otherwise."""

    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    FLOAT32 = "float32"


_CODES: Final = {
    Number.INT16: ("h", 1),
    Number.UINT16: ("H", 1),
    Number.INT32: ("i", 2),
    Number.UINT32: ("I", 2),
    Number.INT64: ("q", 4),
    Number.FLOAT32: ("f", 2),
}


@dataclass(frozen=True, slots=True)
class Register:
    """One value in a peer's registers."""

    address: int
    """Zero-based, as on the wire."""
    number: Number
    scale: float = 1.0
    """Factor to our unit: watts, amperes, hertz. Negative where the peer counts the other way."""
    function: int = 3
    """3: holding register, 4: input register."""
    low_word_first: bool = False

    @property
    def count(self) -> int:
        """Registers that it takes."""
        return _CODES[self.number][1]


def value(register: Register, words: Sequence[int]) -> float:
    """The value in our unit.

    Raises:
        RemoteError: There are too few words, or they hold no finite number.
    """
    code, count = _CODES[register.number]
    if len(words) != count:
        raise RemoteError(f"register {register.address}: {len(words)} words instead of {count}")
    ordered = reversed(words) if register.low_word_first else words
    (raw,) = struct.unpack(f">{code}", struct.pack(f">{count}H", *ordered))
    if not math.isfinite(raw):
        raise RemoteError(f"register {register.address}: no number")
    return float(raw) * register.scale


@dataclass(frozen=True, slots=True)
class MeterModel:
    """Where a SunSpec meter model has its values: offsets from the model's id register."""

    is_float: bool
    power: int
    power_sf: int
    current: int
    """Of the first phase; the others follow."""
    current_sf: int
    frequency: int
    frequency_sf: int
    length: int
    """Registers to read from the id register on."""


_INTEGER: Final = MeterModel(False, 18, 22, 3, 6, 16, 17, 23)
_FLOAT: Final = MeterModel(True, 28, 0, 4, 0, 26, 0, 30)
METER_MODELS: Final[Mapping[int, MeterModel]] = {
    **dict.fromkeys((201, 202, 203, 204), _INTEGER),
    **dict.fromkeys((211, 212, 213, 214), _FLOAT),
}
"""Single-phase, split-phase, wye and delta meters (github sunspec/models, commit 7abdf898)."""
_ABSENT: Final = 0x8000


def sunspec_reading(model_id: int, words: Sequence[int], drawn: int) -> MeterReading:
    """What a SunSpec meter measures.

    Args:
        model_id: One of `METER_MODELS`.
        words: From the model's id register on.
        drawn: 1 if the meter counts power that is drawn as positive, else -1: meters differ.

    Raises:
        RemoteError: It does not tell the power.
    """
    model = METER_MODELS[model_id]
    power = _point(model, words, model.power, model.power_sf)
    if power is None:
        raise RemoteError(f"meter model {model_id}: no power")
    step = 2 if model.is_float else 1
    phases = [_point(model, words, model.current + step * phase, model.current_sf) for phase in range(3)]
    amperes = [phase for phase in phases if phase is not None]
    return MeterReading(
        Power(drawn * power),
        (amperes[0], amperes[1], amperes[2]) if len(amperes) == len(phases) else None,
        _point(model, words, model.frequency, model.frequency_sf),
    )


def _point(model: MeterModel, words: Sequence[int], offset: int, scale_offset: int) -> float | None:
    """None: the meter does not have it."""
    if len(words) < model.length:
        raise RemoteError(f"a meter of {len(words)} registers")
    if model.is_float:
        (number,) = struct.unpack(">f", struct.pack(">2H", *words[offset : offset + 2]))
        return float(number) if math.isfinite(number) else None
    if words[offset] == _ABSENT:
        return None
    scale = _signed(words[scale_offset])
    if not -10 <= scale <= 10:
        raise RemoteError(f"a scale factor of {scale}")
    return float(_signed(words[offset]) * 10.0**scale)


def _signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word
