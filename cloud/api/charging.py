"""Starting and stopping: one transaction decides and remembers, then the station is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Protocol

from cloud.domain import session as reducer
from cloud.domain.charging import require_plugged, start_action, stop_action
from cloud.domain.location import Connector, Station
from cloud.domain.principal import Principal
from cloud.domain.refusal import Refusal, Why
from cloud.domain.session import Session
from cloud.store import commands, locations, sessions
from cloud.store.changes import Changed
from cloud.store.commands import SentCommand
from cloud.store.store import Store
from cloud.store.writing import Writing
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.record import StartCharging, StationCommand, StopCharging

COMMAND_LIFE: Final = timedelta(seconds=30)
"""A station that takes the command later refuses it: nobody stands there any more."""


class CommandPublisher(Protocol):
    """The way to the stations."""

    async def publish(self, station: StationId, command: StationCommand) -> None:
        """Send `command`, again and again until it is answered or has expired."""
        ...


@dataclass(frozen=True, slots=True)
class Charging:
    """Starts and stops sessions."""

    store: Store
    publisher: CommandPublisher
    new_id: Callable[[], str]
    """Makes a random id."""

    async def start(self, station: StationId, connector: ConnectorId, request_id: str, caller: Principal) -> Session:
        """Ask the station to charge what is plugged in; `caller` owns the session from then on.

        Raises:
            Refusal: It cannot be started, or the request id is not a new one.
        """
        request = _Request(request_id, f"start {station} {connector}", caller)
        async with self.store.write() as writing:
            if (known := await _repeated(writing, request)) is not None:
                return known
            place, plug = await _connector(writing, station, connector)
            session = await _plugged(writing, require_plugged(place, plug))
            command = self._command(writing, start_action(session))
            after = reducer.start_asked(session, command.command_id, caller.user, self.store.tariff)
            saved = await _remember(writing, (session, after), command, request)
        await self.publisher.publish(station, command)
        return saved

    async def stop(self, session_id: SessionId, request_id: str, caller: Principal) -> Session:
        """Ask the station to end charging.

        Raises:
            Refusal: It cannot be stopped, is not the caller's, or the request id is not a new one.
        """
        request = _Request(request_id, f"stop {session_id}", caller)
        async with self.store.write() as writing:
            if (known := await _repeated(writing, request)) is not None:
                return known
            session = await sessions.load(writing.connection, session_id)
            if session is None or not caller.owns_or_operates(session.driver):
                raise Refusal(Why.NOT_FOUND, "There is no such session.")
            place, _ = await _connector(writing, session.station, session.connector)
            command = self._command(writing, stop_action(session, place, caller))
            after = reducer.stop_asked(session, command.command_id)
            saved = await _remember(writing, (session, after), command, request)
        await self.publisher.publish(session.station, command)
        return saved

    async def resume(self) -> None:
        """Send again what was decided before a restart and may still be carried out."""
        async with self.store.database.read() as connection:
            waiting = await commands.unanswered(connection, self.store.clock.utc())
        for sent in waiting:
            await self.publisher.publish(sent.station, sent.command)

    def _command(self, writing: Writing, action: StartCharging | StopCharging) -> StationCommand:
        return StationCommand(self.new_id(), writing.now + COMMAND_LIFE, action)


@dataclass(frozen=True, slots=True)
class _Request:
    """What makes a repeated call the same call (AIP-155)."""

    id: str
    what: str
    caller: Principal

    def __post_init__(self) -> None:
        try:
            uuid.UUID(self.id)
        except ValueError as error:
            raise Refusal(Why.INVALID_ARGUMENT, "request_id must be a UUID made by the client.") from error


async def _repeated(writing: Writing, request: _Request) -> Session | None:
    sent = await commands.asked(writing.connection, request.caller.user, request.id)
    if sent is None:
        return None
    if sent.request != request.what:
        raise Refusal(Why.ALREADY_EXISTS, "This request_id was used for another request; make a new one.")
    return await sessions.load(writing.connection, sent.session)


async def _connector(writing: Writing, station: StationId, connector: ConnectorId) -> tuple[Station, Connector]:
    place = await locations.load(writing.connection, station)
    plug = place.connector(connector) if place is not None else None
    if place is None or plug is None:
        raise Refusal(Why.NOT_FOUND, "There is no such connector.")
    return place, plug


async def _plugged(writing: Writing, session: SessionId) -> Session:
    found = await sessions.load(writing.connection, session)
    if found is None:
        raise Refusal(Why.FAILED_PRECONDITION, "The vehicle has just been plugged in. Try again in a moment.")
    return found


async def _remember(
    writing: Writing, change: tuple[Session, Session], command: StationCommand, request: _Request
) -> Session:
    before, session = change
    sent = SentCommand(command, session.station, session.id, request.caller.user, request.id, request.what)
    await writing.save(before, session)
    await commands.add(writing.connection, sent, writing.now)
    writing.changed.append(Changed("location", session.station))
    return replace(session, update_time=writing.now)
