"""People and ended sign-ins in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.principal import Principal, Role
from cloud.store.identity_tables import SIGN_OFFS, USERS
from cloud.store.upsert import insert_missing, upsert
from powerctl.core.ids import StationId


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in with a password."""

    id: str
    display_name: str
    role: Role
    stations: frozenset[StationId]
    password_hash: str
    second_factor: bytes | None
    """Sealed."""
    last_step: int | None
    disabled: bool
    create_time: datetime

    @property
    def principal(self) -> Principal:
        """Who calls when this person does."""
        return Principal(self.id, self.display_name, self.role, self.stations)


async def load(connection: AsyncConnection, user: str) -> Person | None:
    """The person with this id. None: there is none."""
    row = (await connection.execute(select(USERS).where(USERS.c.id == user))).one_or_none()
    return _person(row) if row is not None else None


async def page(connection: AsyncConnection, *, after: str, size: int) -> tuple[list[Person], str]:
    """People by id, and the id to continue after. Empty: that is all."""
    query = select(USERS).where(USERS.c.id > after).order_by(USERS.c.id).limit(size + 1)
    found = [_person(row) for row in (await connection.execute(query)).all()]
    return found[:size], (found[size - 1].id if len(found) > size else "")


async def is_there_another(connection: AsyncConnection, user: str, roles: Collection[Role]) -> bool:
    """True when somebody else than `user` may sign in with one of these roles."""
    fits = USERS.c.role.in_([role.value for role in roles]) & (USERS.c.id != user) & ~USERS.c.disabled
    return (await connection.execute(select(USERS.c.id).where(fits).limit(1))).first() is not None


async def add(connection: AsyncConnection, person: Person) -> bool:
    """Write a new person. False: the id is taken."""
    values = {name: getattr(person, name) for name in Person.__slots__} | {"role": person.role.value}
    return bool(await insert_missing(connection, USERS, [values], "id"))


async def change(connection: AsyncConnection, user: str, values: Mapping[str, Any]) -> bool:
    """Set columns of a person. False: there is none."""
    return (await connection.execute(update(USERS).where(USERS.c.id == user).values(values))).rowcount > 0


async def use_step(connection: AsyncConnection, user: str, step: int) -> bool:
    """Mark the one-time codes up to `step` as used. False: they were."""
    unused = or_(USERS.c.last_step.is_(None), USERS.c.last_step < step)
    statement = update(USERS).where(USERS.c.id == user, unused).values(last_step=step)
    return (await connection.execute(statement)).rowcount > 0


async def sign_off(connection: AsyncConnection, subject: str, now: datetime, expire_time: datetime) -> None:
    """End a sign-in (`s:` and its id), or every sign-in of a user before now (`u:` and the user's id)."""
    await upsert(connection, SIGN_OFFS, {"subject": subject}, {"sign_off_time": now, "expire_time": expire_time})


async def sign_offs(connection: AsyncConnection, *subjects: str) -> dict[str, datetime]:
    """When these were signed off, as far as they were."""
    query = select(SIGN_OFFS).where(SIGN_OFFS.c.subject.in_(subjects))
    return {row.subject: row.sign_off_time for row in await connection.execute(query)}


async def sign_offs_since(connection: AsyncConnection, since: datetime) -> dict[str, datetime]:
    """Everything that was signed off after that instant."""
    query = select(SIGN_OFFS).where(SIGN_OFFS.c.sign_off_time > since)
    return {row.subject: row.sign_off_time for row in await connection.execute(query)}


async def forget_sign_offs(connection: AsyncConnection, now: datetime) -> None:
    """Delete what ended sign-ins that would be over anyway."""
    await connection.execute(delete(SIGN_OFFS).where(SIGN_OFFS.c.expire_time < now))


def _person(row: Row[Any]) -> Person:
    values: dict[str, Any] = {name: getattr(row, name) for name in Person.__slots__}
    return Person(**{**values, "role": Role(row.role)})
