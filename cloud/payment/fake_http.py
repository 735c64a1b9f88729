"""The fake provider over HTTP, as far as the charging process uses Stripe's interface."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cloud.domain.money import Money, minor_digits
from cloud.domain.purchase import Hold, HoldStatus
from cloud.payment.fake import FakeProvider
from cloud.payment.port import Order, OutcomeUnknown, ProviderRefused

_STATUS = {
    HoldStatus.HELD: "requires_capture",
    HoldStatus.CAPTURED: "succeeded",
    HoldStatus.RELEASED: "canceled",
    HoldStatus.DECLINED: "requires_payment_method",
}


@dataclass(frozen=True, slots=True)
class FakeStripe:
    """An application that answers for a fake provider."""

    provider: FakeProvider
    secret_key: str

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/v1/payment_intents/search", self._served(self._search), methods=["GET"]),
                Route("/v1/payment_intents", self._served(self._create), methods=["POST"]),
                Route("/v1/payment_intents/{id}", self._served(self._get), methods=["GET"]),
                Route("/v1/payment_intents/{id}/capture", self._served(self._capture), methods=["POST"]),
                Route("/v1/payment_intents/{id}/cancel", self._served(self._cancel), methods=["POST"]),
                Route("/v1/refunds", self._served(self._refund), methods=["POST"]),
            ]
        )

    def _served(
        self, action: Callable[[Request, dict[str, str]], Awaitable[Any]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self.secret_key}":
                return _error(401, "invalid_request_error", "Invalid API key provided.")
            fields = {key: values[0] for key, values in parse_qs((await request.body()).decode()).items()}
            try:
                return _answer(await action(request, fields))
            except OutcomeUnknown:
                return _error(500, "api_error", "An unknown error occurred.")
            except ProviderRefused as error:
                return _error(400, "invalid_request_error", str(error))

        return serve

    async def _create(self, request: Request, fields: dict[str, str]) -> Hold:
        currency = fields["currency"].upper()
        amount = Money(currency, Decimal(fields["amount"]).scaleb(-minor_digits(currency)))
        order = Order(fields["metadata[purchase]"], amount, fields["payment_method"], fields.get("description", ""))
        return await self.provider.authorise(order, _key(request))

    async def _capture(self, request: Request, fields: dict[str, str]) -> Hold:
        hold = self.provider.holds.get(request.path_params["id"])
        currency = hold.authorised.currency if hold else "EUR"
        amount = Money(currency, Decimal(fields["amount_to_capture"]).scaleb(-minor_digits(currency)))
        return await self.provider.capture(request.path_params["id"], amount, _key(request))

    async def _cancel(self, request: Request, fields: dict[str, str]) -> Hold:
        return await self.provider.release(request.path_params["id"], _key(request))

    async def _refund(self, request: Request, fields: dict[str, str]) -> Hold:
        hold = self.provider.holds.get(fields["payment_intent"])
        currency = hold.authorised.currency if hold else "EUR"
        amount = Money(currency, Decimal(fields["amount"]).scaleb(-minor_digits(currency)))
        return await self.provider.refund(fields["payment_intent"], amount, _key(request))

    async def _get(self, request: Request, fields: dict[str, str]) -> Hold:
        found = await self.provider.look_up("", request.path_params["id"])
        if found is None:
            raise ProviderRefused("resource_missing")
        return found

    async def _search(self, request: Request, fields: dict[str, str]) -> list[Hold]:
        reference = request.query_params["query"].partition(":")[2].strip("'")
        found = await self.provider.look_up(reference, "")
        return [found] if found else []


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not 0 < len(key) <= 255:
        raise ProviderRefused("idempotency key")
    return key


def _answer(result: Hold | list[Hold]) -> Response:
    if isinstance(result, list):
        return JSONResponse({"object": "search_result", "data": [_intent(hold) for hold in result]})
    if result.status is HoldStatus.DECLINED:
        error = {"type": "card_error", "code": "card_declined", "message": result.detail}
        return JSONResponse({"error": {**error, "payment_intent": _intent(result)}}, 402)
    return JSONResponse(_intent(result))


def _error(status: int, kind: str, message: str) -> Response:
    return Response(json.dumps({"error": {"type": kind, "message": message}}), status, media_type="application/json")


def _intent(hold: Hold) -> dict[str, Any]:
    before = int(hold.expire_time.timestamp()) if hold.expire_time else None
    return {
        "id": hold.id,
        "object": "payment_intent",
        "status": _STATUS[hold.status],
        "currency": hold.authorised.currency.lower(),
        "amount": _minor(hold.authorised),
        "amount_received": _minor(hold.captured),
        "latest_charge": {
            "amount_refunded": _minor(hold.refunded),
            "payment_method_details": {"card": {"capture_before": before}},
        },
    }


def _minor(money: Money) -> int:
    return int(money.amount.scaleb(minor_digits(money.currency)))
