"""Several modules in parallel as one: who is there, what each shall do, what all give together (pure).

A module that is missing may still deliver what it delivered last, until it has switched itself off: so long the others
are told to give that much less, and the bank counts it as flowing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from edge.hardware.modules.family import OFF, ModuleNews, ModuleOrder, Trouble
from edge.hardware.ports import Output, StageCapability
from powerctl.core.clock import Monotonic, after
from powerctl.core.units import Current, Power, Voltage

MISSING_S: Final = 1.0
"""Asked ten times a second, a module that is silent for so long is missing."""
TEST_A: Final = 0.5
"""Current limit while the cable is raised for the insulation test; one module does it."""
NO_CURRENT_A: Final = 0.5
"""Below, a module's shunt shows noise."""
DISABLING: Final = frozenset(Trouble) - {Trouble.FAN, Trouble.BLEEDER}
"""Troubles with which a module is not used; the others are told and watched."""


@dataclass(frozen=True, slots=True)
class ModuleRating:
    """What one module of the cabinet can do at best; all are alike."""

    max_power: Power
    max_current: Current
    min_voltage: Voltage
    max_voltage: Voltage


@dataclass(frozen=True, slots=True)
class Module:
    """One module, as last heard."""

    address: int
    heard_at: Monotonic | None = None
    """When its output was last told. None: never."""
    voltage_v: float = 0.0
    current_a: float = 0.0
    is_on: bool | None = None
    troubles: frozenset[Trouble] = frozenset()
    temperature_c: float | None = None
    available_a: float | None = None
    max_power_w: float | None = None
    is_high_range: bool | None = None

    def is_missing(self, now: Monotonic) -> bool:
        """True when it does not answer."""
        return self.heard_at is None or now - self.heard_at > MISSING_S

    def is_usable(self, now: Monotonic) -> bool:
        """True when it answers and has no trouble that forbids its use."""
        return not self.is_missing(now) and not self.troubles & DISABLING


@dataclass(frozen=True, slots=True)
class Bank:
    """The modules of one connector."""

    rating: ModuleRating
    self_off_s: float | None
    """When a silent module has switched itself off. None: it must be counted until it is heard again."""
    modules: Mapping[int, Module] = field(default_factory=dict)


def bank_of(addresses: Iterable[int], rating: ModuleRating, self_off_s: float | None) -> Bank:
    """A bank that has not been heard."""
    return Bank(rating, self_off_s, {address: Module(address) for address in addresses})


def heard(module: Module, news: ModuleNews, now: Monotonic) -> Module:
    """`module` with what it said. Voltage or current is its sign of life."""
    said = {name: value for name in _TOLD if (value := getattr(news, name)) is not None}
    if "voltage_v" in said or "current_a" in said:
        return replace(module, heard_at=now, **said)
    return replace(module, **said)


_TOLD: Final = (
    "voltage_v",
    "current_a",
    "is_on",
    "troubles",
    "temperature_c",
    "available_a",
    "max_power_w",
    "is_high_range",
)


def output(bank: Bank, now: Monotonic) -> Output:
    """What flows: the highest voltage, all currents, those of missing modules included as long as they may flow."""
    present = [module for module in bank.modules.values() if not module.is_missing(now)]
    voltage_v = max((module.voltage_v for module in present), default=0.0)
    current_a = sum(module.current_a for module in present) + _lost_a(bank, now)
    return Output(Voltage(voltage_v), Current(current_a))


def known_until(bank: Bank, now: Monotonic) -> Monotonic:
    """Until when `output` stays as it is at `now` unless a module speaks; `now` while one is missing."""
    heard_at = [module.heard_at for module in bank.modules.values() if module.heard_at is not None]
    if len(heard_at) < len(bank.modules) or not heard_at:
        return now
    return max(now, after(min(heard_at), MISSING_S))


def is_heard(bank: Bank, now: Monotonic) -> bool:
    """False: nothing is known of the output, because no module answers."""
    return any(not module.is_missing(now) for module in bank.modules.values())


def _lost_a(bank: Bank, now: Monotonic) -> float:
    return sum(module.current_a for module in bank.modules.values() if _may_flow(bank, module, now))


def _may_flow(bank: Bank, module: Module, now: Monotonic) -> bool:
    if module.heard_at is None or not module.is_missing(now):
        return False
    return bank.self_off_s is None or now - module.heard_at <= bank.self_off_s + MISSING_S


def capability(bank: Bank, now: Monotonic) -> StageCapability:
    """What the usable modules can do."""
    usable = [module for module in bank.modules.values() if module.is_usable(now)]
    power_w = sum(_power_w(bank, module) for module in usable)
    current_a = sum(_current_a(bank, module) for module in usable)
    lost = [module for module in bank.modules.values() if module not in usable]
    return StageCapability(Power(power_w), Current(current_a), _why(bank, lost, usable, now))


def _power_w(bank: Bank, module: Module) -> float:
    rated_w = bank.rating.max_power.w
    return rated_w if module.max_power_w is None else min(rated_w, module.max_power_w)


def _current_a(bank: Bank, module: Module) -> float:
    rated_a = bank.rating.max_current.a
    return rated_a if module.available_a is None else min(rated_a, module.available_a)


def _why(bank: Bank, lost: list[Module], usable: list[Module], now: Monotonic) -> str:
    if not bank.modules:
        return "No power module is connected to this outlet now."
    if lost:
        troubles = "; ".join(_trouble(module, now) for module in lost)
        return f"{len(usable)} of {len(bank.modules)} power modules work: {troubles}."
    if any(_current_a(bank, module) < bank.rating.max_current.a for module in usable):
        return "A power module protects itself and gives less current."
    if any(_power_w(bank, module) < bank.rating.max_power.w for module in usable):
        return "A power module gives less power than it is rated for."
    return ""


def _trouble(module: Module, now: Monotonic) -> str:
    if module.is_missing(now):
        return f"module {module.address} does not answer"
    return f"module {module.address} reports {', '.join(sorted(module.troubles))}"


def shares(bank: Bank, voltage: Voltage, current: Current, now: Monotonic) -> dict[int, ModuleOrder]:
    """What each module shall do so that all together give `current` and none more than it can.

    Equal shares; what one cannot give, the others give. Modules that cannot be used are told to be off, missing ones
    too: they may hear without being heard. With no current asked, modules stay on at 0 A.
    """
    usable = [module for module in bank.modules.values() if module.is_usable(now)]
    orders = dict.fromkeys(bank.modules, OFF)
    remaining_a = max(0.0, current.a - _lost_a(bank, now))
    top_v = min(voltage.v, bank.rating.max_voltage.v)
    present_v = max(output(bank, now).voltage.v, bank.rating.min_voltage.v)
    for place, (most_a, module) in enumerate(sorted(_ceilings(bank, usable, present_v), key=lambda pair: pair[0])):
        share_a = min(most_a, remaining_a / (len(usable) - place))
        remaining_a -= share_a
        orders[module.address] = ModuleOrder(is_on=True, voltage_v=top_v, current_a=share_a)
    return orders


def _ceilings(bank: Bank, usable: list[Module], voltage_v: float) -> list[tuple[float, Module]]:
    return [(min(_current_a(bank, module), _power_w(bank, module) / voltage_v), module) for module in usable]


def ability(bank: Bank, now: Monotonic) -> Current:
    """The current that the usable modules can give at the voltage that stands."""
    usable = [module for module in bank.modules.values() if module.is_usable(now)]
    present_v = max(output(bank, now).voltage.v, bank.rating.min_voltage.v)
    return Current(sum(most_a for most_a, _ in _ceilings(bank, usable, present_v)))


def testing(bank: Bank, voltage: Voltage, now: Monotonic) -> dict[int, ModuleOrder]:
    """One module raises the cable; the others are off."""
    orders = dict.fromkeys(bank.modules, OFF)
    for module in bank.modules.values():
        if module.is_usable(now):
            top_v = min(voltage.v, bank.rating.max_voltage.v)
            orders[module.address] = ModuleOrder(is_on=True, voltage_v=top_v, current_a=TEST_A)
            break
    return orders


def all_off(bank: Bank) -> dict[int, ModuleOrder]:
    """Every module off."""
    return dict.fromkeys(bank.modules, OFF)


def with_module(bank: Bank, module: Module) -> Bank:
    """The bank with `module` in it, or as it is now."""
    return replace(bank, modules={**bank.modules, module.address: module})


def without_module(bank: Bank, address: int) -> Bank:
    """The bank without that module."""
    return replace(bank, modules={key: module for key, module in bank.modules.items() if key != address})
