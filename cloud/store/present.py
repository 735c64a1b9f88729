"""Stations as they are now, kept in memory until they change.

What this process commits is forgotten at once; what another replica commits is forgotten when the change feed has told
of it, a second later at most. While the feed does not run, nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cloud.domain.location import Station
from cloud.store import locations
from cloud.store.changes import Changed
from cloud.store.engine import Database
from powerctl.core.ids import StationId

CAPACITY: Final = 20_000
"""Stations of two cells."""


class Present:
    """Reads stations.

    Args:
        database: Where they are.
        capacity: How many are kept.
    """

    def __init__(self, database: Database, capacity: int = CAPACITY) -> None:
        self._database = database
        self._capacity = capacity
        self._kept: dict[StationId, Station] = {}
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
        # A commit in the meantime may have changed what was read.
        if found is not None and self._followed and generation == self._generation:
            if len(self._kept) >= self._capacity:
                self._kept.clear()
            self._kept[station] = found
        return found

    def changed(self, changes: Iterable[Changed]) -> None:
        """Forget what is not as it was."""
        for one in changes:
            if one.kind == "location":
                self._generation += 1
                self._kept.pop(StationId(one.resource), None)

    def follow(self, followed: bool) -> None:
        """Note whether the feed tells of what others commit."""
        self._followed = followed
        if not followed:
            self._generation += 1
            self._kept.clear()
