"""Starting and stopping: one transaction decides and remembers, then the station is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Protocol

from cloud.domain import session as reducer
from cloud.domain.charging import require_plugged, start_action, stop_action
from cloud.domain.location import Connector, Station
from cloud.domain.principal import Principal, Role
from cloud.domain.refusal import Refusal, Why
from cloud.domain.reservation import booking, fulfilled, require_free
from cloud.domain.session import Session
from cloud.store import commands, locations, reservations, sessions
from cloud.store.changes import Changed
from cloud.store.commands import SentCommand
from cloud.store.store import Store
from cloud.store.writing import Writing
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.order import StartCharging, StationCommand, StopCharging

COMMAND_LIFE: Final = timedelta(seconds=30)
"""A station that takes the command later refuses it: nobody stands there any more."""


class CommandPublisher(Protocol):
    """The way to the stations."""

    async def publish(self, station: StationId, command: StationCommand) -> None:
        """Send `command`, again and again until it is answered or has expired."""
        ...


class Cashier(Protocol):
    """Who lets only those start who have paid."""

    async def bind(
        self, writing: Writing, token: str, session: SessionId, place: tuple[StationId, ConnectorId], caller: Principal
    ) -> None:
        """Let `token` start `session`. Raises Refusal: it may not."""
        ...


@dataclass(frozen=True, slots=True)
class Charging:
    """Starts and stops sessions."""

    store: Store
    publisher: CommandPublisher
    new_id: Callable[[], str]
    """Makes a random id."""
    cashier: Cashier | None = None
    """None: nobody needs to pay."""
    permit: Callable[[StationId, StationCommand], StationCommand] = lambda _, command: command
    """Adds our signed word to a command that starts charging."""

    async def start(
        self, station: StationId, connector: ConnectorId, request_id: str, caller: Principal, token: str = ""
    ) -> Session:
        """Ask the station to charge what is plugged in; `caller` owns the session from then on.

        Args:
            station: Where.
            connector: Which.
            request_id: A UUID made by the client.
            caller: Who asks.
            token: A charging token, where charging must be paid for.

        Raises:
            Refusal: It cannot be started, or the request id is not a new one.
        """
        request = _Request(request_id, f"start {station} {connector}", caller)
        async with self.store.write() as writing:
            if (known := await _repeated(writing, request)) is not None:
                return known
            place, plug = await _connector(writing, station, connector)
            session = await _plugged(writing, require_plugged(place, plug))
            command = self.permit(station, self._command(writing, start_action(session)))
            await self._require_paid(writing, session, token, caller)
            asking = reducer.start_asked(session, command.command_id, caller.user, self.store.tariff)
            after = await fulfil(writing, asking, caller)
            saved = await _remember(writing, (session, after), command, request)
        await self.publisher.publish(station, command)
        return saved

    async def _require_paid(self, writing: Writing, session: Session, token: str, caller: Principal) -> None:
        if self.cashier is None or (not token and caller.role is Role.OPERATOR):
            return
        if not token:
            raise Refusal(Why.FAILED_PRECONDITION, "Pay first: ask for a charging token.", reason="PAYMENT_REQUIRED")
        await self.cashier.bind(writing, token, session.id, (session.station, session.connector), caller)

    async def stop_exhausted(self, session: SessionId) -> None:
        """End a session whose hold is used up; one that is ending already, or out of reach, is left alone."""
        keeper = Principal("powerctl", "Payment limit", Role.OPERATOR)
        with suppress(Refusal):
            await self.stop(session, str(uuid.uuid4()), keeper)

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
        require_request_id(self.id)


def require_request_id(text: str) -> None:
    """Return when `text` is a UUID. Raises Refusal: INVALID_ARGUMENT."""
    try:
        uuid.UUID(text)
    except ValueError as error:
        raise Refusal(Why.INVALID_ARGUMENT, "request_id must be a UUID made by the client.") from error


async def fulfil(writing: Writing, session: Session, caller: Principal) -> Session:
    """The session with the reservation that it fulfils, in the transaction that starts it.

    Raises:
        Refusal: FAILED_PRECONDITION: the connector is kept for somebody else.
    """
    present = await reservations.present(writing.connection, session.station, session.connector, writing.now)
    require_free(present, caller.user, writing.now)
    if present is None:
        return session
    await reservations.save(writing.connection, fulfilled(present, session.id), holding=False)
    return replace(session, booking=booking(present, writing.now))


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
