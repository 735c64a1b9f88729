"""The cars: what each one's electronics and battery do.

Power over state of charge: open-ev-data by chargeprice (MIT; the notice is in `LICENSE-open-ev-data` beside this file).
Timing, limits and flags: public captures of the same or similar cars. Voltages over state of charge and resistances are
typical of the cells, not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from edge.chademo.frames import Function, VehicleFlag

Curve = tuple[tuple[float, float], ...]
"""Points of a piecewise linear curve, x rising."""


@dataclass(frozen=True, slots=True)
class VehicleModel:
    """One kind of car."""

    name: str
    description: str
    protocol_number: int
    functions: Function | None
    """Of 0x110. None: the car does not send it."""
    flags: VehicleFlag
    """Bits of 102.5 that are always set."""
    min_current_a: int
    max_voltage_v: int
    target_voltage_v: int
    usable_kwh: float
    resistance_ohm: float
    open_voltage: Curve
    """Per cent to volts."""
    power_kw: Curve
    """Per cent to the most that the battery takes."""
    rise_a_s: float = 20.0
    """Slope of a rising request (captures: 2 A per 100 ms)."""
    fall_a_s: float = 200.0
    """Slope with which the request follows a lower announcement (captures: at once)."""
    wake_s: float = 0.4
    """d1 on to the first frame."""
    permit_s: float = 3.4
    """First frame to k."""
    close_s: float = 1.3
    """d2 on to contactor closed."""
    request_s: float = 1.7
    """Contactor closed to the first request."""
    react_s: float = 0.25
    """Stop order to 102.5.0 = 0 and k off."""
    weld_s: float = 2.3
    """109.5.0 = 0 to contactor open, welding tested."""
    idle_limit_s: float = 360.0
    """Without current for so long the car ends the session."""
    full_percent: float = 100.0
    """It ends the session here."""


_LEAF40: Final = VehicleModel(
    name="leaf40",
    description="Leaf-like, 40 kWh: 0x110, 6 A at least, follows a lower announcement at once",
    protocol_number=2,
    functions=Function.DYNAMIC_CONTROL,
    flags=VehicleFlag(0),
    min_current_a=6,
    max_voltage_v=435,
    target_voltage_v=410,
    usable_kwh=38.0,
    resistance_ohm=0.08,
    open_voltage=((0.0, 312.0), (10.0, 340.0), (50.0, 362.0), (80.0, 384.0), (100.0, 402.0)),
    power_kw=((0.0, 41.0), (62.0, 45.0), (65.0, 36.0), (100.0, 15.0)),
)

_OUTLANDER: Final = VehicleModel(
    name="outlander",
    description="Outlander-like plug-in hybrid, 11 kWh usable: no 0x110, 1 A at least, slower in everything",
    protocol_number=2,
    functions=None,
    flags=VehicleFlag.LEGACY_DYNAMIC,
    min_current_a=1,
    max_voltage_v=350,
    target_voltage_v=342,
    usable_kwh=11.0,
    resistance_ohm=0.11,
    open_voltage=((0.0, 272.0), (10.0, 292.0), (50.0, 306.0), (80.0, 320.0), (100.0, 332.0)),
    power_kw=((0.0, 20.9), (75.0, 22.0), (100.0, 3.7)),
    rise_a_s=10.0,
    fall_a_s=10.0,
    wake_s=0.8,
    permit_s=3.9,
    close_s=1.8,
    request_s=2.2,
    react_s=0.4,
    weld_s=2.9,
)

MODELS: Final[Mapping[str, VehicleModel]] = {model.name: model for model in (_LEAF40, _OUTLANDER)}


def on_curve(curve: Curve, x: float) -> float:
    """The curve's value at `x`; beyond its ends the value of the end."""
    if x <= curve[0][0]:
        return curve[0][1]
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return curve[-1][1]
