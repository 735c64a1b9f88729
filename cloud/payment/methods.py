"""What a driver may pay with, by provider; and the payment methods of the provider that moves no money."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cloud.payment.fake import DECLINES


class PaymentKind(StrEnum):
    """What a payment method is."""

    CARD = "card"
    WALLET = "wallet"
    """PayPal, Apple Pay and the like."""


@dataclass(frozen=True, slots=True)
class KnownMethod:
    """A payment method with a known outcome."""

    method: str
    """The provider's token."""
    kind: PaymentKind
    name: str
    outcome: str


KINDS: Final = (PaymentKind.CARD, PaymentKind.WALLET)
"""Of every provider that is spoken to here: holds and captures are the same for both."""
_NAMES: Final = {
    "pm_card_visa_chargeDeclined": "Visa that is declined",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "Visa without funds",
    "pm_card_chargeDeclinedExpiredCard": "Card that has expired",
}
_GOOD: Final = (
    KnownMethod("pm_card_visa", PaymentKind.CARD, "Visa", "Pays."),
    KnownMethod("pm_card_mastercard", PaymentKind.CARD, "Mastercard", "Pays."),
    KnownMethod("pm_paypal", PaymentKind.WALLET, "PayPal", "Pays."),
)
_BAD: Final = tuple(
    KnownMethod(method, PaymentKind.CARD, _NAMES[method], f"Is refused: “{words}”")
    for method, words in DECLINES.items()
)


def kinds_of(provider: str) -> tuple[PaymentKind, ...]:
    """What may be paid with. Empty: nothing is paid."""
    return KINDS if provider else ()


def known_methods_of(provider: str) -> tuple[KnownMethod, ...]:
    """Payment methods whose outcome is known. Empty: the provider is real."""
    return (*_GOOD, *_BAD) if provider == "fake" else ()
