"""Commands to stations that are about no session: remembered in a transaction, sent once it is committed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from cloud.api.charging import CommandPublisher
from cloud.store import commands
from cloud.store.commands import SentCommand
from cloud.store.store import Store
from cloud.store.writing import Writing
from powerctl.core.ids import SessionId, StationId
from powerctl.core.order import StationAction, StationCommand

ORDER_LIFE: Final = timedelta(seconds=30)
OURSELVES: Final = "powerctl"
"""Who asks for what nobody in particular has asked for."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what makes a repeated request the same (AIP-155)."""

    user: str
    request_id: str
    request: str


@dataclass(slots=True)
class Batch:
    """A transaction in which commands are given."""

    writing: Writing
    new_id: Callable[[], str]
    given: list[tuple[StationId, StationCommand]] = field(default_factory=list)

    async def give(
        self, station: StationId, action: StationAction, asker: Asker | None = None, life: timedelta = ORDER_LIFE
    ) -> StationCommand:
        """Give a command; it is sent when the transaction is committed."""
        command = StationCommand(self.new_id(), self.writing.now + life, action)
        who = asker or Asker(OURSELVES, command.command_id, type(action).__name__)
        sent = SentCommand(command, station, SessionId(""), who.user, who.request_id, who.request[:300])
        await commands.add(self.writing.connection, sent, self.writing.now)
        self.given.append((station, command))
        return command


@dataclass(frozen=True, slots=True)
class Ordering:
    """The way to the stations for everything but starting and stopping."""

    store: Store
    publisher: CommandPublisher
    new_id: Callable[[], str]
    """Makes a random id."""

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Batch]:
        """A transaction; what is given in it is sent after it."""
        async with self.store.write() as writing:
            batch = Batch(writing, self.new_id)
            yield batch
        for station, command in batch.given:
            await self.publisher.publish(station, command)
