from __future__ import annotations

import asyncio
import errno
import io
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from powerctl.app import evidence as module
from powerctl.app.evidence import Evidence, EvidenceSettings, entry_of
from powerctl.app.evidence_cli import BROKEN, WHOLE, verify
from powerctl.core.clock import ManualClock
from powerctl.core.record import GridEvent, GridEventKind
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.runtime.chain_store import ChainStore, files, lines_of
from powerctl.runtime.hashchain import Entry, follow

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)


def event(kind: GridEventKind = GridEventKind.APPLIED, cap_w: float = 4200.0, seconds: float = 0.0) -> GridEvent:
    when = NOON + timedelta(seconds=seconds)
    return GridEvent(kind, LimitSource.DSO, Power(cap_w), Power(4000.04), when, "The grid operator limits: 4.2 kW.")


def bodies(folder: Path) -> list[dict[str, object]]:
    return [dict(one.body) for one in follow(lines_of(folder)) if isinstance(one, Entry)]


def kept(folder: Path) -> list[object]:
    return [body["kind"] for body in bodies(folder)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


class Desk:
    """Evidence that runs, and what it said about its health."""

    def __init__(self, folder: Path) -> None:
        self.health: list[bool] = []
        self.evidence = Evidence(
            folder, EvidenceSettings(), ManualClock(utc=NOON), lambda ok, _: self.health.append(ok)
        )


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Desk]:
    desk = Desk(folder)
    task = asyncio.create_task(desk.evidence.run())
    try:
        yield desk
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_an_entry_says_who_what_and_when() -> None:
    assert entry_of(event(), latency_s=1.23456) == {
        "time": "2026-11-05T12:00:00.000000Z",
        "kind": "applied",
        "source": "dso",
        "cap_w": 4200.0,
        "measured_w": 4000.0,
        "detail": "The grid operator limits: 4.2 kW.",
        "latency_s": 1.235,
    }


async def test_what_was_added_is_on_disk_after_the_end_and_the_chain_goes_on(tmp_path: Path) -> None:
    for _ in range(2):
        async with running(tmp_path) as desk:
            desk.evidence.note("started", "It has started.")
            for kind in GridEventKind:
                desk.evidence.add(entry_of(event(kind)))
            await until(lambda: bool(desk.health))
            desk.evidence.note("stopped", "It ends.")
    assert kept(tmp_path) == 2 * ["started", *(kind.value for kind in GridEventKind), "stopped"]
    assert verify(tmp_path, io.StringIO()) == WHOLE


async def test_entries_wait_while_the_disk_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    real = os.fsync

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with running(tmp_path) as desk:
        monkeypatch.setattr(os, "fsync", full)
        desk.evidence.add(entry_of(event()))
        await until(lambda: bool(desk.health))
        monkeypatch.setattr(os, "fsync", real)
        desk.evidence.add(entry_of(event(GridEventKind.COMPLIED)))
        await until(lambda: desk.health[-1])
    assert desk.health[0] is False
    assert kept(tmp_path) == ["applied", "complied"]


async def test_what_found_no_room_is_confessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    desk = Desk(tmp_path)
    for number in range(5):
        desk.evidence.add(entry_of(event(cap_w=float(number))))
    task = asyncio.create_task(desk.evidence.run())
    await until(lambda: desk.evidence.head.number == 4)
    task.cancel()
    await asyncio.wait([task])
    first, *others = bodies(tmp_path)
    assert (first["kind"], first["detail"]) == ("lost", "2 entries were lost while the disk refused to take them.")
    assert [body["cap_w"] for body in others] == [2.0, 3.0, 4.0]


async def test_an_entry_that_somebody_changes_is_found(tmp_path: Path) -> None:
    async with running(tmp_path) as desk:
        for kind in GridEventKind:
            desk.evidence.add(entry_of(event(kind)))
        await until(lambda: bool(desk.health))
    (path,) = files(tmp_path)
    entry = b'"kind":"complied","source":"dso","cap_w":%d'
    path.write_bytes(path.read_bytes().replace(entry % 4200, entry % 9200))
    out = io.StringIO()
    assert verify(tmp_path, out) == BROKEN
    assert out.getvalue().startswith("BROKEN at entry 3: its content does not match its digest")


@pytest.mark.parametrize("turns", range(6))
async def test_whenever_the_end_comes_what_was_added_is_written(tmp_path: Path, turns: int) -> None:
    desk = Desk(tmp_path)
    task = asyncio.create_task(desk.evidence.run())
    desk.evidence.note("started", "…")
    for _ in range(turns):
        await asyncio.sleep(0)
    desk.evidence.add(entry_of(event()))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert kept(tmp_path) == ["started", "applied"]


async def test_an_end_while_the_disk_is_busy_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that waits for its thread can be taken back: the entries in it are neither waiting nor written."""
    free, busy = threading.Event(), threading.Event()
    append = ChainStore.append

    def slow(*arguments: Any) -> Any:
        busy.set()
        assert free.wait(10)
        return append(*arguments)

    monkeypatch.setattr(ChainStore, "append", slow)
    desk = Desk(tmp_path)
    task = asyncio.create_task(desk.evidence.run())
    desk.evidence.note("started", "…")
    await until(busy.is_set)
    task.cancel()
    await asyncio.sleep(0)
    desk.evidence.add(entry_of(event()))
    free.set()
    with suppress(asyncio.CancelledError):
        await task
    assert kept(tmp_path) == ["started", "applied"]
