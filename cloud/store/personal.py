"""What is known of one person, as they may ask for it, and its erasure (GDPR, articles 15, 17 and 20)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.store import notices, retention, sessions
from cloud.store.fleet_tables import NOTICES
from cloud.store.identity_tables import USERS
from cloud.store.money_tables import PSEUDONYMS, PURCHASES, RESERVATIONS
from cloud.store.tables import RECEIPTS

_ANY: TypeAdapter[Any] = TypeAdapter(Any)


async def export(connection: AsyncConnection, user: str) -> dict[str, Any]:
    """Everything that names `user`, as plain JSON values; no secrets.

    Entries of the audit log stay out: they are about what was done to the system, and must not change.
    """
    person = (await connection.execute(select(USERS).where(USERS.c.id == user))).one_or_none()
    own = select(RECEIPTS.c.document).join(PSEUDONYMS, PSEUDONYMS.c.pseudonym == RECEIPTS.c.driver)
    found = {
        "user": user,
        "display_name": person.display_name if person is not None else "",
        "create_time": person.create_time if person is not None else None,
        "notifications": await notices.wishes(connection, user),
        "push_subscriptions": [row.create_time for row in await notices.subscriptions(connection, user)],
        "sessions": await sessions.owned(connection, user),
        "reservations": await _all(connection, select(RESERVATIONS.c.document).where(RESERVATIONS.c.user == user)),
        "purchases": await _all(connection, select(PURCHASES.c.document).where(PURCHASES.c.user == user)),
        "receipts": await _all(connection, own.where(PSEUDONYMS.c.user == user)),
        "notices": await _all(connection, select(NOTICES.c.text).where(NOTICES.c.user == user)),
    }
    plain: dict[str, Any] = _ANY.dump_python(found, mode="json")
    return plain


async def erase(connection: AsyncConnection, user: str, now: datetime) -> None:
    """Forget the person; receipts stay, are nobody's, and can be connected with nobody any more.

    Raises:
        Refusal: FAILED_PRECONDITION: money still moves, or a session runs.
    """
    await retention.erase_person(connection, user, now)
    await notices.erase(connection, user)
    await connection.execute(delete(USERS).where(USERS.c.id == user))


async def _all(connection: AsyncConnection, query: Any) -> list[Any]:
    return list((await connection.execute(query)).scalars())
