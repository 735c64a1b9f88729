"""Deletes what has had its time, and forgets people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.purchase import FINAL
from cloud.domain.refusal import Refusal, Why
from cloud.domain.retention import Retention
from cloud.store import approvals, changes, receipts
from cloud.store.changes import Changed
from cloud.store.money_tables import CHARGING_TOKENS, PURCHASES, RESERVATIONS
from cloud.store.tables import COMMANDS, SESSIONS
from cloud.store.telemetry_tables import HOURS, MINUTES, QUARTERS

_AT_ONCE: Final = 500
"""Sessions that one round disowns."""
_OVER: Final = [state.value for state in FINAL]


async def apply(connection: AsyncConnection, policy: Retention, now: datetime) -> None:
    """Delete and disown what the policy says."""
    await receipts.forget(connection, policy.receipts_before(now))
    await receipts.forget_identities(connection, policy.identities_before(now))
    await connection.execute(delete(COMMANDS).where(COMMANDS.c.create_time < now - policy.command_life))
    for table, life in _sums(policy):
        await connection.execute(delete(table).where(table.c.start_time < now - life))
    await approvals.forget(connection, policy.receipts_before(now))
    gone = RESERVATIONS.c.end_time < now - policy.reservation_life
    await connection.execute(delete(RESERVATIONS).where(gone))
    paid = PURCHASES.c.state.in_(_OVER) & (PURCHASES.c.create_time < now - policy.session_life)
    await connection.execute(delete(PURCHASES).where(paid))
    old = SESSIONS.c.driver.is_not(None) & (SESSIONS.c.update_time < now - policy.session_life) & ~SESSIONS.c.plugged
    await _disown(connection, select(SESSIONS.c.id, SESSIONS.c.document).where(old).limit(_AT_ONCE), now)


def _sums(policy: Retention) -> Iterable[tuple[Table, timedelta]]:
    return (MINUTES, policy.minute_life), (QUARTERS, policy.quarter_life), (HOURS, policy.hour_life)


async def erase_person(connection: AsyncConnection, user: str, now: datetime) -> None:
    """Forget everything that names `user` and that no law wants kept; receipts stay and are nobody's.

    Raises:
        Refusal: FAILED_PRECONDITION: money still moves, or a session runs.
    """
    moving = select(PURCHASES.c.id).where(PURCHASES.c.user == user, PURCHASES.c.state.not_in(_OVER))
    running = select(SESSIONS.c.id).where(SESSIONS.c.driver == user, SESSIONS.c.plugged)
    for open_ones in (moving, running):
        if (await connection.execute(open_ones.limit(1))).first() is not None:
            raise Refusal(Why.FAILED_PRECONDITION, "A session or a payment of this person is not over yet.")
    await receipts.forget_person(connection, user)
    await connection.execute(delete(CHARGING_TOKENS).where(CHARGING_TOKENS.c.user == user))
    await connection.execute(delete(PURCHASES).where(PURCHASES.c.user == user))
    await connection.execute(delete(RESERVATIONS).where(RESERVATIONS.c.user == user))
    await connection.execute(delete(COMMANDS).where(COMMANDS.c.principal == user))
    await _disown(connection, select(SESSIONS.c.id, SESSIONS.c.document).where(SESSIONS.c.driver == user), now)


async def _disown(connection: AsyncConnection, query: Select[Any], now: datetime) -> None:
    rows = (await connection.execute(query)).all()
    # The feed tells everybody who keeps a session in memory.
    await changes.note(connection, [Changed("session", row.id) for row in rows], now)
    for row in rows:
        values = {"driver": None, "document": replace(row.document, driver=None)}
        await connection.execute(update(SESSIONS).where(SESSIONS.c.id == row.id).values(values))
