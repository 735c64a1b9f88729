"""Who is signed in: exchanging links, checking access tokens, renewing and ending sign-ins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cloud.api.call import Access
from cloud.api.tokens import SESSION_LIFE, Tokens
from cloud.domain.refusal import Refusal, Why
from cloud.store.store import Store


@dataclass(slots=True)
class SignIns:
    """Signs people in and out."""

    store: Store
    tokens: Tokens
    new_id: Callable[[], str]
    """Makes a random id."""
    _ended: dict[str, datetime] = field(default_factory=dict)
    """Sign-ins that were ended here, until their longest life is over; others are found at renewal."""

    async def exchange(self, token: str) -> tuple[str, Access]:
        """An access token for a sign-in token, which can be used only once.

        Raises:
            Refusal: UNAUTHENTICATED: it is not ours, has expired, or was used.
        """
        sign_in = self.tokens.read_sign_in(token)
        if not await self.store.use_token(sign_in.id, sign_in.expire_time):
            raise Refusal(Why.UNAUTHENTICATED, "This sign-in link has been used. Ask for a new one.")
        return self.tokens.access(sign_in.principal, self.new_id())

    def check(self, token: str) -> Access:
        """What an access token says.

        Raises:
            Refusal: UNAUTHENTICATED: it is not ours, has expired, or was signed out.
        """
        access = self.tokens.read_access(token)
        if access.session in self._ended:
            raise Refusal(Why.UNAUTHENTICATED, "You have signed out. Sign in again.")
        return access

    async def renew(self, access: Access) -> tuple[str, Access] | None:
        """A younger token for a sign-in in use. None: it is young enough, or was ended."""
        if not self.tokens.is_due(access) or await self.store.is_used(access.session):
            return None
        return self.tokens.access(access.principal, access.session, access.sign_in_time)

    async def end(self, access: Access) -> None:
        """End a sign-in: none of its tokens is accepted any more."""
        until = access.sign_in_time + SESSION_LIFE
        now = self.store.clock.utc()
        self._ended = {session: end for session, end in self._ended.items() if end > now}
        self._ended[access.session] = until
        await self.store.use_token(access.session, until)
