"""Sharing among modules: never more than asked, never more than one can give."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.hardware.modules import bank as banks
from edge.hardware.modules.bank import Bank, Module
from edge.hardware.modules.family import OFF, ModuleNews, Trouble
from powerctl.core.clock import Monotonic
from powerctl.core.units import Current, Power, Voltage
from tests.unit.edge.hardware.modules.story import RATING

NOW = Monotonic(100.0)
VOLTS = Voltage(400.0)

MODULES = st.builds(
    Module,
    st.just(1),
    heard_at=st.sampled_from([None, Monotonic(10.0), Monotonic(95.0), Monotonic(99.9)]),
    voltage_v=st.floats(0, 500),
    current_a=st.floats(0, 30),
    troubles=st.frozensets(st.sampled_from(list(Trouble)), max_size=2),
    available_a=st.none() | st.floats(0, 60),
    max_power_w=st.none() | st.floats(0, 20_000),
)


def a_bank(*modules: Module, self_off_s: float | None = 10.0) -> Bank:
    placed = {place: replace(module, address=place) for place, module in enumerate(modules, 1)}
    return Bank(RATING, self_off_s, placed)


def healthy(*, current_a: float = 0.0, available_a: float | None = None) -> Module:
    return banks.heard(Module(1), ModuleNews(voltage_v=400.0, current_a=current_a, available_a=available_a), NOW)


@given(st.lists(MODULES, max_size=5), st.floats(0, 200))
def test_shares_keep_every_bound(modules: list[Module], amperes: float) -> None:
    bank = a_bank(*modules)
    orders = banks.shares(bank, VOLTS, Current(amperes), NOW)
    assert sum(order.current_a for order in orders.values()) <= amperes + 1e-9
    assert orders.keys() == bank.modules.keys()
    for address, order in orders.items():
        module = bank.modules[address]
        assert order.is_on is module.is_usable(NOW)
        assert order.current_a <= min(30.0, module.available_a if module.available_a is not None else 30.0) + 1e-9


@given(st.lists(MODULES, max_size=5))
def test_capability_is_never_above_rating(modules: list[Module]) -> None:
    present = banks.capability(a_bank(*modules), NOW)
    assert present.max_power.w <= 11_000.0 * len(modules)
    assert present.max_current.a <= 30.0 * len(modules)
    assert bool(present.detail) or len(modules) > 0


def test_what_one_cannot_give_the_others_give() -> None:
    orders = banks.shares(a_bank(healthy(available_a=5.0), healthy(), healthy()), VOLTS, Current(45.0), NOW)
    assert [orders[address].current_a for address in (1, 2, 3)] == [5.0, 20.0, 20.0]


def test_a_missing_module_counts_until_it_has_switched_itself_off() -> None:
    lost = replace(healthy(current_a=20.0), heard_at=Monotonic(97.0))
    bank = a_bank(healthy(), lost)
    assert banks.shares(bank, VOLTS, Current(25.0), NOW)[1].current_a == 5.0
    assert banks.output(bank, NOW).current == Current(20.0)
    gone = replace(lost, heard_at=Monotonic(80.0))
    assert banks.shares(a_bank(healthy(), gone), VOLTS, Current(25.0), NOW)[1].current_a == 25.0


def test_a_module_that_never_switches_itself_off_counts_for_ever() -> None:
    lost = replace(healthy(current_a=20.0), heard_at=Monotonic(1.0))
    bank = a_bank(healthy(), lost, self_off_s=None)
    assert banks.shares(bank, VOLTS, Current(25.0), NOW)[1].current_a == 5.0


def test_power_bounds_current_at_high_voltage() -> None:
    bank = a_bank(replace(healthy(), voltage_v=800.0))
    assert banks.ability(bank, NOW).a == pytest.approx(11_000 / 800)


def test_a_bank_without_modules_can_do_nothing_and_says_so() -> None:
    present = banks.capability(a_bank(), NOW)
    assert present.max_power == Power(0.0)
    assert present.detail == "No power module is connected to this outlet now."


def test_a_fan_is_told_but_does_not_take_a_module_out() -> None:
    module = replace(healthy(), troubles=frozenset({Trouble.FAN}))
    assert module.is_usable(NOW)


def test_no_working_module_means_everything_off() -> None:
    orders = banks.testing(a_bank(Module(1), Module(2)), VOLTS, NOW)
    assert set(orders.values()) == {OFF}
