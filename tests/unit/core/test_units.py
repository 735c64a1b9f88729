"""Quantities mix with nothing but their own kind."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.units import Current, Energy, Power, Voltage

finite = st.floats(-1e9, 1e9)


@given(finite, finite)
def test_arithmetic_is_that_of_numbers(a: float, b: float) -> None:
    assert (Power(a) + Power(b)).w == a + b
    assert (Power(a) - Power(b)).w == a - b
    assert (Power(a) < Power(b)) == (a < b)
    assert (-Power(a)).w == -a


def test_power_over_voltage_is_current_and_back() -> None:
    assert Power(4000).at(Voltage(400)) == Current(10)
    assert Current(10).at(Voltage(400)) == Power(4000)
    assert Power(4000).at(Voltage(0)) == Current(0)


def test_a_ratio_is_a_number() -> None:
    assert Power(10) / Power(4) == 2.5
    assert Power(10) / 4 == Power(2.5)
    assert 2 * Energy(3) == Energy(6)


@pytest.mark.parametrize("mix", [operator.add, operator.sub, operator.truediv, operator.mul, operator.lt])
def test_kinds_do_not_mix(mix: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(TypeError):
        mix(Power(1), Current(2))


def test_a_quantity_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="compare it with zero"):
        bool(Power(0))


def test_not_a_number_is_no_quantity() -> None:
    with pytest.raises(ValueError, match="not a number"):
        Power(float("nan"))


def test_quantities_are_said_with_their_unit() -> None:
    texts = [str(q) for q in (Power(4200), Power(-7), Voltage(401.4), Current(10.26), Energy(12345))]
    assert texts == ["4.2 kW", "-7 W", "401 V", "10.3 A", "12.35 kWh"]
