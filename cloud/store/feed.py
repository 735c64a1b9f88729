"""Tells watchers, after the commit, what changed: one reader of the change table for any number of watchers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.location import Station
from cloud.domain.session import Session
from cloud.ingest.ports import StoreUnavailable
from cloud.store import changes, locations, sessions
from cloud.store.changes import Changed
from cloud.store.engine import Database
from cloud.store.present import Present
from powerctl.core.ids import SessionId, StationId
from powerctl.runtime import log

POLL_S = 1.0
"""How long a change made by another process may go unnoticed."""

_log = log.get(__name__)


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
        self.ended = False
        """True: nothing more will come."""

    def end(self) -> None:
        """Nothing more will come."""
        self.ended = True
        self._event.set()

    def put(self, change: Change) -> None:
        """Keep `change` until it is taken; replaces an older one of the same resource."""
        self._waiting[change.changed] = change
        self._event.set()

    @property
    def depth(self) -> int:
        """How many resources wait."""
        return len(self._waiting)

    async def take(self) -> list[Change]:
        """Everything that waits; waits itself while there is nothing and more may come."""
        await self._event.wait()
        self._event.clear()
        taken, self._waiting = list(self._waiting.values()), {}
        return taken


class Feed:
    """Reads the change table after each commit of this process, and every second for those of others."""

    def __init__(self, database: Database, present: Present) -> None:
        self._database = database
        self._present = present
        self._subscribers: set[Subscriber] = set()
        self._committed = asyncio.Event()
        self._cursor: int | None = None
        self._ended = False

    def notify(self) -> None:
        """Something was committed."""
        self._committed.set()

    @contextmanager
    def subscribe(self) -> Iterator[Subscriber]:
        """A subscriber that receives every change from now on, until the block ends."""
        subscriber = Subscriber()
        if self._ended:
            subscriber.end()
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
        """Pass changes on until cancelled, which ends every watcher's stream."""
        try:
            while True:
                try:
                    await self._pass_on()
                except StoreUnavailable as error:
                    self._present.follow(False)
                    _log.warning("feed_waits_for_database", reason=str(error))
                    await asyncio.sleep(POLL_S)
                await self._wait()
        finally:
            self._ended = True
            self._present.follow(False)
            for subscriber in self._subscribers:
                subscriber.end()

    async def _pass_on(self) -> None:
        """Read everything before passing anything on: changes of one read share a cursor, and a watcher that woke
        after the first of them would take the others for known."""
        changes = [change async for change in self._read()]
        for change in changes:
            for subscriber in self._subscribers:
                subscriber.put(change)

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
                self._present.follow(True)
                return
            newest, changed = await changes.since(connection, self._cursor)
            self._present.changed(changed)
            self._present.follow(True)
            # Without watchers nothing is loaded: whoever subscribes from now on reads the present state first.
            for one in changed if self._subscribers else ():
                if (value := await load(connection, one)) is not None:
                    yield Change(newest, one, value)
            self._cursor = newest


async def load(connection: AsyncConnection, changed: Changed) -> Station | Session | None:
    """The resource as it is now. None: it is gone."""
    if changed.kind == "location":
        return await locations.load(connection, StationId(changed.resource))
    return await sessions.load(connection, SessionId(changed.resource))
