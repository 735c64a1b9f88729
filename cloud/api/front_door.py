"""How drivers whom nobody knows come in: with an account of their own making, or as guests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cloud.api.call import Access
from cloud.api.sign_in import SignIns
from cloud.domain import password
from cloud.domain.bucket import Buckets
from cloud.domain.principal import GUEST, Principal, Role
from cloud.domain.refusal import Refusal, Why
from cloud.store import people
from cloud.store.people import Person
from powerctl.runtime import metrics

COMERS_PER_SECOND: Final = 0.05
"""From one address, for long: hashing a password costs, and an account stays."""
COMERS_AT_ONCE: Final = 20.0
_LONGEST_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class NewDriver:
    """Who wants an account."""

    user: str
    display_name: str
    password: str
    peer: str


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """Lets drivers in.

    Args:
        sign_ins: Signs them in.
        is_open: False: only an administrator makes accounts, and there are no guests.
    """

    sign_ins: SignIns
    is_open: bool
    _comers: Buckets = field(default_factory=lambda: Buckets(COMERS_PER_SECOND, COMERS_AT_ONCE))

    async def sign_up(self, wanted: NewDriver) -> tuple[str, Access]:
        """An access token for a driver with a new account.

        Raises:
            Refusal: The id is taken, something is not good enough, or too many come.
        """
        self._require_open(wanted.peer)
        if wanted.user.startswith(GUEST):
            raise Refusal(Why.INVALID_ARGUMENT, f"A user's id does not begin with {GUEST}.")
        if not 0 < len(wanted.display_name) <= _LONGEST_NAME:
            raise Refusal(Why.INVALID_ARGUMENT, f"display_name must have 1 to {_LONGEST_NAME} characters.")
        password.require_good(wanted.password, wanted.user)
        store = self.sign_ins.store
        person = Person(
            id=wanted.user,
            display_name=wanted.display_name,
            role=Role.DRIVER,
            stations=frozenset(),
            password_hash=await self.sign_ins.passwords.hash(wanted.password),
            second_factor=None,
            last_step=None,
            disabled=False,
            create_time=store.clock.utc(),
        )
        async with store.write() as writing:
            if not await people.add(writing.connection, person):
                raise Refusal(Why.ALREADY_EXISTS, "This user id is taken. Choose another.")
        return self.sign_ins.tokens.access(person.principal, self.sign_ins.new_id())

    def guest(self, peer: str) -> tuple[str, Access]:
        """An access token for a driver without an account.

        Raises:
            Refusal: There are no guests here, or too many come.
        """
        self._require_open(peer)
        principal = Principal(GUEST + self.sign_ins.new_id(), "Guest", Role.DRIVER)
        return self.sign_ins.tokens.access(principal, self.sign_ins.new_id())

    def _require_open(self, peer: str) -> None:
        if not self.is_open:
            raise Refusal(Why.FAILED_PRECONDITION, "Accounts are made by the operator here.")
        wait = self._comers.take(peer, self.sign_ins.store.clock.monotonic())
        if wait > 0:
            metrics.counter("cloud_sign_in_failures_total").inc()
            raise Refusal(Why.RESOURCE_EXHAUSTED, "Too many come at once. Try again later.", retry_s=wait)
