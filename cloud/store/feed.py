"""Tells watchers, after the commit, what changed: one reader of the change table for any number of watchers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from cloud.domain.location import Station
from cloud.domain.session import Session
from cloud.store import changes, locations, sessions
from cloud.store.changes import Changed
from cloud.store.engine import Database
from powerctl.core.ids import SessionId, StationId

POLL_S = 1.0
"""How long a change made by another process may go unnoticed."""


@dataclass(frozen=True, slots=True)
class Change:
    """A resource as it is after a commit."""

    cursor: int
    changed: Changed
    value: Station | Session


class Subscriber:
    """What one watcher has not seen yet: at most one value per resource, the latest."""

    def __init__(self) -> None:
        self._waiting: dict[Changed, Change] = {}
        self._event = asyncio.Event()

    def put(self, change: Change) -> None:
        """Keep `change` until it is taken; replaces an older one of the same resource."""
        self._waiting[change.changed] = change
        self._event.set()

    @property
    def depth(self) -> int:
        """How many resources wait."""
        return len(self._waiting)

    async def take(self) -> list[Change]:
        """Everything that waits; waits itself while there is nothing."""
        await self._event.wait()
        self._event.clear()
        taken, self._waiting = list(self._waiting.values()), {}
        return taken


class Feed:
    """Reads the change table after each commit of this process, and every second for those of others."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscribers: set[Subscriber] = set()
        self._committed = asyncio.Event()
        self._cursor: int | None = None

    def notify(self) -> None:
        """Something was committed."""
        self._committed.set()

    @contextmanager
    def subscribe(self) -> Iterator[Subscriber]:
        """A subscriber that receives every change from now on, until the block ends."""
        subscriber = Subscriber()
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    @property
    def subscribers(self) -> int:
        """How many watch."""
        return len(self._subscribers)

    async def run(self) -> NoReturn:
        """Pass changes on, for ever."""
        while True:
            async for change in self._read():
                for subscriber in self._subscribers:
                    subscriber.put(change)
            await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._committed.wait()
        except TimeoutError:
            return
        finally:
            self._committed.clear()

    async def _read(self) -> AsyncIterator[Change]:
        async with self._database.read() as connection:
            if self._cursor is None:
                _, self._cursor = await changes.span(connection)
            self._cursor, changed = await changes.since(connection, self._cursor)
            if not self._subscribers:
                return
            for one in changed:
                value: Station | Session | None
                if one.kind == "location":
                    value = await locations.load(connection, StationId(one.resource))
                else:
                    value = await sessions.load(connection, SessionId(one.resource))
                if value is not None:
                    yield Change(self._cursor, one, value)
