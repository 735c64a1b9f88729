"""What charging costs. A tariff is frozen when a session starts and does not change in mid-session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from cloud.domain.money import Money, payable

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices per dimension, in one currency."""

    name: str
    currency: str
    """ISO 4217."""
    energy_price_per_kwh: Decimal
    session_fee: Decimal = _ZERO
    price_per_minute: Decimal = _ZERO
    tax_percent: Decimal = _ZERO
    tax_included: bool = True
    """False: tax is a line of its own."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of a price; its amount is not rounded."""

    description: str
    quantity: Decimal
    unit: str
    unit_price: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class Price:
    """What a session costs, line by line."""

    lines: tuple[PriceLine, ...]
    total: Money
    """Sum of the lines, rounded half up to the minor unit; tax is in it."""


def price(tariff: Tariff, energy_wh: int, duration: timedelta) -> Price:
    """What `energy_wh` taken in `duration` costs: the total is rounded once, the lines are not.

    The lines stand in the order kWh, session, minute that drivers compare (AFIR, article 5).

    Args:
        tariff: As frozen at the start of the session.
        energy_wh: Difference of two register readings; not negative.
        duration: Between the two readings; below zero counts as zero.
    """
    lines = list(_lines(tariff, energy_wh, duration))
    if not tariff.tax_included:
        net = sum((line.amount.amount for line in lines), _ZERO)
        lines.append(_line(tariff, "Tax", tariff.tax_percent, "%", net / 100))
    total = sum((line.amount.amount for line in lines), _ZERO)
    return Price(tuple(lines), payable(Money(tariff.currency, total)))


def _lines(tariff: Tariff, energy_wh: int, duration: timedelta) -> Iterator[PriceLine]:
    yield _line(tariff, "Energy", Decimal(energy_wh) / 1000, "kWh", tariff.energy_price_per_kwh)
    if tariff.session_fee:
        yield _line(tariff, "Session", Decimal(1), "session", tariff.session_fee)
    if tariff.price_per_minute:
        yield _line(tariff, "Time", _minutes(duration), "min", tariff.price_per_minute)


def _minutes(duration: timedelta) -> Decimal:
    seconds = max(0, int(duration.total_seconds()))
    return (Decimal(seconds) / 60).quantize(Decimal("0.0001"))


def _line(tariff: Tariff, description: str, quantity: Decimal, unit: str, unit_price: Decimal) -> PriceLine:
    return PriceLine(
        description,
        quantity,
        unit,
        Money(tariff.currency, unit_price),
        Money(tariff.currency, quantity * unit_price),
    )
