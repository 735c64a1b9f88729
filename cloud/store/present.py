"""Stations and sessions as they are now, kept in memory until they change.

What this process commits is forgotten at once; what another replica commits is forgotten when the change feed has told
of it, a second later at most. While the feed does not run, nothing is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from cloud.domain.location import Station
from cloud.domain.session import Session
from cloud.store import locations, sessions
from cloud.store.changes import Changed
from cloud.store.engine import Database
from powerctl.core.ids import SessionId, StationId

CAPACITY: Final = 20_000
"""Stations of two cells; as many sessions."""


class Present:
    """Reads stations and sessions.

    Args:
        database: Where they are.
        capacity: How many of each are kept.
    """

    def __init__(self, database: Database, capacity: int = CAPACITY) -> None:
        self._database = database
        self._capacity = capacity
        self._kept: dict[StationId, Station] = {}
        self._sessions: dict[SessionId, Session] = {}
        self._generation = 0
        self._followed = False

    async def station(self, station: StationId) -> Station | None:
        """The station. None: there is none.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        found = self._kept.get(station)
        if found is not None:
            return found
        generation = self._generation
        async with self._database.read() as connection:
            found = await locations.load(connection, station)
        if found is not None:
            self._keep([found], generation)
        return found

    async def session(self, session: SessionId) -> Session | None:
        """The session. None: there is none.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        found = self._sessions.get(session)
        if found is not None:
            return found
        generation = self._generation
        async with self._database.read() as connection:
            found = await sessions.load(connection, session)
        if found is not None:
            self._keep_sessions([found], generation)
        return found

    async def sessions_page(
        self, *, driver: str | None, before: int | None, size: int, stations: Collection[StationId] = ()
    ) -> tuple[list[Session], int | None]:
        """Sessions, newest first, and the ordinal to continue before. None: that is all.

        Args:
            driver: Only this driver's. None: everybody's.
            before: Ordinal of the last one seen. None: from the newest.
            size: At most so many.
            stations: Also everybody's at these stations.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        generation = self._generation
        async with self._database.read() as connection:
            given: Any = {"driver": driver, "before": before, "stations": stations}
            names = await sessions.names(connection, **given, size=size + 1)
            shown = names[:size]
            found = {name: kept for _, name in shown if (kept := self._sessions.get(name)) is not None}
            read = await sessions.load_all(connection, [name for _, name in shown if name not in found])
        self._keep_sessions(read, generation)
        found |= {session.id: session for session in read}
        following = shown[-1][0] if len(names) > size else None
        return [found[name] for _, name in shown if name in found], following

    def _keep_sessions(self, read: Sequence[Session], generation: int) -> None:
        if not self._may_keep(generation):
            return
        if len(self._sessions) + len(read) > self._capacity:
            self._sessions.clear()
        self._sessions.update({session.id: session for session in read})

    async def page(self, *, after: str, size: int) -> tuple[list[Station], str]:
        """Stations by id, and the id to continue after. Empty: that is all.

        Args:
            after: The id to continue after. Empty: from the first.
            size: At most so many.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        generation = self._generation
        async with self._database.read() as connection:
            names = await locations.names(connection, after=after, size=size + 1)
            shown = names[:size]
            found = {name: kept for name in shown if (kept := self._kept.get(name)) is not None}
            read = await locations.load_all(connection, [name for name in shown if name not in found])
        self._keep(read, generation)
        found |= {station.id: station for station in read}
        return [found[name] for name in shown if name in found], (shown[-1] if len(names) > size else "")

    def _keep(self, read: Sequence[Station], generation: int) -> None:
        if not self._may_keep(generation):
            return
        if len(self._kept) + len(read) > self._capacity:
            self._kept.clear()
        self._kept.update({station.id: station for station in read})

    def _may_keep(self, generation: int) -> bool:
        """False: the feed does not run, or a commit in the meantime may have changed what was read."""
        return self._followed and generation == self._generation

    def changed(self, changes: Iterable[Changed]) -> None:
        """Forget what is not as it was."""
        for one in changes:
            self._generation += 1
            if one.kind == "location":
                self._kept.pop(StationId(one.resource), None)
            else:
                self._sessions.pop(SessionId(one.resource), None)

    def follow(self, followed: bool) -> None:
        """Note whether the feed tells of what others commit."""
        self._followed = followed
        if not followed:
            self._generation += 1
            self._kept.clear()
            self._sessions.clear()
