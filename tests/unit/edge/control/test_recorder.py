"""Records are stored in order, wait while the disk is full, and telemetry never takes billing's place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import async_solipsism
import pytest

from edge.control.recorder import MOST_WAITING, STATUS_WAITING, Recorder
from powerctl.core.clock import ManualClock
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.record import (
    Body,
    CommandOutcome,
    CommandResult,
    ConnectorStatusChanged,
    Record,
    SessionOpened,
    Telemetry,
)
from powerctl.core.session import ConnectorState
from powerctl.runtime.outbox import OutboxFull

OPENED = SessionOpened(SessionId("s"), ConnectorId(1))
STATUS = ConnectorStatusChanged(ConnectorId(1), ConnectorState.AVAILABLE, None, "")
LIVE = Telemetry(None, None, (), manager_connected=False)


class MemoryOutbox:
    """An outbox whose disk can be full."""

    def __init__(self) -> None:
        self.full = False
        self.stored: list[Body] = []
        self.origins: list[str] = []

    async def append(self, record: Record, *, record_id: str = "") -> int:
        if self.full:
            raise OutboxFull("no room")
        self.stored.append(record.body)
        self.origins.append(record_id)
        return len(self.stored)

    def append_soon(self, record: Record) -> None:
        self.stored.append(record.body)


async def at_once(change: Callable[[], None]) -> None:
    change()


class Rig:
    def __init__(self) -> None:
        self.outbox = MemoryOutbox()
        self.recorder = Recorder(self.outbox, ManualClock(), at_once)

    @asynccontextmanager
    async def working(self) -> Any:
        task = asyncio.create_task(self.recorder.run())
        try:
            yield self.recorder
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def in_virtual_time(story: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        runner.run(story)


async def test_records_and_journal_entries_keep_their_order() -> None:
    rig = Rig()
    async with rig.working() as recorder:
        recorder.record(OPENED)
        recorder.journal(lambda: rig.outbox.stored.append(LIVE))
        await recorder.record(STATUS)
    assert rig.outbox.stored == [OPENED, LIVE, STATUS]


def test_a_full_disk_delays_records_and_loses_none() -> None:
    async def story() -> None:
        rig = Rig()
        rig.outbox.full = True
        async with rig.working() as recorder:
            stored = recorder.record(OPENED)
            await asyncio.sleep(60)
            assert not stored.done()
            assert recorder.is_full
            rig.outbox.full = False
            await stored
            assert not recorder.is_full
        assert rig.outbox.stored == [OPENED]

    in_virtual_time(story())


def test_a_full_memory_gives_up_status_first_and_billing_last() -> None:
    async def story() -> None:
        rig = Rig()
        futures = [rig.recorder.record(STATUS) for _ in range(STATUS_WAITING)]
        assert rig.recorder.record(STATUS).cancelled()
        assert not rig.recorder.record(OPENED).cancelled()
        for _ in range(MOST_WAITING - STATUS_WAITING - 1):
            rig.recorder.record(OPENED)
        assert rig.recorder.record(OPENED).cancelled()
        assert not any(future.done() for future in futures)

    in_virtual_time(story())


async def test_drained_means_everything_is_stored() -> None:
    rig = Rig()
    async with rig.working() as recorder:
        for number in range(5):
            recorder.record(CommandResult(str(number), CommandOutcome.ACCEPTED, ""))
        await recorder.drained()
    assert len(rig.outbox.stored) == 5


async def test_the_managers_records_carry_their_id() -> None:
    rig = Rig()
    async with rig.working() as recorder:
        await recorder.keep(Record(ManualClock().utc(), OPENED), "r-1")
    assert rig.outbox.origins == ["r-1"]


async def test_a_mistake_of_ours_is_not_mistaken_for_a_full_disk() -> None:
    rig = Rig()

    def mistake() -> None:
        raise ZeroDivisionError

    rig.recorder.journal(mistake)
    with pytest.raises(ZeroDivisionError):
        await rig.recorder.run()
