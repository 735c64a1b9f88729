"""What charging costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.domain.money import Money, payable
from cloud.domain.pricing import price
from tests.unit.cloud.stories import TARIFF

TEN_MINUTES = timedelta(minutes=10)


def test_energy_is_charged_by_the_watt_hour() -> None:
    cost = price(TARIFF, 12_345, TEN_MINUTES)
    (line,) = cost.lines
    assert (line.quantity, line.unit, line.amount.amount) == (Decimal("12.345"), "kWh", Decimal("6.04905"))
    assert cost.total == Money("EUR", Decimal("6.05"))


def test_fee_and_time_are_lines_of_their_own_in_the_order_that_drivers_compare() -> None:
    tariff = replace(TARIFF, session_fee=Decimal("1.00"), price_per_minute=Decimal("0.05"))
    cost = price(tariff, 1_000, timedelta(minutes=10, seconds=30))
    assert [(line.description, line.amount.amount) for line in cost.lines] == [
        ("Energy", Decimal("0.49")),
        ("Time", Decimal("0.525000")),
        ("Session", Decimal("1.00")),
    ]
    assert cost.total.amount == Decimal("2.02")


def test_only_the_total_is_rounded() -> None:
    tariff = replace(TARIFF, energy_price_per_kwh=Decimal("0.004"), session_fee=Decimal("0.004"))
    assert price(tariff, 1_000, TEN_MINUTES).total.amount == Decimal("0.01")


def test_tax_that_is_not_in_the_price_is_added_before_rounding() -> None:
    tariff = replace(TARIFF, tax_included=False, tax_percent=Decimal("25.5"))
    cost = price(tariff, 10_000, TEN_MINUTES)
    assert [line.description for line in cost.lines] == ["Energy", "Tax"]
    assert cost.total.amount == Decimal("6.15")


@pytest.mark.parametrize(
    ("currency", "amount", "rounded"),
    [("EUR", "0.005", "0.01"), ("EUR", "0.0049", "0.00"), ("JPY", "10.5", "11"), ("KWD", "0.0005", "0.001")],
)
def test_half_a_minor_unit_is_rounded_up(currency: str, amount: str, rounded: str) -> None:
    assert payable(Money(currency, Decimal(amount))).amount == Decimal(rounded)


def test_a_clock_that_stepped_back_costs_nothing() -> None:
    tariff = replace(TARIFF, price_per_minute=Decimal("0.05"))
    assert price(tariff, 0, timedelta(minutes=-5)).total.amount == 0


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot add"):
        Money("EUR", Decimal(1)) + Money("SEK", Decimal(1))


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_energy_never_costs_less(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert price(TARIFF, low, TEN_MINUTES).total.amount <= price(TARIFF, high, TEN_MINUTES).total.amount


@given(st.integers(0, 10**6), st.integers(0, 86_400))
def test_the_total_is_within_half_a_minor_unit_of_its_lines(energy: int, seconds: int) -> None:
    tariff = replace(TARIFF, price_per_minute=Decimal("0.037"), session_fee=Decimal("0.5"))
    cost = price(tariff, energy, timedelta(seconds=seconds))
    exact = sum((line.amount.amount for line in cost.lines), Decimal(0))
    assert abs(cost.total.amount - exact) <= Decimal("0.005")
