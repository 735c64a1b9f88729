"""The controller's loop is never held up by the disk, and knows when it cannot store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.record import Lane, Record, SessionOpened, Telemetry
from powerctl.runtime.outbox import Draft, Outbox, OutboxFull
from powerctl.runtime.outbox_writer import OutboxWriter
from powerctl.wire.batch import WireRecord

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OPENED = Record(NOW, SessionOpened(SessionId("s-1"), ConnectorId(1)))
LIVE = Record(NOW, Telemetry(None, None, (), True))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


class SlowDisk(Outbox):
    """An outbox whose disk answers only when it may."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.may_write = threading.Event()

    def append_all(self, drafts: Sequence[Draft]) -> list[int]:
        """Wait for the disk."""
        self.may_write.wait(timeout=30)
        return super().append_all(drafts)


async def test_a_record_is_in_the_outbox_when_append_returns(path: Path) -> None:
    async with OutboxWriter(path) as writer:
        assert await writer.append(OPENED) == 1
        entry = Outbox(path).pending(limit=9)[0]
    assert entry.lane is Lane.BILLING
    assert WireRecord(1, entry.payload).parse() == OPENED


async def test_many_at_once_get_sequences_of_their_own(path: Path) -> None:
    async with OutboxWriter(path) as writer:
        sequences = await asyncio.gather(*(writer.append(OPENED) for _ in range(500)))
    assert sorted(sequences) == list(range(1, 501))


async def test_a_repeated_record_is_stored_once(path: Path) -> None:
    async with OutboxWriter(path) as writer:
        assert await writer.append(OPENED, record_id="m-1") == await writer.append(OPENED, record_id="m-1")


async def test_closing_stores_what_waits(path: Path) -> None:
    async with OutboxWriter(path) as writer:
        for _ in range(10):
            writer.append_soon(LIVE)
    assert Outbox(path).depth()[Lane.TELEMETRY] == 10


async def test_telemetry_is_dropped_when_the_disk_is_slow_and_billing_is_not(path: Path) -> None:
    disk = SlowDisk(path)
    async with OutboxWriter(lambda: disk, capacity=20) as writer:
        for _ in range(100):
            writer.append_soon(LIVE)
        waiting = asyncio.create_task(writer.append(OPENED))
        await asyncio.sleep(0)
        disk.may_write.set()
        assert await waiting >= 1
    depth = Outbox(path).depth()
    assert depth[Lane.BILLING] == 1
    assert 10 <= depth[Lane.TELEMETRY] <= 21


async def test_a_disk_that_does_not_keep_up_is_said_at_once(path: Path) -> None:
    disk = SlowDisk(path)
    async with OutboxWriter(lambda: disk, capacity=4) as writer:
        waiting = [asyncio.create_task(writer.append(OPENED)) for _ in range(20)]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert all(isinstance(task.exception(), OutboxFull) for task in done)
        assert writer.full
        disk.may_write.set()
        stored = [
            result for result in await asyncio.gather(*waiting, return_exceptions=True) if isinstance(result, int)
        ]
        assert len(stored) >= 4


async def test_a_full_disk_is_said_and_over_when_there_is_room(path: Path) -> None:
    disk = Outbox(path)
    async with OutboxWriter(lambda: disk) as writer:
        pages = disk._db.execute("PRAGMA page_count").fetchone()[0]
        disk._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OutboxFull):
            await asyncio.gather(*(writer.append(OPENED) for _ in range(900)))
        states = [writer.full]
        disk._db.execute("PRAGMA max_page_count = 100000")
        await writer.append(OPENED)
        states.append(writer.full)
    assert states == [True, False]


async def test_a_nearly_full_disk_takes_billing_and_says_it_is_full(path: Path) -> None:
    async with OutboxWriter(lambda: Outbox(path, reserve_bytes=2**62)) as writer:
        assert writer.full
        writer.append_soon(LIVE)
        assert await writer.append(OPENED) == 1
        assert writer.full


async def test_a_closed_writer_refuses(path: Path) -> None:
    writer = OutboxWriter(path)
    with pytest.raises(OutboxFull):
        await writer.append(OPENED)
    await writer.start()
    await writer.close()
    with pytest.raises(OutboxFull):
        await writer.append(OPENED)
