"""The cars: what each one's electronics and battery do.

Power over state of charge: open-ev-data by chargeprice (MIT; the notice is in `LICENSE-open-ev-data` beside this file).
Timing, limits and flags: public captures of the same or similar cars. Voltages over state of charge and resistances are
typical of the cells, not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    maker: int | None = None
    """Code in 0x700. None: the car does not send it."""
    min_voltage_v: int = 0
    turn_s: float | None = None
    """It sends one identifier after the other, one in this time. None: all of them every 100 ms."""
    extended_ids: bool = False
    """It sends 29-bit identifiers, which no station takes."""
    margin_a: int = 0
    """It asks for so much less than is available."""
    excess_a: int = 0
    """It asks for so much more than is available."""
    standing_a: int = 0
    """It never asks for less, not even before its contactor is closed."""
    follows: bool = True
    """False: its request never falls because less is available."""
    leaves_when_lowered: bool = False
    """It ends charging when less is available than it asks for."""
    obeys_stop: bool = True
    """False: it goes on when the station says stop."""
    says_open_first: bool = False
    """It reports its open contactor before it has heard the station."""
    stray_stop_bit: bool = False
    """It sets 102.5.4 now and then."""
    raised_target_v: int | None = None
    """Target voltage from the closing of its contactor on. None: the same as before."""
    wants_falling_voltage: bool = False
    """A reported voltage that does not fall after the end is a fault."""
    welded: bool = False
    """Its contactor does not open any more once it has closed."""
    answer_s: float = 2.5
    """First request to 109.5.0 = 1, at most (osx)."""
    deviation_a: float = 20.0
    """Some cars stop at 22 A too little, others do not at 15 A (osx; captures)."""
    deviation_s: float = 5.0


_LEAF_VOLTS: Final[Curve] = ((0.0, 312.0), (10.0, 340.0), (50.0, 362.0), (80.0, 384.0), (100.0, 402.0))
"""96 cells."""
_IMIEV_VOLTS: Final[Curve] = ((0.0, 280.0), (10.0, 312.0), (50.0, 328.0), (80.0, 342.0), (100.0, 356.0))
"""88 cells."""
_PHEV_VOLTS: Final[Curve] = ((0.0, 272.0), (10.0, 292.0), (50.0, 306.0), (80.0, 320.0), (100.0, 332.0))
"""80 cells."""
_LEAF24_KW: Final[Curve] = ((0.0, 40.0), (22.0, 46.0), (100.0, 10.0))

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
    open_voltage=_LEAF_VOLTS,
    power_kw=((0.0, 41.0), (62.0, 45.0), (65.0, 36.0), (100.0, 15.0)),
    maker=1,
)

_LEAF24: Final = VehicleModel(
    name="leaf24",
    description="Leaf-like, 24 kWh: the status bits of the first ones, no smallest current, no 0x110",
    protocol_number=2,
    functions=None,
    flags=VehicleFlag.LEGACY_DYNAMIC | VehicleFlag.DISCHARGE,
    min_current_a=0,
    max_voltage_v=435,
    target_voltage_v=410,
    usable_kwh=24.0,
    resistance_ohm=0.10,
    open_voltage=_LEAF_VOLTS,
    power_kw=_LEAF24_KW,
    maker=1,
    says_open_first=True,
)

_ENV200: Final = VehicleModel(
    name="env200",
    description="e-NV200-like, 24 kWh: sets 102.5.4 at random, says 1 V for its lowest voltage",
    protocol_number=2,
    functions=None,
    flags=VehicleFlag.LEGACY_DYNAMIC,
    min_current_a=1,
    max_voltage_v=435,
    target_voltage_v=410,
    usable_kwh=24.0,
    resistance_ohm=0.10,
    open_voltage=_LEAF_VOLTS,
    power_kw=((0.0, 40.0), (10.0, 45.0), (23.0, 46.0), (80.0, 25.0), (100.0, 10.0)),
    maker=1,
    min_voltage_v=1,
    says_open_first=True,
    stray_stop_bit=True,
)

_OUTLANDER: Final = VehicleModel(
    name="outlander",
    description="Outlander-like plug-in hybrid, 11 kWh usable: slow, wants to see the voltage fall at the end",
    protocol_number=2,
    functions=None,
    flags=VehicleFlag.LEGACY_DYNAMIC,
    min_current_a=1,
    max_voltage_v=350,
    target_voltage_v=342,
    usable_kwh=11.0,
    resistance_ohm=0.11,
    open_voltage=_PHEV_VOLTS,
    power_kw=((0.0, 20.9), (75.0, 22.0), (100.0, 3.7)),
    rise_a_s=10.0,
    fall_a_s=10.0,
    wake_s=0.8,
    permit_s=3.9,
    close_s=1.8,
    request_s=2.2,
    react_s=0.4,
    weld_s=2.9,
    wants_falling_voltage=True,
)

_IMIEV: Final = VehicleModel(
    name="imiev",
    description="i-MiEV-like, 14.5 kWh: protocol 0.9, never asks for less than 1 A",
    protocol_number=1,
    functions=None,
    flags=VehicleFlag(0),
    min_current_a=0,
    max_voltage_v=370,
    target_voltage_v=360,
    usable_kwh=14.5,
    resistance_ohm=0.12,
    open_voltage=_IMIEV_VOLTS,
    power_kw=((0.0, 47.5), (75.0, 50.0), (100.0, 3.6)),
    standing_a=1,
)

_KIT: Final = VehicleModel(
    name="kit225",
    description="Conversion kit in the manner of the JLD505: each identifier every 225 ms, asks for 1 A less, 9 A/s",
    protocol_number=1,
    functions=None,
    flags=VehicleFlag(0),
    min_current_a=0,
    max_voltage_v=410,
    target_voltage_v=402,
    usable_kwh=20.0,
    resistance_ohm=0.10,
    open_voltage=_LEAF_VOLTS,
    power_kw=_LEAF24_KW,
    rise_a_s=9.0,
    fall_a_s=9.0,
    turn_s=0.075,
    margin_a=1,
)

_JDEMO: Final = replace(
    _KIT,
    name="jdemo",
    description="Conversion kit in the manner of jdemo: wants 109.5.0 within 0.4 s, leaves when less is available",
    rise_a_s=20.0,
    close_s=0.8,
    request_s=0.6,
    turn_s=None,
    margin_a=0,
    follows=False,
    leaves_when_lowered=True,
    answer_s=0.4,
)

_ZE0: Final = replace(
    _LEAF24,
    name="leaf-ze0",
    description="A firm Leaf of the first kind: its request does not fall, 22 A too little for 5 s is a fault to it",
    protocol_number=1,
    flags=VehicleFlag(0),
    follows=False,
    says_open_first=False,
)

_STUBBORN: Final = replace(
    _LEAF40,
    name="stubborn",
    description="Like leaf40, but goes on when the station says stop",
    obeys_stop=False,
)

_EXTENDED: Final = replace(
    _KIT,
    name="extended",
    description="A conversion that sends 29-bit identifiers: no station hears it",
    turn_s=None,
    extended_ids=True,
)

MODELS: Final[Mapping[str, VehicleModel]] = {
    model.name: model
    for model in (_LEAF40, _LEAF24, _ENV200, _OUTLANDER, _IMIEV, _KIT, _JDEMO, _ZE0, _STUBBORN, _EXTENDED)
}
"""By name."""


def on_curve(curve: Curve, x: float) -> float:
    """The curve's value at `x`; beyond its ends the value of the end."""
    if x <= curve[0][0]:
        return curve[0][1]
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return curve[-1][1]
