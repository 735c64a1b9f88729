"""What a tariff says in sentences."""

from __future__ import annotations

from datetime import time
from decimal import Decimal

from cloud.domain.price_words import headline, sentences
from cloud.domain.tariff import (
    Component,
    Dimension,
    Element,
    PriceLimit,
    ReservationRestriction,
    Restrictions,
    Tariff,
)


def test_plain_prices_are_each_a_sentence() -> None:
    tariff = Tariff("Day", "EUR", Decimal("0.49"), session_fee=Decimal(1), price_per_minute=Decimal("0.10"))
    said = sentences(tariff)
    assert said[:2] == ("0.49 EUR per kWh.", "1.00 EUR per session.")
    assert "6.00 EUR per hour of charging." in said
    assert "Time in which the grid or the other vehicle holds power back is never billed as idle." in said


def test_what_costs_nothing_is_said() -> None:
    said = sentences(Tariff("Day", "EUR", Decimal("0.49")))
    assert said == ("0.49 EUR per kWh.", "Staying plugged in after charging costs nothing.", "Reserving costs nothing.")


def test_restrictions_are_in_words() -> None:
    night = Restrictions(start_time=time(22), end_time=time(6), day_of_week=frozenset({"SUNDAY"}), min_kwh=Decimal(10))
    tariff = Tariff(
        "Night",
        "EUR",
        Decimal("0.49"),
        elements=(Element((Component(Dimension.ENERGY, Decimal("0.20")),), night),),
    )
    assert sentences(tariff)[0] == "0.20 EUR per kWh on Sunday from 22:00 until 06:00 beyond 10 kWh."


def test_a_reservation_and_bounds_are_said() -> None:
    kept = Restrictions(reservation=ReservationRestriction.RESERVATION)
    tariff = Tariff(
        "All",
        "EUR",
        Decimal("0.49"),
        elements=(
            Element((Component(Dimension.ENERGY, Decimal("0.49")), Component(Dimension.PARKING_TIME, Decimal(6)))),
            Element((Component(Dimension.TIME, Decimal(3)),), kept),
        ),
        max_price=PriceLimit(Decimal(50)),
        tax_percent=Decimal("25.5"),
    )
    said = sentences(tariff)
    assert "3.00 EUR per hour from reserving to the start." in said
    assert "A session costs at most 50.00 EUR." in said
    assert said[-1] == "Prices include 25.5 % tax."
    short = headline(tariff)
    assert (short.reservation_per_hour, short.idle_per_hour, short.time_per_hour) == (
        Decimal(3),
        Decimal(6),
        Decimal(0),
    )
