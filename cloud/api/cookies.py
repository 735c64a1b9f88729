"""Callers of the web port: a bearer token, or a cookie that renews itself while it is in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from cloud.api.call import Access, Call
from cloud.api.grpc_server import bearer
from cloud.api.limits import Limits
from cloud.api.peer import peer_of
from cloud.api.sign_in import SignIns
from cloud.api.tokens import ACCESS_LIFE, RENEW_AFTER
from cloud.domain.refusal import Refusal, Why

_PLAIN_NAME: Final = "powerctl-session"
_SECURE_NAME: Final = "__Host-powerctl-session"
"""Browsers accept this prefix only over TLS and only from the host itself (RFC 6265bis, 4.1.3.2)."""


@dataclass(frozen=True, slots=True)
class Cookies:
    """Finds out who calls, and keeps browsers signed in."""

    sign_ins: SignIns
    secure: bool
    """True: the page is reached by https."""
    origins: frozenset[str]
    """Addresses of the page behind a proxy, `https://host[:port]`; its own host is always accepted."""
    limits: Limits | None = None
    """None: everybody may call as often as they like."""
    proxies: frozenset[str] = frozenset()
    """Addresses of proxies that are believed when they name the caller's address."""

    @property
    def name(self) -> str:
        """Name of the cookie."""
        return _SECURE_NAME if self.secure else _PLAIN_NAME

    async def call(self, request: Request) -> Call:
        """The call of a request; its cookie is renewed when it is due.

        Raises:
            Refusal: UNAUTHENTICATED: it carries a token that is not valid (any more).
        """
        call = await self._known(request)
        address = request.client.host if request.client else ""
        call.peer = peer_of(address, request.headers.get("x-forwarded-for", ""), self.proxies)
        call.browser = "origin" in request.headers or "sec-fetch-site" in request.headers
        return self.limits.count(call) if self.limits is not None else call

    async def _known(self, request: Request) -> Call:
        token = bearer(request.headers.get("authorization", ""))
        if token is not None:
            access = self.sign_ins.check(token)
            return Call(access, stream_end=access.expire_time)
        cookie = request.cookies.get(self.name)
        return await self._browser(cookie) if cookie else Call()

    async def _browser(self, cookie: str) -> Call:
        try:
            access = self.sign_ins.check(cookie)
        except Refusal:
            # An old cookie must not keep a person from signing in again.
            return Call(signed_out=True)
        if (renewed := await self.sign_ins.renew(access)) is None:
            return Call(access, stream_end=_stream_end(access))
        token, access = renewed
        return Call(access, stream_end=_stream_end(access), issued=token)

    def apply(self, call: Call, response: Response) -> None:
        """Set or delete the cookie, as the call has left it."""
        if call.issued is not None:
            response.set_cookie(
                self.name,
                call.issued,
                max_age=int(ACCESS_LIFE.total_seconds()),
                path="/",
                secure=self.secure,
                httponly=True,
                samesite="strict",
            )
        elif call.signed_out:
            response.delete_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="strict")

    def require_same_origin(self, request: Request) -> None:
        """Return when the request does not come from another site's page.

        Raises:
            Refusal: PERMISSION_DENIED: it does.
        """
        origin = request.headers.get("origin")
        if origin is None or origin in self.origins:
            return
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or parts.netloc != request.headers.get("host"):
            raise Refusal(Why.PERMISSION_DENIED, "This request comes from another site's page.")


def _stream_end(access: Access) -> datetime:
    """A stream ends while the cookie is still valid, so that the page's next one renews it."""
    return min(access.issue_time + 2 * RENEW_AFTER, access.expire_time)
