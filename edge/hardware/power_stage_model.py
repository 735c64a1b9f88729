"""How simulated power modules move their output: slopes, ceilings, discharge (pure; time is an argument)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from edge.hardware.ports import Output
from powerctl.core.clock import Monotonic
from powerctl.core.units import Current, Power, Voltage

FALL_A_S: Final = 200.0
"""Modules must fall by at least 100 A/s (architecture, rule 4); this one is better than it must be."""
RISE_A_S: Final = 100.0
VOLTAGE_SLOPE_V_S: Final = 1000.0
"""500 V within 0.5 s: recorded stations raise the insulation test within 0.2 to 4 s."""
DISCHARGE_S: Final = 0.15
"""Time constant of the active discharge: 500 V reach 10 V in 0.6 s (required: 2 s; recorded: 0.3 s)."""
CEILING_BAND_V: Final = 2.0
"""Width over which the current fades when the battery reaches the voltage ceiling."""


class Mode(Enum):
    """What the stage was told to do."""

    OFF = auto()
    CHARGE = auto()
    TEST = auto()


@dataclass(frozen=True, slots=True)
class Load:
    """What hangs on the cable."""

    is_connected: bool
    """The vehicle's contactor is closed."""
    voltage: Voltage
    """Of the battery, when connected."""


NO_LOAD: Final = Load(False, Voltage(0.0))


@dataclass(frozen=True, slots=True)
class StageState:
    """The stage at one instant."""

    at: Monotonic
    mode: Mode = Mode.OFF
    ceiling_v: float = 0.0
    order_a: float = 0.0
    voltage_v: float = 0.0
    current_a: float = 0.0

    @property
    def output(self) -> Output:
        """What a meter on the cable shows."""
        return Output(Voltage(self.voltage_v), Current(self.current_a))


def ordered(state: StageState, mode: Mode, voltage: Voltage, current: Current) -> StageState:
    """`state` with a new order; the output itself moves only with time."""
    return replace(state, mode=mode, ceiling_v=voltage.v, order_a=max(0.0, current.a))


def tripped(state: StageState) -> StageState:
    """`state` after a hardware trip: the current is gone at once."""
    return replace(state, mode=Mode.OFF, order_a=0.0, current_a=0.0)


def advanced(state: StageState, load: Load, now: Monotonic, max_power: Power) -> StageState:
    """`state` at `now`, with `load` on the cable since the last step. `now` in the past changes nothing."""
    step_s = now - state.at
    if step_s <= 0:
        return state
    current_a = _current(state, load, step_s, max_power) if load.is_connected else 0.0
    voltage_v = load.voltage.v if load.is_connected else _open_voltage(state, step_s)
    return replace(state, at=now, voltage_v=voltage_v, current_a=current_a)


def _current(state: StageState, load: Load, step_s: float, max_power: Power) -> float:
    wanted_a = state.order_a if state.mode is Mode.CHARGE else 0.0
    headroom = (state.ceiling_v - load.voltage.v) / CEILING_BAND_V
    wanted_a *= min(1.0, max(0.0, headroom))
    wanted_a = min(wanted_a, max_power.at(load.voltage).a)
    return _toward(state.current_a, wanted_a, rise=RISE_A_S * step_s, fall=FALL_A_S * step_s)


def _open_voltage(state: StageState, step_s: float) -> float:
    if state.mode is Mode.OFF:
        voltage_v = state.voltage_v * math.exp(-step_s / DISCHARGE_S)
        return voltage_v if voltage_v >= 0.1 else 0.0
    slope = VOLTAGE_SLOPE_V_S * step_s
    return _toward(state.voltage_v, state.ceiling_v, rise=slope, fall=slope)


def _toward(present: float, wanted: float, *, rise: float, fall: float) -> float:
    return max(present - fall, min(present + rise, wanted))
