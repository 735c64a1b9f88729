"""The way from an event loop to the outbox: a thread that stores what waits, many records in one commit."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

from powerctl.core.record import Lane, Record, lane_of
from powerctl.runtime import metrics
from powerctl.runtime.outbox import Draft, Outbox, OutboxFull
from powerctl.wire.batch import encode_record

CAPACITY: Final = 1_000
"""Records that may wait for the disk."""
GROUP: Final = 200
"""Most records in one commit."""
LOOK_EVERY_S: Final = 2.0
"""How often the space on the disk is looked at while nothing is stored."""


class _Job(NamedTuple):
    draft: Draft
    done: asyncio.Future[int] | None
    """None: nobody waits for it."""


class OutboxWriter:
    """Stores records without holding up the event loop.

    Args:
        open_outbox: The file, or how to open it; opened in the writer's own thread.
        capacity: Records that may wait for the disk; telemetry has the use of half.
    """

    def __init__(self, open_outbox: Path | Callable[[], Outbox], *, capacity: int = CAPACITY) -> None:
        self._open = (lambda: Outbox(open_outbox)) if isinstance(open_outbox, Path) else open_outbox
        self._jobs: queue.Queue[_Job | None] = queue.Queue(capacity)
        self._telemetry_room = capacity // 2
        self._full = True
        self._ending = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._dropped = metrics.counter("edge_outbox_dropped_total")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Open the outbox.

        Raises:
            ConfigError: The file cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        outbox = await asyncio.to_thread(self._open)
        self._full = outbox.full
        self._thread = threading.Thread(target=self._run, args=(outbox,), name="outbox", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Store what waits, then close the outbox."""
        thread, self._thread = self._thread, None
        if thread is not None and thread.is_alive():
            await asyncio.to_thread(self._jobs.put, None)
            await asyncio.to_thread(thread.join)

    @property
    def full(self) -> bool:
        """True when the disk is nearly full, or the last record could not be stored: begin nothing new."""
        return self._full

    async def append(self, record: Record, *, record_id: str = "") -> int:
        """The sequence of `record`, once it is stored; a billing record is on disk then.

        Args:
            record: What happened.
            record_id: Set for a record that its maker may send again: it is stored once.

        Raises:
            OutboxFull: It was not stored.
        """
        if self._thread is None or not self._thread.is_alive():
            raise OutboxFull("the outbox is closed")
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        try:
            self._jobs.put_nowait(_Job(_draft(record, record_id), done))
        except queue.Full:
            self._full = True
            raise OutboxFull("the disk does not keep up") from None
        return await done

    def append_soon(self, record: Record) -> None:
        """Store `record` when the disk has time. Dropped and counted when too much waits already."""
        if self._jobs.qsize() >= self._telemetry_room:
            self._dropped.inc()
            return
        self._jobs.put_nowait(_Job(_draft(record, ""), None))

    def _run(self, outbox: Outbox) -> None:
        try:
            while not self._ending:
                group = self._next_group()
                for lane in Lane:
                    self._store(outbox, [job for job in group if job.draft.lane is lane])
                if not group:
                    self._full = outbox.full
        finally:
            self._full = True
            self._answer(self._left_over(), OutboxFull("the outbox is closed"))
            outbox.close()

    def _next_group(self) -> list[_Job]:
        """What waits, at most `GROUP`; empty when nothing came for a while."""
        group: list[_Job] = []
        try:
            job = self._jobs.get(timeout=LOOK_EVERY_S)
            while job is not None:
                group.append(job)
                if len(group) == GROUP:
                    return group
                job = self._jobs.get_nowait()
        except queue.Empty:
            return group
        self._ending = True
        return group

    def _left_over(self) -> list[_Job]:
        jobs: list[_Job] = []
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs
            if job is not None:
                jobs.append(job)

    def _store(self, outbox: Outbox, jobs: Sequence[_Job]) -> None:
        if not jobs:
            return
        try:
            sequences = outbox.append_all([job.draft for job in jobs])
        except OutboxFull as error:
            self._full = True
            self._dropped.inc(sum(job.done is None for job in jobs))
            self._answer(jobs, error)
        else:
            self._full = outbox.full
            self._answer(jobs, sequences)

    def _answer(self, jobs: Sequence[_Job], answer: Sequence[int] | OutboxFull) -> None:
        assert self._loop is not None
        waiting = [(place, job.done) for place, job in enumerate(jobs) if job.done is not None]
        if waiting:
            self._loop.call_soon_threadsafe(_settle, waiting, answer)


def _settle(waiting: Sequence[tuple[int, asyncio.Future[int]]], answer: Sequence[int] | OutboxFull) -> None:
    for place, done in waiting:
        if done.done():
            continue
        if isinstance(answer, OutboxFull):
            done.set_exception(answer)
        else:
            done.set_result(answer[place])


def _draft(record: Record, record_id: str) -> Draft:
    return Draft(lane_of(record.body), encode_record(record), record_id)
