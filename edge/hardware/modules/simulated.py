"""Modules that are not there: a cabinet's physics behind the frames of a family (pure; time is an argument).

Every module answers as the real one does, moves its current with a slope, switches itself off in silence, and can be
given a fault. Their common cable has the vehicle's battery on it, or only its own capacity.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from edge.can.frame import Frame
from edge.hardware.modules.bank import ModuleRating
from edge.hardware.modules.family import Ask, Family, ModuleNews, Trouble
from edge.hardware.power_stage_model import (
    CEILING_BAND_V,
    DISCHARGE_S,
    FALL_A_S,
    NO_LOAD,
    RISE_A_S,
    VOLTAGE_SLOPE_V_S,
    Load,
)
from powerctl.core.clock import Monotonic

SELF_OFF_S: Final = 10.0


class ModuleFault(StrEnum):
    """What can go wrong with a simulated module."""

    SILENT = "silent"
    """It works on, but is not heard and does not hear."""
    DEAD = "dead"
    """No output, no answers."""
    HOT = "hot"
    """Over-temperature: off, and says so."""
    WEAK = "weak"
    """Gives half of its current, and says so."""
    BROKEN = "broken"
    """A fault: off, and says so."""
    GARBLED = "garbled"
    """Its answers cannot be decoded."""


_MUTE: Final = frozenset({ModuleFault.SILENT, ModuleFault.DEAD})
_OFF: Final = frozenset({ModuleFault.DEAD, ModuleFault.HOT, ModuleFault.BROKEN})


_BOOT: Final = Monotonic(0.0)


@dataclass(frozen=True, slots=True)
class SimulatedModule:
    """One module."""

    address: int
    set_v: float = 0.0
    set_a: float = 0.0
    is_on: bool = False
    is_high_range: bool = False
    current_a: float = 0.0
    heard_at: Monotonic = _BOOT
    fault: ModuleFault | None = None

    def works(self, now: Monotonic, self_off_s: float) -> bool:
        """True while it delivers what it was told."""
        return self.is_on and self.fault not in _OFF and now - self.heard_at <= self_off_s


@dataclass(frozen=True, slots=True)
class SimulatedCabinet:
    """The modules that feed one cable."""

    family: Family
    rating: ModuleRating
    modules: Mapping[int, SimulatedModule]
    at: Monotonic
    voltage_v: float = 0.0
    load: Load = NO_LOAD

    @property
    def current_a(self) -> float:
        """All modules together."""
        return sum(module.current_a for module in self.modules.values())


def cabinet(family: Family, rating: ModuleRating, addresses: Iterable[int], now: Monotonic) -> SimulatedCabinet:
    """Modules that are off."""
    modules = {address: SimulatedModule(address, heard_at=now) for address in addresses}
    return SimulatedCabinet(family, rating, modules, now)


def faulted(state: SimulatedCabinet, address: int, fault: ModuleFault | None) -> SimulatedCabinet:
    """The cabinet with that fault in that module; None mends it."""
    return _with(state, replace(state.modules[address], fault=fault))


def received(state: SimulatedCabinet, frame: Frame, now: Monotonic) -> tuple[SimulatedCabinet, tuple[Frame, ...]]:
    """The cabinet after `frame`, and the answers."""
    ask = state.family.asked(frame)
    if ask is None:
        return state, ()
    answers: list[Frame] = []
    for module in state.modules.values():
        if ask.address not in (None, module.address) or module.fault in _MUTE:
            continue
        state = _with(state, _told(module, ask, now))
        for topic in ask.topics:
            answer = state.family.answer(module.address, topic, _news(state, module, now))
            if answer is not None:
                answers.append(_garbled(answer) if module.fault is ModuleFault.GARBLED else answer)
    return state, tuple(answers)


def advanced(state: SimulatedCabinet, load: Load, now: Monotonic) -> SimulatedCabinet:
    """The cabinet at `now`, with `load` on the cable since the last step."""
    step_s = now - state.at
    if step_s <= 0:
        return state
    working = [module for module in state.modules.values() if module.works(now, _self_off(state))]
    modules = {
        address: replace(module, current_a=_current(state, module, load, step_s, module in working))
        for address, module in state.modules.items()
    }
    voltage_v = load.voltage.v if load.is_connected else _open_voltage(state.voltage_v, working, step_s)
    return replace(state, at=now, modules=modules, voltage_v=voltage_v, load=load)


def _self_off(state: SimulatedCabinet) -> float:
    return SELF_OFF_S if state.family.self_off_s is None else state.family.self_off_s


def _with(state: SimulatedCabinet, module: SimulatedModule) -> SimulatedCabinet:
    return replace(state, modules={**state.modules, module.address: module})


def _told(module: SimulatedModule, ask: Ask, now: Monotonic) -> SimulatedModule:
    module = replace(module, heard_at=now)
    if ask.voltage_v is not None:
        module = replace(module, set_v=ask.voltage_v)
    if ask.current_a is not None:
        module = replace(module, set_a=ask.current_a)
    if ask.is_on is not None:
        module = replace(module, is_on=ask.is_on)
    if ask.is_high_range is not None and not module.is_on:
        module = replace(module, is_high_range=ask.is_high_range)
    return module


def _available_a(state: SimulatedCabinet, module: SimulatedModule) -> float:
    rated_a = state.rating.max_current.a
    return rated_a / 2 if module.fault is ModuleFault.WEAK else rated_a


def _current(state: SimulatedCabinet, module: SimulatedModule, load: Load, step_s: float, works: bool) -> float:
    wanted_a = 0.0
    if works and load.is_connected:
        top_v = _range_top(state, module)
        headroom = (min(module.set_v, top_v) - load.voltage.v) / CEILING_BAND_V
        most_a = min(_available_a(state, module), state.rating.max_power.w / max(load.voltage.v, 1.0))
        wanted_a = min(module.set_a, most_a) * min(1.0, max(0.0, headroom))
    if module.fault in _OFF or not load.is_connected:
        return 0.0
    fall_a, rise_a = FALL_A_S * step_s, RISE_A_S * step_s
    return max(module.current_a - fall_a, min(module.current_a + rise_a, wanted_a))


def _range_top(state: SimulatedCabinet, module: SimulatedModule) -> float:
    split_v = state.family.split_v
    return state.rating.max_voltage.v if split_v is None or module.is_high_range else split_v


def _open_voltage(present_v: float, working: list[SimulatedModule], step_s: float) -> float:
    wanted_v = max((module.set_v for module in working if module.set_a > 0), default=0.0)
    if wanted_v <= 0:
        voltage_v = present_v * math.exp(-step_s / DISCHARGE_S)
        return voltage_v if voltage_v >= 0.1 else 0.0
    slope_v = VOLTAGE_SLOPE_V_S * step_s
    return max(present_v - slope_v, min(present_v + slope_v, wanted_v))


_SAYS: Final = {
    ModuleFault.HOT: frozenset({Trouble.OVER_TEMPERATURE}),
    ModuleFault.BROKEN: frozenset({Trouble.FAULT}),
}


def _news(state: SimulatedCabinet, module: SimulatedModule, now: Monotonic) -> ModuleNews:
    hot = module.fault is ModuleFault.HOT
    return ModuleNews(
        voltage_v=state.voltage_v,
        current_a=module.current_a,
        is_on=module.works(now, _self_off(state)),
        troubles=_SAYS.get(module.fault, frozenset()) if module.fault else frozenset(),
        temperature_c=95.0 if hot else 45.0,
        available_a=0.0 if hot else _available_a(state, module),
        max_power_w=state.rating.max_power.w,
        is_high_range=module.is_high_range,
    )


def _garbled(frame: Frame) -> Frame:
    return frame._replace(data=frame.data[:5])
