"""A receipt is corrected by giving back: a record of its own, never a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cloud.domain.money import Money, payable
from cloud.domain.receipt import Receipt
from cloud.domain.refusal import Refusal, Why


@dataclass(frozen=True, slots=True)
class Credit:
    """What was given back of a receipt; OCPI calls it a credit CDR."""

    id: str
    receipt: str
    total: Money
    """Below zero; tax is in it."""
    reason: str
    issue_time: datetime


def credit(receipt: Receipt, before: Sequence[Credit], amount: Decimal | None, reason: str, now: datetime) -> Credit:
    """The next credit of `receipt`.

    Args:
        receipt: What is corrected.
        before: Its credits so far.
        amount: To give back, above zero. None: whatever is left.
        reason: For the driver.
        now: Of the issue.

    Raises:
        Refusal: INVALID_ARGUMENT, or FAILED_PRECONDITION: more than is left.
    """
    left = receipt.total.amount + sum((one.total.amount for one in before), Decimal(0))
    given = left if amount is None else payable(Money(receipt.total.currency, amount)).amount
    if not reason.strip() or given < 0 or (amount is not None and given == 0):
        raise Refusal(Why.INVALID_ARGUMENT, "A credit needs a reason, and an amount above zero.")
    if given > left or left <= 0:
        raise Refusal(Why.FAILED_PRECONDITION, f"Only {left} {receipt.total.currency} of this receipt is left.")
    name = f"{receipt.id}-C{len(before) + 1}"
    return Credit(name, receipt.id, Money(receipt.total.currency, -given), reason.strip(), now)
