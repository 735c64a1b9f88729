"""Webhooks of a payment provider: signed, young and new, or ignored. They only wake the worker, which asks itself.

The signature is Stripe's: `t=SECONDS,v1=HEX`, HMAC-SHA256 over `SECONDS.BODY`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cloud.ingest.ports import StoreUnavailable
from cloud.payment.process import Payments
from powerctl.runtime import log, metrics

PATH: Final = "/webhooks/payment"
TOLERANCE_S: Final = 300
"""An older or younger signature is a replay, or from a clock that cannot be trusted."""
_LARGEST: Final = 256 * 1024

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Takes webhooks; everything else is another application's."""

    payments: Payments
    secret: bytes
    inner: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self.inner(scope, receive, send)
            return
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        body = await request.body() if int(request.headers.get("content-length") or 0) <= _LARGEST else b""
        now = self.payments.store.clock.utc().timestamp()
        if request.method != "POST" or not signed(body, request.headers.get("stripe-signature", ""), self.secret, now):
            _count("refused")
            return Response(status_code=400)
        event, reference = _parsed(body)
        if not event:
            _count("ignored")
            return Response(status_code=200)
        try:
            new = await self.payments.hear(event, reference)
        except StoreUnavailable as error:
            _log.warning("webhook_not_taken", reason=str(error))
            return Response(status_code=503)
        _count("taken" if new else "repeated")
        return Response(status_code=200)


def signed(body: bytes, header: str, secret: bytes, now: float) -> bool:
    """True when one of the header's signatures is ours, and young."""
    pairs = [part.partition("=")[::2] for part in header.split(",")]
    stamps = [value for name, value in pairs if name.strip() == "t"]
    if len(stamps) != 1 or not stamps[0].isascii() or not stamps[0].isdigit():
        return False
    expected = hmac.new(secret, f"{stamps[0]}.".encode() + body, hashlib.sha256).hexdigest()
    given = [value for name, value in pairs if name.strip() == "v1" and value.isascii()]
    return (
        any(hmac.compare_digest(expected, value) for value in given) and abs(now - int(stamps[0][:12])) <= TOLERANCE_S
    )


def signature(body: bytes, secret: bytes, now: float) -> str:
    """The header that a provider sends with `body`."""
    stamp = str(int(now))
    return f"t={stamp},v1={hmac.new(secret, f'{stamp}.'.encode() + body, hashlib.sha256).hexdigest()}"


def _parsed(body: bytes) -> tuple[str, str]:
    """Id of the event, and our reference; empty: not about a purchase of ours."""
    try:
        event: dict[str, Any] = json.loads(body)
        return str(event["id"]), str(_path(event, ("data", "object", "metadata", "purchase")))
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        return "", ""


def _path(value: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        value = value[key]
    return value


def _count(result: str) -> None:
    metrics.counter("cloud_payment_webhooks_total").labels(result).inc()
