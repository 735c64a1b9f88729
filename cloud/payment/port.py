"""What the charging process needs of a payment provider, and what providers may answer instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol

from cloud.domain.money import Money
from cloud.domain.purchase import Hold

_DIGITS: Final = re.compile(r"(?:\d[ -]?){12,18}\d")


class OutcomeUnknown(Exception):
    """The provider may or may not have done it: it is to be asked."""


class ProviderRefused(Exception):
    """The provider will not do this whatever is tried: our credentials, our request, or its state is wrong."""


@dataclass(frozen=True, slots=True)
class Order:
    """A hold that is asked for."""

    reference: str
    """Ours: id of the purchase, kept by the provider beside the hold."""
    amount: Money
    method: str
    """The provider's name for the card or wallet."""
    description: str = ""


class PaymentPort(Protocol):
    """A payment provider. Calls with a `key` that came before change nothing and have the same answer.

    All raise OutcomeUnknown and ProviderRefused. A decline is an answer: a hold that is DECLINED.
    """

    async def authorise(self, order: Order, key: str) -> Hold:
        """Hold an amount."""
        ...

    async def capture(self, hold_id: str, amount: Money, key: str) -> Hold:
        """Take `amount` of what is held, and let the rest go."""
        ...

    async def release(self, hold_id: str, key: str) -> Hold:
        """Let everything that is held go."""
        ...

    async def refund(self, hold_id: str, amount: Money, key: str) -> Hold:
        """Give back `amount` of what was captured."""
        ...

    async def look_up(self, reference: str, hold_id: str) -> Hold | None:
        """What the provider knows. None: nothing, or nothing yet.

        Args:
            reference: Ours.
            hold_id: The provider's. Empty: not known.
        """
        ...


def looks_like_card(text: str) -> bool:
    """True when `text` holds what may be a card number: 13 to 19 digits with a valid check digit (ISO/IEC 7812-1)."""
    return any(_luhn(re.sub(r"\D", "", found.group())) for found in _DIGITS.finditer(text))


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0
