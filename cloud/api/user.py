"""UserService: people who may sign in with a password."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final

from cloud.api import names, paging
from cloud.api.call import Call
from cloud.api.encode import ROLE
from cloud.api.sign_in import SignIns
from cloud.domain import otp, password
from cloud.domain.principal import SECOND_FACTOR, Role
from cloud.domain.refusal import Refusal, Why
from cloud.store import people
from cloud.store.people import Person
from cloud.store.store import Store
from powerctl.v1 import user_pb2 as pb
from powerctl.wire.common import time_to_wire

_LONGEST_NAME: Final = 100
_FIELDS: Final = frozenset({"display_name", "role", "locations", "disabled"})
"""What an update may change."""


@dataclass(frozen=True, slots=True)
class UserService:
    """Makes and changes users."""

    store: Store
    sign_ins: SignIns

    async def get_user(self, request: pb.GetUserRequest, call: Call) -> pb.User:
        """One user."""
        return _encoded(await self._load(request.name))

    async def list_users(self, request: pb.ListUsersRequest, call: Call) -> pb.ListUsersResponse:
        """Users by id."""
        after, size = paging.text_in(request.page_token), paging.page_size(request.page_size)
        async with self.store.database.read() as connection:
            found, following = await people.page(connection, after=after, size=size)
        return pb.ListUsersResponse(users=map(_encoded, found), next_page_token=paging.token_of(following))

    async def create_user(self, request: pb.CreateUserRequest, call: Call) -> pb.CreateUserResponse:
        """Makes a user; the second factor is shown only now."""
        user = names.parse_user(f"users/{request.user_id}")
        person, secret = await self.new_person(user, _values(request.user, _FIELDS), request.password)
        async with self.store.write() as writing:
            if not await people.add(writing.connection, person):
                raise Refusal(Why.ALREADY_EXISTS, f"There is a user {user} already.")
        return pb.CreateUserResponse(user=_encoded(person), second_factor_uri=_uri(secret, user))

    async def new_person(self, user: str, values: dict[str, Any], given: str) -> tuple[Person, bytes | None]:
        """A person with a good password, and the second factor where the role needs one.

        Raises:
            Refusal: Something is not acceptable.
        """
        password.require_good(given, user)
        if "role" not in values or not values.get("display_name"):
            raise Refusal(Why.INVALID_ARGUMENT, "A user needs a role and a display name.")
        secret = self._secret(values["role"])
        person = Person(
            id=user,
            password_hash=await self.sign_ins.passwords.hash(given),
            second_factor=self._sealed(secret, user),
            last_step=None,
            create_time=self.store.clock.utc(),
            **{"disabled": False, "stations": frozenset(), **values},
        )
        _require_consistent(person)
        return person, secret

    async def update_user(self, request: pb.UpdateUserRequest, call: Call) -> pb.User:
        """Changes what the mask names; a new standing ends every sign-in of the user."""
        before = await self._load(request.user.name)
        mask = frozenset(request.update_mask.paths) or _FIELDS
        if unknown := sorted(mask - _FIELDS):
            raise Refusal(Why.INVALID_ARGUMENT, f"update_mask: {unknown[0]} cannot be changed.")
        values = _values(request.user, mask)
        role = values.get("role", before.role)
        if role in SECOND_FACTOR and before.second_factor is None:
            raise Refusal(
                Why.FAILED_PRECONDITION, "This role needs a second factor, which a user of another role lacks."
            )
        _require_last_admin_stays(call, before, values)
        async with self.store.write() as writing:
            await people.change(writing.connection, before.id, {**values, "role": role.value})
        if set(values) - {"display_name"}:
            await self.sign_ins.end_all(before.id)
        return _encoded(await self._load(request.user.name))

    async def reset_credentials(self, request: pb.ResetCredentialsRequest, call: Call) -> pb.ResetCredentialsResponse:
        """Gives a new password and, where the role needs one, a new second factor."""
        person = await self._load(request.name)
        await self.sign_ins.set_password(person.id, request.password)
        secret = self._secret(person.role)
        async with self.store.write() as writing:
            sealed = self._sealed(secret, person.id)
            await people.change(writing.connection, person.id, {"second_factor": sealed, "last_step": None})
        return pb.ResetCredentialsResponse(second_factor_uri=_uri(secret, person.id))

    def _secret(self, role: Role) -> bytes | None:
        return os.urandom(otp.SECRET_BYTES) if role in SECOND_FACTOR else None

    def _sealed(self, secret: bytes | None, user: str) -> bytes | None:
        return self.sign_ins.tokens.sealer.seal(secret, user) if secret is not None else None

    async def _load(self, name: str) -> Person:
        user = names.parse_user(name)
        async with self.store.database.read() as connection:
            found = await people.load(connection, user)
        if found is None:
            raise Refusal(Why.NOT_FOUND, f"There is no user {name}.")
        return found


def _values(user: pb.User, mask: frozenset[str]) -> dict[str, Any]:
    """Of `user`, the columns that `mask` names."""
    values: dict[str, Any] = {}
    if "display_name" in mask:
        values["display_name"] = user.display_name.strip()
        if not 0 < len(user.display_name.strip()) <= _LONGEST_NAME:
            raise Refusal(Why.INVALID_ARGUMENT, f"display_name must have 1 to {_LONGEST_NAME} characters.")
    if "role" in mask:
        values["role"] = ROLE.from_wire(user.role)
    if "locations" in mask:
        values["stations"] = frozenset(names.parse_location(name) for name in user.locations)
    if "disabled" in mask:
        values["disabled"] = user.disabled
    return values


def _require_consistent(person: Person) -> None:
    if person.stations and person.role is not Role.OWNER:
        raise Refusal(Why.INVALID_ARGUMENT, "Only an owner has locations.")


def _require_last_admin_stays(call: Call, before: Person, values: dict[str, Any]) -> None:
    """Nobody takes their own rights: someone must be left who can give them back."""
    if before.id == call.caller().user and (values.get("disabled") or values.get("role", Role.ADMIN) is not Role.ADMIN):
        raise Refusal(Why.FAILED_PRECONDITION, "Somebody else must disable you or change your role.")


def _encoded(person: Person) -> pb.User:
    return pb.User(
        name=f"users/{person.id}",
        display_name=person.display_name,
        role=ROLE.to_wire(person.role),
        locations=sorted(map(names.location_name, person.stations)),
        disabled=person.disabled,
        create_time=time_to_wire(person.create_time),
    )


def _uri(secret: bytes | None, user: str) -> str:
    return otp.uri(secret, user) if secret is not None else ""
