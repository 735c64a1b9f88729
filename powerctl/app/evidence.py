"""The evidence: what the grid asked, when it was applied, when the measured power complied. Hash-chained, on disk.

Its entries leave the loop through a bounded queue and are synced by a thread; the loop never waits for the disk.
"""

from __future__ import annotations

import asyncio
import functools
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NoReturn

from pydantic import Field

from powerctl.core.clock import Clock
from powerctl.core.record import GridEvent
from powerctl.runtime import log, metrics
from powerctl.runtime.chain_store import ChainStore, stamp
from powerctl.runtime.hashchain import Head
from powerctl.runtime.settings import Section

FOLDER: Final = "evidence"
"""Below the energy manager's state folder."""
MOST_WAITING: Final = 10_000
"""Entries that wait in memory for the disk; beyond it the oldest is lost, and the next entry says how many were."""
RETRY_S: Final = 5.0

_log = log.get(__name__)


class EvidenceSettings(Section):
    """The evidence of what the grid asked and the station did."""

    keep_months: int = Field(default=26, ge=25, le=1200)
    """Months whose entries are kept, the present one included; 25 are two full years (BK6-22-300 A1, 7)."""
    max_mb: int = Field(default=512, ge=64, le=65536)
    """Megabytes on disk, about 1.3 million entries at the default; beyond it the oldest file goes early."""


def folder_of(state_dir: Path) -> Path:
    """Where a station keeps its evidence.

    Args:
        state_dir: The station's `state_dir`.
    """
    return state_dir / "manager" / FOLDER


def entry_of(event: GridEvent, *, latency_s: float | None = None) -> dict[str, Any]:
    """An event as it stands in the evidence.

    Args:
        event: What happened.
        latency_s: From the command to compliance, seconds. None: it is not about compliance.
    """
    entry = {
        "time": stamp(event.event_time),
        "kind": event.kind.value,
        "source": event.source.value,
        "cap_w": round(float(event.cap.w), 1) + 0.0,
        "measured_w": None if event.measured is None else round(float(event.measured.w), 1),
        "detail": event.detail,
    }
    return entry if latency_s is None else {**entry, "latency_s": round(latency_s, 3)}


class Evidence:
    """Takes entries at any time, and writes them while `run` runs.

    Args:
        folder: Of the chain.
        settings: How long it is kept.
        clock: For the entries' times.
        well: Called with false and a reason while the disk refuses, with true when it takes entries again.
    """

    def __init__(
        self, folder: Path, settings: EvidenceSettings, clock: Clock, well: Callable[[bool, str], None]
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._well = well
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._arrived = asyncio.Event()
        self._lost = 0
        self.head = Head()
        """The chain's end on disk; nothing before `run` has begun."""

    def add(self, entry: Mapping[str, Any]) -> None:
        """Have `entry` written. Never blocks."""
        self._waiting.append(entry)
        self._shorten()
        self._arrived.set()

    def note(self, kind: str, detail: str, **more: Any) -> None:
        """Have something written that is no event of the grid, for example a start."""
        self.add({"time": stamp(self._clock.utc()), "kind": kind, **more, "detail": detail})

    async def run(self) -> NoReturn:
        """Write until cancelled; then write what is left.

        Raises:
            ConfigError: The folder cannot be used, or another process writes there.
        """
        with ThreadPoolExecutor(1, "evidence") as disk:
            opening = asyncio.get_running_loop().run_in_executor(disk, self._open)
            try:
                store = await asyncio.shield(opening)
                self.head = store.head
                await self._write_for_ever(store, disk)
            finally:
                store = await opening
                await asyncio.shield(self._flush(store, disk))
                disk.submit(store.close)
        raise AssertionError

    def _open(self) -> ChainStore:
        most = self._settings.max_mb * 1_000_000
        return ChainStore(self._folder, keep_months=self._settings.keep_months, max_bytes=most)

    async def _write_for_ever(self, store: ChainStore, disk: Executor) -> NoReturn:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            if not await _unbroken(asyncio.ensure_future(self._flush(store, disk))):
                await asyncio.sleep(RETRY_S)
                self._arrived.set()

    async def _flush(self, store: ChainStore, disk: Executor) -> bool:
        """Write what waits; false: the disk refuses, and it still waits."""
        if not self._waiting:
            return True
        entries = [*self._confession(), *self._waiting]
        self._waiting.clear()
        append = functools.partial(store.append, self._clock.utc(), entries)
        try:
            self.head = await asyncio.get_running_loop().run_in_executor(disk, append)
        except OSError as error:
            _log.error("evidence_not_written", folder=str(self._folder), why=str(error), waiting=len(entries))
            self._well(False, f"the evidence cannot be written: {error.strerror or error}")
            self._waiting.extendleft(reversed(entries))
            self._shorten()
            return False
        metrics.counter("powerctl_evidence_entries_total").inc(len(entries))
        self._well(True, "")
        return True

    def _confession(self) -> list[Mapping[str, Any]]:
        if not self._lost:
            return []
        detail = f"{self._lost} entries were lost while the disk refused to take them."
        self._lost = 0
        return [{"time": stamp(self._clock.utc()), "kind": "lost", "detail": detail}]

    def _shorten(self) -> None:
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1
            metrics.counter("powerctl_evidence_lost_total").inc()


async def _unbroken(work: asyncio.Future[bool]) -> bool:
    """The result of `work`; a cancellation waits until it has ended, because what it writes is no longer waiting."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
