"""Money is a decimal amount in a currency, never a float."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

_MINOR_DIGITS: Final = {"BHD": 3, "ISK": 0, "JPY": 0, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0}
"""Digits of the minor unit where it is not two (ISO 4217, list one)."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency."""

    currency: str
    """ISO 4217."""
    amount: Decimal

    def __add__(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.currency, self.amount + other.amount)


def minor_digits(currency: str) -> int:
    """Digits behind the point of the minor unit."""
    return _MINOR_DIGITS.get(currency, 2)


def payable(money: Money) -> Money:
    """`money` rounded half up to the minor unit of its currency."""
    unit = Decimal(1).scaleb(-minor_digits(money.currency))
    return Money(money.currency, money.amount.quantize(unit, rounding=ROUND_HALF_UP))
