"""The doors of the cabinet: an opening is told at once, also while nobody listens to the station."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn

from edge.hardware.door import Door
from powerctl.core.clock import Clock, Monotonic
from powerctl.core.record import Body, SecurityEvent
from powerctl.runtime import log

LOOK_EVERY_S: Final = 0.5
CLOSED_FOR_S: Final = 5.0
"""A door counts as closed when it has been so for this long: a contact that flaps fills no disk."""
OPENED: Final = "door_opened"
CLOSED: Final = "door_closed"
UNWATCHED: Final = "door_unwatched"

_log = log.get(__name__)


class DoorWatch:
    """Watches the doors of one station.

    Args:
        door: The contact. None: there is none.
        record: Enters a record into the outbox.
        clock: Both clocks.
    """

    def __init__(self, door: Door | None, record: Callable[[Body], object], clock: Clock) -> None:
        self._door = door
        self._record = record
        self._clock = clock
        self._told: str = CLOSED
        self._closed_since: Monotonic | None = None

    async def run(self) -> NoReturn:
        """Look until cancelled; a change of the line is looked at as it comes."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Tell what has changed. A door that is open at start is told too."""
        if self._door is None:
            return
        match self._door.is_open():
            case True:
                self._closed_since = None
                self._tell(OPENED, "A door of the station was opened.")
            case False:
                self._seen_closed()
            case None:
                self._tell(UNWATCHED, "The contact of the station's doors cannot be read any more.")

    def _seen_closed(self) -> None:
        now = self._clock.monotonic()
        if self._closed_since is None:
            self._closed_since = now
        if now - self._closed_since >= CLOSED_FOR_S:
            self._tell(CLOSED, "The doors of the station are closed again.")

    def _tell(self, code: str, detail: str) -> None:
        if code == self._told:
            return
        self._told = code
        _log.warning(code)
        self._record(SecurityEvent(code, detail, self._clock.utc()))
