"""Stripe behind the port: payment intents with manual capture, over its HTTP interface.

Payment methods are made by Stripe's own fields in the driver's browser; cards and wallets such as PayPal look alike
here. What Stripe answers with 5xx, or not at all, may have been done (docs: idempotent requests, error handling).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import httpx

from cloud.domain.money import Money, minor_digits
from cloud.domain.purchase import Hold, HoldStatus
from cloud.payment.port import Order, OutcomeUnknown, ProviderRefused

VERSION: Final = "2024-06-20"
"""Of the interface; pinned, so that an account's upgrade changes nothing here."""
TIMEOUT_S: Final = 10.0
_STATUS: Final[Mapping[str, HoldStatus]] = {
    "requires_capture": HoldStatus.HELD,
    "succeeded": HoldStatus.CAPTURED,
    "canceled": HoldStatus.RELEASED,
    "requires_payment_method": HoldStatus.DECLINED,
    "requires_action": HoldStatus.DECLINED,
}


@dataclass(frozen=True, slots=True)
class Stripe:
    """Talks to Stripe."""

    client: httpx.AsyncClient
    """With its address, its secret key and its timeouts."""

    async def authorise(self, order: Order, key: str) -> Hold:
        """A payment intent that is confirmed and not captured."""
        fields = {
            "amount": str(_minor(order.amount)),
            "currency": order.amount.currency.lower(),
            "payment_method": order.method,
            "capture_method": "manual",
            "confirm": "true",
            "error_on_requires_action": "true",
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
            "description": order.description,
            "metadata[purchase]": order.reference,
            "expand[]": "latest_charge",
        }
        return await self._post("/v1/payment_intents", fields, key, order.amount)

    async def capture(self, hold_id: str, amount: Money, key: str) -> Hold:
        """Capture a part; the rest is released."""
        fields = {"amount_to_capture": str(_minor(amount)), "expand[]": "latest_charge"}
        return await self._post(f"/v1/payment_intents/{hold_id}/capture", fields, key, amount)

    async def release(self, hold_id: str, key: str) -> Hold:
        """Cancel the intent."""
        return await self._post(f"/v1/payment_intents/{hold_id}/cancel", {"expand[]": "latest_charge"}, key, None)

    async def refund(self, hold_id: str, amount: Money, key: str) -> Hold:
        """Refund a part of what was captured."""
        fields = {"payment_intent": hold_id, "amount": str(_minor(amount))}
        await self._call("POST", "/v1/refunds", key=key, data=fields)
        found = await self.look_up("", hold_id)
        if found is None:
            raise OutcomeUnknown("the payment is not there yet")
        return found

    async def look_up(self, reference: str, hold_id: str) -> Hold | None:
        """By name; without one by our reference, which Stripe's search knows within a minute."""
        expanded = {"expand[]": "latest_charge"}
        if hold_id:
            return _hold(await self._call("GET", f"/v1/payment_intents/{hold_id}", params=expanded))
        query = {"query": f"metadata['purchase']:'{reference}'", "expand[]": "data.latest_charge"}
        found = (await self._call("GET", "/v1/payment_intents/search", params=query))["data"]
        return _hold(found[0]) if found else None

    async def _post(self, path: str, fields: Mapping[str, str], key: str, amount: Money | None) -> Hold:
        try:
            return _hold(await self._call("POST", path, key=key, data=fields))
        except _CardError as error:
            if error.intent is None:
                raise ProviderRefused(error.message) from error
            return replace(_hold(error.intent), status=HoldStatus.DECLINED, expire_time=None, detail=error.message)

    async def _call(self, verb: str, path: str, *, key: str = "", **rest: Any) -> dict[str, Any]:
        headers = {"Stripe-Version": VERSION} | ({"Idempotency-Key": key} if key else {})
        try:
            answer = await self.client.request(verb, path, headers=headers, **rest)
            body: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise OutcomeUnknown(f"{type(error).__name__}: {error}") from error
        if answer.is_success:
            return body
        told = body.get("error", {})
        if answer.status_code >= 500 or answer.status_code in (409, 429):
            raise OutcomeUnknown(f"HTTP {answer.status_code}")
        if answer.status_code == 402:
            raise _CardError(str(told.get("message", "The payment was declined.")), told.get("payment_intent"))
        raise ProviderRefused(f"HTTP {answer.status_code}: {told.get('code') or told.get('type')}")


class _CardError(Exception):
    """The card was declined."""

    def __init__(self, message: str, intent: dict[str, Any] | None) -> None:
        super().__init__(message)
        self.message = message
        self.intent = intent


def _hold(intent: Mapping[str, Any]) -> Hold:
    try:
        charge = intent.get("latest_charge")
        charge = charge if isinstance(charge, dict) else {}
        currency = intent["currency"].upper()
        before = (charge.get("payment_method_details") or {}).get("card", {}).get("capture_before")
        status = _STATUS.get(intent["status"])
        if status is None:
            raise OutcomeUnknown(f"the payment is {intent['status']}")
        return Hold(
            id=intent["id"],
            status=status,
            authorised=_money(intent["amount"], currency),
            captured=_money(intent["amount_received"], currency),
            refunded=_money(charge.get("amount_refunded", 0), currency),
            expire_time=datetime.fromtimestamp(before, UTC) if before else None,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise OutcomeUnknown(f"the answer is not complete ({error})") from error


def _minor(money: Money) -> int:
    return int(money.amount.scaleb(minor_digits(money.currency)))


def _money(minor: int, currency: str) -> Money:
    return Money(currency, Decimal(minor).scaleb(-minor_digits(currency)))
