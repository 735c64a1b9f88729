"""Commands to stations in the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.store.tables import COMMANDS
from powerctl.core.ids import SessionId, StationId
from powerctl.core.order import StationCommand
from powerctl.core.record import CommandResult


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A command, who asked for it, and for which station it is."""

    command: StationCommand
    station: StationId
    session: SessionId
    principal: str
    request_id: str
    request: str
    """What was asked: the same request_id with another request is refused."""


async def add(connection: AsyncConnection, sent: SentCommand, now: datetime) -> None:
    """Write a command. The database refuses a second one for the same principal and request id."""
    await connection.execute(
        insert(COMMANDS).values(
            id=sent.command.command_id,
            principal=sent.principal,
            request_id=sent.request_id,
            request=sent.request,
            session=sent.session,
            station=sent.station,
            create_time=now,
            expire_time=sent.command.expire_time,
            document=sent.command,
        )
    )


async def asked(connection: AsyncConnection, principal: str, request_id: str) -> SentCommand | None:
    """The command that this request has made. None: the request is new."""
    query = select(COMMANDS).where(COMMANDS.c.principal == principal, COMMANDS.c.request_id == request_id)
    row = (await connection.execute(query)).one_or_none()
    return _sent(row) if row is not None else None


@dataclass(frozen=True, slots=True)
class CommandState:
    """A command and what became of it."""

    sent: SentCommand
    create_time: datetime
    outcome: str | None
    """None: not answered yet."""
    detail: str


async def load(connection: AsyncConnection, station: StationId, command: str) -> CommandState | None:
    """The command of this station with this id. None: there is none."""
    query = select(COMMANDS).where(COMMANDS.c.id == command, COMMANDS.c.station == station)
    row = (await connection.execute(query)).one_or_none()
    return _command_state(row) if row is not None else None


async def load_all(connection: AsyncConnection, command_ids: Collection[str]) -> dict[str, CommandState]:
    """Commands by id, as far as there are any."""
    rows = await connection.execute(select(COMMANDS).where(COMMANDS.c.id.in_(command_ids)))
    return {row.id: _command_state(row) for row in rows}


async def page(
    connection: AsyncConnection, station: StationId, *, but: str, offset: int, size: int
) -> tuple[list[CommandState], str]:
    """Commands of a station, newest first, and where to continue; empty: that is all.

    Args:
        connection: An open transaction.
        station: Whose.
        but: Not those that this principal has asked for.
        offset: So many were shown before.
        size: At most so many.
    """
    query = select(COMMANDS).where(COMMANDS.c.station == station, COMMANDS.c.principal != but)
    query = query.order_by(COMMANDS.c.create_time.desc(), COMMANDS.c.id).offset(offset).limit(size + 1)
    rows = (await connection.execute(query)).all()
    return [_command_state(row) for row in rows[:size]], str(offset + size) if len(rows) > size else ""


def _command_state(row: Row[Any]) -> CommandState:
    return CommandState(_sent(row), row.create_time, row.outcome, row.detail)


async def answered(connection: AsyncConnection, station: StationId, body: CommandResult) -> SentCommand | None:
    """Note a station's answer; returns the command that it answers. None: no such command of that station."""
    statement = (
        update(COMMANDS)
        .where(COMMANDS.c.id == body.command_id, COMMANDS.c.station == station)
        .values(outcome=body.outcome.value, detail=body.detail)
        .returning(*COMMANDS.c)
    )
    row = (await connection.execute(statement)).one_or_none()
    return _sent(row) if row is not None else None


async def settled(connection: AsyncConnection, command_ids: Collection[str]) -> list[str]:
    """Of these commands, those that were answered or given up."""
    query = select(COMMANDS.c.id).where(COMMANDS.c.id.in_(command_ids), COMMANDS.c.outcome.is_not(None))
    return list((await connection.execute(query)).scalars())


async def unanswered(connection: AsyncConnection, now: datetime) -> Sequence[SentCommand]:
    """Commands that may still be carried out and that no station has answered."""
    query = select(COMMANDS).where(COMMANDS.c.outcome.is_(None), COMMANDS.c.expire_time > now)
    return [_sent(row) for row in (await connection.execute(query)).all()]


async def give_up(connection: AsyncConnection, before: datetime) -> Sequence[SentCommand]:
    """Mark commands that expired before that instant without an answer, and return them."""
    statement = (
        update(COMMANDS)
        .where(COMMANDS.c.outcome.is_(None), COMMANDS.c.expire_time < before)
        .values(outcome="unanswered")
        .returning(*COMMANDS.c)
    )
    return [_sent(row) for row in (await connection.execute(statement)).all()]


def _sent(row: Row[Any]) -> SentCommand:
    return SentCommand(
        command=row.document,
        station=StationId(row.station),
        session=SessionId(row.session),
        principal=row.principal,
        request_id=row.request_id,
        request=row.request,
    )
