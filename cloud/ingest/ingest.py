"""From messages to the database, and back the word that it has committed. Knows no broker.

Messages of all stations that wait share one transaction: its cost is by far the largest part of theirs.

A station deletes a record only on this word, so the order is: commit, then acknowledge to the broker, then tell the
station. Whatever fails in between, the station or the broker brings the record again, and the store knows it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NoReturn, TypeVar

from cloud.domain.bucket import Buckets
from cloud.ingest.check import Inspected, Refused, inspect
from cloud.ingest.ports import CommitResult, RecordStore, StationBatch, StoredRecord, StoreUnavailable
from cloud.ingest.pressure import hint_at
from powerctl.core.clock import Monotonic
from powerctl.core.errors import RemoteError
from powerctl.core.ids import StationId
from powerctl.core.record import CommandResult
from powerctl.runtime import log, metrics
from powerctl.runtime.backoff import full_jitter
from powerctl.wire.batch import LinkHint, committed_to_wire
from powerctl.wire.topics import Channel, topic

CAPACITY: Final = 2_000
"""Messages that may wait for the database; more than a broker hands out without an acknowledgement."""
RECORDS_AT_ONCE: Final = 500
MESSAGES_PER_SECOND: Final = 200.0
"""Of one station, for long: it catches up at this rate. More of one would take room from the others."""
MESSAGES_AT_ONCE: Final = 2_000.0
RETRY_BASE_S: Final = 0.2
RETRY_CAP_S: Final = 10.0

T = TypeVar("T")
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message, and how to tell the broker that it is done with."""

    topic: str
    payload: bytes
    accepted: Callable[[], None]


@dataclass(slots=True)
class _Group:
    """What one station and epoch has in a transaction."""

    station: StationId
    epoch: int
    topic: str
    good: list[StoredRecord] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)


class Ingest:
    """Takes messages in, commits them, answers the stations.

    Args:
        store: Where records go.
        publish: Sends a message to a station; may fail, for the station will ask again.
        on_answer: Told the id of every command that a station has answered.
        on_store: Told whether the database answers.
        now: The clock of the rates.
        utc: The time of day that stations compare theirs with.
    """

    def __init__(
        self,
        store: RecordStore,
        publish: Callable[[str, bytes], object],
        *,
        on_answer: Callable[[str], None] = lambda _: None,
        on_store: Callable[[bool], None] = lambda _: None,
        capacity: int = CAPACITY,
        now: Callable[[], Monotonic] = lambda: Monotonic(time.monotonic()),
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._publish = publish
        self._on_answer = on_answer
        self._on_store = on_store
        self._now = now
        self._utc = utc
        self._pressure = 0
        self._rates = Buckets(MESSAGES_PER_SECOND, MESSAGES_AT_ONCE)
        self._capacity = capacity
        self._waiting: asyncio.Queue[Arrival] = asyncio.Queue(capacity)
        self._messages = metrics.counter("cloud_ingest_messages_total")
        self._records = metrics.counter("cloud_ingest_records_total")

    def offer(self, arrival: Arrival) -> None:
        """Take a message. When too many wait, or come from one station, it is given up: it is sent again."""
        station = arrival.topic.split("/")[-2:][0]
        if self._rates.take(station, self._now()) > 0:
            self._messages.labels("limited").inc()
            arrival.accepted()
            return
        try:
            self._waiting.put_nowait(arrival)
        except asyncio.QueueFull:
            self._messages.labels("given_up").inc()
            arrival.accepted()

    async def run(self) -> NoReturn:
        """Work until cancelled. What arrives during one transaction goes into the next together."""
        while True:
            first = await self._waiting.get()
            self._pressure = self._waiting.qsize()
            await self._settle(await self._gather(first))

    async def _gather(self, first: Arrival) -> list[_Group]:
        groups: dict[tuple[StationId, int], _Group] = {}
        arrival, count = first, 0
        while True:
            count += await self._sort_in(groups, arrival)
            if count >= RECORDS_AT_ONCE or self._waiting.empty():
                return list(groups.values())
            arrival = self._waiting.get_nowait()

    async def _sort_in(self, groups: dict[tuple[StationId, int], _Group], arrival: Arrival) -> int:
        """Add a message to its group; returns how many records it had."""
        try:
            batch: Inspected = inspect(arrival.topic, arrival.payload)
        except RemoteError as error:
            await self._refuse(arrival, str(error))
            return 0
        key = (batch.station, batch.epoch)
        group = groups.setdefault(key, _Group(batch.station, batch.epoch, arrival.topic))
        group.good += batch.good
        group.refused += batch.refused
        group.arrivals.append(arrival)
        return len(batch.good) + len(batch.refused)

    async def _refuse(self, arrival: Arrival, reason: str) -> None:
        self._messages.labels("refused").inc()
        _log.warning("message_refused", topic=arrival.topic[:100], reason=reason)
        await self._insist(lambda: self._store.quarantine(arrival.topic, arrival.payload, reason))
        arrival.accepted()

    async def _settle(self, groups: Sequence[_Group]) -> None:
        """Commit, acknowledge, answer."""
        for group in groups:
            for refused in group.refused:
                await self._set_aside(group, refused.record.payload, refused.reason)
        await self._commit([group for group in groups if group.good])
        self._messages.labels("committed").inc(sum(len(group.arrivals) for group in groups))
        send_time, hint = self._utc(), hint_at(self._pressure, self._capacity)
        for group in groups:
            self._answer(group, send_time, hint)

    def _answer(self, group: _Group, send_time: datetime, hint: LinkHint | None) -> None:
        for arrival in group.arrivals:
            arrival.accepted()
        settled = [stored.sequence for stored in group.good] + [one.record.sequence for one in group.refused]
        word = committed_to_wire(group.epoch, settled, send_time=send_time, hint=hint)
        self._publish(topic(group.station, Channel.COMMITTED), word)
        for stored in group.good:
            if isinstance(stored.record.body, CommandResult):
                self._on_answer(stored.record.body.command_id)

    async def _commit(self, groups: Sequence[_Group]) -> None:
        if not groups:
            return
        batches = [StationBatch(group.station, group.epoch, group.good) for group in groups]
        began = time.perf_counter()
        results = await self._insist(lambda: self._store.commit(batches))
        metrics.histogram("cloud_ingest_commit_seconds").observe(time.perf_counter() - began)
        conflicts, duplicates = sum(len(one.conflicts) for one in results), sum(one.duplicates for one in results)
        self._records.labels("committed").inc(sum(len(group.good) for group in groups) - duplicates - conflicts)
        self._records.labels("duplicate").inc(duplicates)
        for group, result in zip(groups, results, strict=True):
            if result.conflicts:
                await self._set_conflicts_aside(group, result)

    async def _set_conflicts_aside(self, group: _Group, result: CommitResult) -> None:
        conflicts = set(result.conflicts)
        for stored in group.good:
            if stored.sequence in conflicts:
                reason = f"epoch {group.epoch} sequence {stored.sequence} is another"
                await self._set_aside(group, stored.payload, reason)

    async def _set_aside(self, group: _Group, payload: bytes, reason: str) -> None:
        self._records.labels("set_aside").inc()
        _log.error("record_set_aside", station=group.station, reason=reason)
        await self._insist(lambda: self._store.quarantine(group.topic, payload, reason))

    async def _insist(self, action: Callable[[], Awaitable[T]]) -> T:
        """The result of `action`, however long the database is away."""
        attempt = 0
        while True:
            try:
                result = await action()
            except StoreUnavailable as error:
                self._on_store(False)
                _log.error("store_unavailable", reason=str(error), attempt=attempt)
                await asyncio.sleep(full_jitter(attempt, base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, random=random.random))
                attempt += 1
            else:
                self._on_store(True)
                return result
