"""Who is signed in: by link or password, with access tokens that live for minutes and refresh tokens good for once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cloud.api.call import Access
from cloud.api.secrets import Passwords
from cloud.api.tokens import ACCESS_LIFE, SESSION_LIFE, Tokens
from cloud.domain import otp, password
from cloud.domain.principal import SECOND_FACTOR, Principal
from cloud.domain.refusal import Refusal, Why
from cloud.domain.throttle import Throttle
from cloud.store import people
from cloud.store.people import Person
from cloud.store.store import Store
from powerctl.runtime import log, metrics

FREE_TRIES_PER_ADDRESS: Final = 20
"""Many people may share an address."""
OVERLAP: Final = timedelta(seconds=10)
"""How far back another replica's words are read again: clocks differ, and transactions take time."""
_WRONG: Final = "User, password or one-time code is wrong."

_REMEMBERED: Final = 20_000

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a person types, and where."""

    user: str
    password: str
    one_time_code: str
    peer: str


@dataclass(slots=True)
class SignIns:
    """Signs people in and out."""

    store: Store
    tokens: Tokens
    new_id: Callable[[], str]
    """Makes a random id."""
    links_for_all: bool = False
    """True: a link also signs in those whose role needs a second factor; for demonstrations."""
    passwords: Passwords = field(default_factory=Passwords)
    _accounts: Throttle = field(default_factory=Throttle)
    _addresses: Throttle = field(default_factory=lambda: Throttle(free=FREE_TRIES_PER_ADDRESS))
    _ended: dict[str, datetime] = field(default_factory=dict)
    """Sign-offs of here and of other replicas, as long as an access token may outlive them."""
    _known: dict[str, Access] = field(default_factory=dict, repr=False)
    """Access tokens whose signature was good."""

    async def exchange(self, token: str) -> tuple[str, Access]:
        """An access token for a sign-in token, which can be used only once.

        Raises:
            Refusal: UNAUTHENTICATED: it is not ours, has expired, was used, or the role needs a second factor.
        """
        sign_in = self.tokens.read_sign_in(token)
        if sign_in.principal.role in SECOND_FACTOR and not self.links_for_all:
            raise Refusal(Why.UNAUTHENTICATED, "This role signs in with password and one-time code.")
        if not await self.store.use_token(sign_in.id, sign_in.expire_time):
            raise Refusal(Why.UNAUTHENTICATED, "This sign-in link has been used. Ask for a new one.")
        return self.tokens.access(sign_in.principal, self.new_id())

    async def with_password(self, given: Credentials) -> tuple[str, Access]:
        """An access token for a password and, where the role needs one, a one-time code.

        Raises:
            Refusal: UNAUTHENTICATED: something is wrong, it does not say what. RESOURCE_EXHAUSTED: too many failures.
        """
        self._count_try(given)
        person = await self._person(given.user)
        right = await self.passwords.is_right(person.password_hash if person else None, given.password)
        if person is None or not right or person.disabled or not await self._has_second_factor(person, given):
            metrics.counter("cloud_sign_in_failures_total").inc()
            _log.warning("sign_in_failed", peer=given.peer)
            raise Refusal(Why.UNAUTHENTICATED, _WRONG)
        self._accounts.succeeded(given.user)
        self._addresses.undo(given.peer)
        return self.tokens.access(person.principal, self.new_id())

    def _count_try(self, given: Credentials) -> None:
        """Count a try as failed until it has succeeded: many at once must not pass as one."""
        now = self.store.clock.monotonic()
        wait = max(self._accounts.wait_s(given.user, now), self._addresses.wait_s(given.peer, now))
        if wait > 0:
            raise Refusal(Why.RESOURCE_EXHAUSTED, "Too many attempts. Try again later.", retry_s=wait)
        self._accounts.failed(given.user, now)
        self._addresses.failed(given.peer, now)

    async def _has_second_factor(self, person: Person, given: Credentials) -> bool:
        """True when the code is right, or none is needed."""
        if person.second_factor is None:
            return person.role not in SECOND_FACTOR
        secret = self.tokens.sealer.open(person.second_factor, person.id)
        now = self.store.clock.utc()
        step = otp.accepted_step(secret, given.one_time_code, now, person.last_step) if secret else None
        if step is None:
            return False
        async with self.store.database.write() as connection:
            return await people.use_step(connection, person.id, step)

    def refresh_token(self, access: Access) -> str:
        """The first or next refresh token of a sign-in."""
        return self.tokens.refresh(access, self.new_id())

    async def refresh(self, token: str) -> tuple[str, Access]:
        """A new access token for a refresh token.

        Raises:
            Refusal: UNAUTHENTICATED: it is not ours, has expired, the sign-in has ended, or it was used before, which
                ends the sign-in.
        """
        found = self.tokens.read_refresh(token)
        if not await self.store.use_token(found.id, found.expire_time):
            metrics.counter("cloud_security_events_total").labels("refresh_token_reused").inc()
            _log.error("refresh_token_reused", user=found.principal.user)
            await self._sign_off(f"s:{found.session}")
            raise Refusal(Why.UNAUTHENTICATED, "Your session has ended. Sign in again.")
        principal = await self._standing(found.principal, found.session, found.sign_in_time)
        if principal is None:
            raise Refusal(Why.UNAUTHENTICATED, "Your session has ended. Sign in again.")
        return self.tokens.access(principal, found.session, found.sign_in_time)

    def check(self, token: str) -> Access:
        """What an access token says.

        Raises:
            Refusal: UNAUTHENTICATED: it is not ours, has expired, or was signed out.
        """
        access = self._read(token)
        cut = self._ended.get(f"u:{access.principal.user}")
        if f"s:{access.session}" in self._ended or (cut is not None and access.sign_in_time <= cut):
            raise Refusal(Why.UNAUTHENTICATED, "You have signed out. Sign in again.")
        return access

    def _read(self, token: str) -> Access:
        """What a token says; the signature of one that comes again is not computed again."""
        known = self._known.get(token)
        if known is not None and self.store.clock.utc() < known.expire_time:
            return known
        access = self.tokens.read_access(token)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[token] = access
        return access

    async def renew(self, access: Access) -> tuple[str, Access] | None:
        """A younger token for a sign-in in use. None: it is young enough, or was ended."""
        if not self.tokens.is_due(access):
            return None
        principal = await self._standing(access.principal, access.session, access.sign_in_time)
        return self.tokens.access(principal, access.session, access.sign_in_time) if principal else None

    async def end(self, access: Access) -> None:
        """End a sign-in: none of its tokens is accepted any more."""
        await self._sign_off(f"s:{access.session}")

    async def end_all(self, user: str) -> None:
        """End every sign-in of a user."""
        await self._sign_off(f"u:{user}")

    async def change_password(self, user: str, old: str, new: str) -> None:
        """Give a user a new password, and end every sign-in of theirs.

        Raises:
            Refusal: The old one is wrong, too many tries were, or the new one is not good enough.
        """
        self._count_try(Credentials(user, old, "", ""))
        person = await self._person(user)
        if not await self.passwords.is_right(person.password_hash if person else None, old):
            raise Refusal(Why.INVALID_ARGUMENT, "The present password is wrong.")
        self._accounts.succeeded(user)
        await self.set_password(user, new)

    async def set_password(self, user: str, new: str) -> None:
        """Give a user a new password, and end every sign-in of theirs. Raises Refusal: it is not good enough."""
        password.require_good(new, user)
        hashed = await self.passwords.hash(new)
        async with self.store.write() as writing:
            await people.change(writing.connection, user, {"password_hash": hashed})
        await self.end_all(user)

    async def hear(self) -> None:
        """Learn what other replicas have signed off."""
        since = self.store.clock.utc() - ACCESS_LIFE - OVERLAP
        async with self.store.database.read() as connection:
            found = await people.sign_offs_since(connection, since)
        self._ended = {subject: time for subject, time in (self._ended | found).items() if time > since}

    async def _person(self, user: str) -> Person | None:
        async with self.store.database.read() as connection:
            return await people.load(connection, user)

    async def _standing(self, principal: Principal, session: str, sign_in_time: datetime) -> Principal | None:
        """Who that is now. None: the sign-in was ended."""
        async with self.store.database.read() as connection:
            user = principal.user
            ended = await people.sign_offs(connection, f"s:{session}", f"u:{user}")
            person = await people.load(connection, user)
        cut = ended.get(f"u:{user}")
        if f"s:{session}" in ended or (cut is not None and sign_in_time <= cut):
            return None
        if person is None:
            return principal
        return None if person.disabled else person.principal

    async def _sign_off(self, subject: str) -> None:
        now = self.store.clock.utc()
        async with self.store.database.write() as connection:
            await people.sign_off(connection, subject, now, now + SESSION_LIFE)
        self._ended[subject] = now
