"""The lines of a simulated plant: newline-delimited JSON objects, parsed where they arrive (pure).

Edge to plant: `d1`, `d2`, `lock` (0/1), `v_src` (V), `i` (A). Plant to edge: `k`, `prox`, `contactor` (0/1), `v_inlet`
(V) and, where the plant has them, `lock_fb`, `pe`, `door` (0/1) and `r_iso` (kOhm). Unknown keys are left alone.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any, Final

from powerctl.core.errors import RemoteError
from powerctl.core.units import Voltage

MAX_LINE: Final = 4096
"""Bytes; a complete line has fewer than 200."""
SILENCE_S: Final = 0.3
"""Without a line for so long the plant counts as unplugged (architecture, software-in-the-loop seam)."""
MAX_VOLTAGE: Final = 2000.0
MAX_KOHM: Final = 1e9


NO_VOLTAGE: Final = Voltage(0.0)


@dataclass(frozen=True, slots=True)
class PlantState:
    """The vehicle's side of the plug, as last heard."""

    k: bool = False
    prox: bool = False
    contactor: bool = False
    inlet: Voltage = NO_VOLTAGE
    lock_feedback: bool | None = None
    """None: the plant has no feedback."""
    insulation_kohm: float | None = None
    """None: healthy."""
    pe: bool = True
    door: bool = False
    """A door of the station is open."""


UNPLUGGED_PLANT: Final = PlantState()


def merge(state: PlantState, line: bytes) -> PlantState:
    """`state` with the values of `line`; what the line does not name stays.

    Raises:
        RemoteError: No JSON object, or a value of the wrong kind or out of range.
    """
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RemoteError("the line is not JSON") from error
    if not isinstance(values, dict):
        raise RemoteError("the line is no JSON object")
    changes = {field: convert(key, values[key]) for key, (field, convert) in _KEYS.items() if key in values}
    return replace(state, **changes)


def encode(values: dict[str, float | int]) -> bytes:
    """One line with `values`."""
    return json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"


def _switch(key: str, value: Any) -> bool:
    if value in (0, 1) and isinstance(value, int | bool):
        return bool(value)
    raise RemoteError(f"{key}: {value!r} is neither 0 nor 1"[:100])


def _number(key: str, value: Any, high: float) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value <= high:
        return float(value)
    raise RemoteError(f"{key}: {value!r} is no number from 0 to {high:g}"[:100])


def _volts(key: str, value: Any) -> Voltage:
    return Voltage(_number(key, value, MAX_VOLTAGE))


def _kiloohms(key: str, value: Any) -> float:
    return _number(key, value, MAX_KOHM)


_KEYS: Final[dict[str, tuple[str, Any]]] = {
    "k": ("k", _switch),
    "prox": ("prox", _switch),
    "contactor": ("contactor", _switch),
    "v_inlet": ("inlet", _volts),
    "lock_fb": ("lock_feedback", _switch),
    "r_iso": ("insulation_kohm", _kiloohms),
    "pe": ("pe", _switch),
    "door": ("door", _switch),
}
