"""A payment provider of our own that behaves as real ones do on bad days: for demonstrations and tests.

It keeps idempotency keys with their parameters and results, declines by the name of the card, forgets holds after a
week, loses answers before and after it has acted, and sends every webhook twice and in any order.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from cloud.domain.money import Money
from cloud.domain.purchase import Hold, HoldStatus
from cloud.payment.port import Order, OutcomeUnknown, ProviderRefused
from powerctl.core.clock import Clock

HOLD_LIFE: Final = timedelta(days=7)
"""Of a card that is not present, as with real providers."""
DECLINES: Final = {
    "pm_card_visa_chargeDeclined": "Your card was declined.",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "Your card has insufficient funds.",
    "pm_card_chargeDeclinedExpiredCard": "Your card has expired.",
}
"""Names of cards that are declined, as in Stripe's list of test cards."""


class Fault(StrEnum):
    """What goes wrong with one call."""

    LOST_BEFORE = "lost_before"
    """The call never arrives."""
    LOST_AFTER = "lost_after"
    """It is carried out, and the answer is lost."""
    FAILS = "fails"
    """An internal error before anything was done, which the idempotency key remembers as its result."""


@dataclass(slots=True)
class _Kept:
    """What an idempotency key stands for."""

    digest: str
    result: Hold | None
    """None: an internal error."""


@dataclass(slots=True)
class FakeProvider:
    """Keeps holds in memory."""

    clock: Clock
    faults: deque[Fault | None] = field(default_factory=deque)
    """What happens to the next calls; empty: nothing."""
    holds: dict[str, Hold] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    """Our reference of each hold."""
    captures: dict[str, int] = field(default_factory=dict)
    """How often each hold was captured."""
    on_change: list[Callable[[str, str], None]] = field(default_factory=list)
    """Told the reference and the id of every hold that changed."""
    _keys: dict[str, _Kept] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def authorise(self, order: Order, key: str) -> Hold:
        """Hold an amount."""
        return self._once(key, f"authorise {order}", lambda: self._authorise(order))

    async def capture(self, hold_id: str, amount: Money, key: str) -> Hold:
        """Take a part of what is held."""
        return self._once(key, f"capture {hold_id} {amount}", lambda: self._capture(hold_id, amount))

    async def release(self, hold_id: str, key: str) -> Hold:
        """Let everything go."""
        return self._once(key, f"release {hold_id}", lambda: self._release(hold_id))

    async def refund(self, hold_id: str, amount: Money, key: str) -> Hold:
        """Give back."""
        return self._once(key, f"refund {hold_id} {amount}", lambda: self._refund(hold_id, amount))

    async def look_up(self, reference: str, hold_id: str) -> Hold | None:
        """What is known of a hold."""
        if self.faults and self.faults.popleft() is not None:
            raise OutcomeUnknown("no answer")
        named = hold_id or next((one for one, ours in self.references.items() if ours == reference), "")
        return self._aged(named) if named in self.holds else None

    def _once(self, key: str, what: str, action: Callable[[], Hold]) -> Hold:
        fault = self.faults.popleft() if self.faults else None
        if fault is Fault.LOST_BEFORE:
            raise OutcomeUnknown("the connection was lost")
        digest = hashlib.sha256(what.encode()).hexdigest()
        kept = self._keys.get(key)
        if kept is not None and kept.digest != digest:
            raise ProviderRefused("this idempotency key was used with other parameters")
        if kept is None:
            kept = self._keys[key] = _Kept(digest, None if fault is Fault.FAILS else action())
            self._changed(kept.result)
        if kept.result is None or fault is Fault.LOST_AFTER:
            raise OutcomeUnknown("internal error")
        return kept.result

    def _changed(self, hold: Hold | None) -> None:
        if hold is not None:
            self.holds[hold.id] = hold
            for listener in self.on_change:
                listener(self.references[hold.id], hold.id)

    def _authorise(self, order: Order) -> Hold:
        name = f"pi_fake_{next(self._numbers)}"
        self.references[name] = order.reference
        nothing = Money(order.amount.currency, Decimal(0))
        expire_time = self.clock.utc() + HOLD_LIFE
        if order.method in DECLINES:
            return Hold(name, HoldStatus.DECLINED, order.amount, nothing, nothing, None, DECLINES[order.method])
        if not order.method.startswith("pm_"):
            del self.references[name]
            raise ProviderRefused("there is no such payment method")
        return Hold(name, HoldStatus.HELD, order.amount, nothing, nothing, expire_time)

    def _capture(self, hold_id: str, amount: Money) -> Hold:
        hold = self._aged(hold_id)
        if hold.status is not HoldStatus.HELD:
            raise ProviderRefused(f"a hold that is {hold.status} cannot be captured")
        if not 0 < amount.amount <= hold.authorised.amount:
            raise ProviderRefused("the amount is not within what is held")
        self.captures[hold_id] = self.captures.get(hold_id, 0) + 1
        return replace(hold, status=HoldStatus.CAPTURED, captured=amount)

    def _release(self, hold_id: str) -> Hold:
        hold = self._aged(hold_id)
        if hold.status is HoldStatus.CAPTURED:
            raise ProviderRefused("a hold that is captured cannot be released")
        return replace(hold, status=HoldStatus.RELEASED)

    def _refund(self, hold_id: str, amount: Money) -> Hold:
        hold = self._aged(hold_id)
        after = hold.refunded + amount
        if after.amount > hold.captured.amount:
            raise ProviderRefused("more than was captured cannot be refunded")
        return replace(hold, refunded=after)

    def _aged(self, hold_id: str) -> Hold:
        """The hold as it is now; one that was held too long is gone."""
        if hold_id not in self.holds:
            raise ProviderRefused("there is no such hold")
        hold = self.holds[hold_id]
        if hold.status is HoldStatus.HELD and _over(hold.expire_time, self.clock.utc()):
            hold = self.holds[hold_id] = replace(hold, status=HoldStatus.RELEASED)
        return hold


def _over(expire_time: datetime | None, now: datetime) -> bool:
    return expire_time is not None and expire_time <= now
