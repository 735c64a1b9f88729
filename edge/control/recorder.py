"""Keeps records and journal entries in order and off the event loop, also while the disk is full."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

from powerctl.core.clock import Clock
from powerctl.core.record import Body, Lane, Record, lane_of
from powerctl.runtime import log, metrics
from powerctl.runtime.outbox import OutboxFull

MOST_WAITING: Final = 4096
"""Entries in memory; years of sessions, as no session starts while the disk is full."""
STATUS_WAITING: Final = 1024
"""Above, status records are no longer taken, so that billing keeps its room."""
RETRY_S: Final = 1.0

_log = log.get(__name__)


Change = Callable[[], None]
OffLoop = Callable[[Change], Awaitable[None]]


class Outbox(Protocol):
    """Where records go: `powerctl.runtime.outbox.OutboxWriter`."""

    @property
    def full(self) -> bool:
        """True: the disk is full or nearly."""
        ...

    async def append(self, record: Record, *, record_id: str = "") -> int:
        """Store durably; a second record with the same non-empty id is the first one again."""
        ...

    def append_soon(self, record: Record) -> None:
        """Store telemetry; may be dropped."""
        ...


@dataclass(slots=True)
class _Entry:
    lane: Lane
    work: Callable[[], Awaitable[Any]]
    done: asyncio.Future[None]


class Recorder:
    """One queue, one worker: entries are stored one after the other, and tried again until there is room.

    Args:
        off_loop: Runs a change of the journal where it does not hold up the event loop.
    """

    def __init__(self, outbox: Outbox, clock: Clock, off_loop: OffLoop) -> None:
        self._outbox = outbox
        self._clock = clock
        self._off_loop = off_loop
        self._waiting: deque[_Entry] = deque()
        self._news = asyncio.Event()
        self._is_failing = False

    @property
    def is_full(self) -> bool:
        """True while records cannot be stored: no new session may start."""
        return self._outbox.full or self._is_failing

    def record(self, body: Body) -> asyncio.Future[None]:
        """Store a record, stamped now; the result comes when it is durable."""
        record = Record(self._clock.utc(), body)
        return self._enter(lane_of(body), lambda: self._outbox.append(record))

    def keep(self, record: Record, record_id: str) -> asyncio.Future[None]:
        """Store a record that somebody else made, once for each `record_id`."""
        return self._enter(lane_of(record.body), lambda: self._outbox.append(record, record_id=record_id))

    def journal(self, change: Change) -> asyncio.Future[None]:
        """Carry out a change of the journal in its place between the records."""
        return self._enter(Lane.BILLING, lambda: self._off_loop(change))

    def telemetry(self, body: Body) -> None:
        """Store live values; they may be dropped."""
        self._outbox.append_soon(Record(self._clock.utc(), body))

    async def run(self) -> NoReturn:
        """Work until cancelled."""
        while True:
            while self._waiting:
                await self._store(self._waiting[0])
                self._waiting.popleft()
                metrics.gauge("edge_records_waiting").set(len(self._waiting))
            self._news.clear()
            await self._news.wait()

    async def drained(self) -> None:
        """Return when everything that was entered is stored. `run` must be running."""
        while self._waiting:
            await asyncio.wait([self._waiting[-1].done])

    def _enter(self, lane: Lane, work: Callable[[], Awaitable[Any]]) -> asyncio.Future[None]:
        done = asyncio.get_running_loop().create_future()
        limit = MOST_WAITING if lane is Lane.BILLING else STATUS_WAITING
        if len(self._waiting) >= limit:
            metrics.counter("edge_records_dropped_total").labels(lane.name.lower()).inc()
            done.cancel()
            return done
        self._waiting.append(_Entry(lane, work, done))
        self._news.set()
        return done

    async def _store(self, entry: _Entry) -> None:
        while True:
            try:
                await entry.work()
            except (OutboxFull, sqlite3.Error, OSError) as error:
                self._failed(error)
                await asyncio.sleep(RETRY_S)
            else:
                self._is_failing = False
                if not entry.done.done():
                    entry.done.set_result(None)
                return

    def _failed(self, error: Exception) -> None:
        if not self._is_failing:
            _log.error("records_cannot_be_stored", reason=str(error), waiting=len(self._waiting))
        self._is_failing = True
