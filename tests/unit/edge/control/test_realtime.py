"""What keeps the beat: nothing waits for a log, garbage has its place, watchdogs are fed while everybody beats."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
from pathlib import Path

import pytest

from edge.control.hardware_settings import RealtimeSettings
from edge.control.realtime import (
    BEATS_WITHIN_S,
    MOST_LINES,
    Collector,
    Life,
    Watchdogs,
    claim,
    collected_by_hand,
    log_off_thread,
)
from powerctl.core.errors import ConfigError


class Time:
    """A clock by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_connector_that_stalls_is_enough() -> None:
    time, seen = Time(), []
    life = Life([1, 2], time)
    for step_s, beats in ((BEATS_WITHIN_S, 0), (0.1, 1), (0.0, 2)):
        time.now += step_s
        if beats:
            life.beaten(beats)
        seen.append(life.is_alive)
    assert seen == [True, False, True]


async def test_a_hardware_watchdog_is_fed_only_while_everybody_beats(tmp_path: Path) -> None:
    device, time = tmp_path / "watchdog", Time()
    told: list[int] = []
    device.touch()
    life = Life([1], time)
    watchdogs = Watchdogs(life, device, lambda: told.append(1))

    async def feed() -> None:
        await watchdogs.run()

    task = asyncio.create_task(feed())
    await asyncio.sleep(0.15)
    fed = device.stat().st_size
    assert fed >= 1
    assert len(told) == fed
    time.now = 10.0
    await asyncio.sleep(0.25)
    assert device.stat().st_size <= fed + 1
    task.cancel()
    watchdogs.close()
    assert device.read_bytes().endswith(b"V")


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        monkeypatch.setenv("WATCHDOG_USEC", "1000000")
        watchdogs = Watchdogs(Life([1]), None)
        watchdogs.feed()
        assert manager.recv(64) == b"WATCHDOG=1"
        watchdogs.close()


def test_a_watchdog_that_cannot_be_opened_is_the_operators(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"edge\.realtime\.watchdog"):
        Watchdogs(Life([1]), tmp_path / "missing")


def test_a_log_that_is_stuck_holds_up_nobody() -> None:
    reading, writing = os.pipe()
    handler = logging.StreamHandler(os.fdopen(writing, "w"))
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    root.handlers = [handler]
    try:
        with log_off_thread():
            for _ in range(MOST_LINES + 3000):
                logging.getLogger("edge.test").warning("x" * 100)
            # The pipe holds 64 kB: the loop above would never have ended had it written by itself.
            drained = os.read(reading, 1 << 20)
            while len(drained) < (MOST_LINES // 2) * 100:
                drained += os.read(reading, 1 << 20)
            os.set_blocking(reading, False)
            os.close(reading)
    finally:
        root.handlers = before


def test_garbage_is_collected_only_by_hand_and_not_at_every_beat() -> None:
    time = Time()
    with collected_by_hand():
        assert not gc.isenabled()
        collector, before = Collector(time), gc.get_stats()[1]["collections"]
        for _ in range(25):
            time.now += 0.1
            collector.beaten()
        assert gc.get_stats()[1]["collections"] - before == 2
    assert gc.isenabled()


def test_processors_that_there_are_not_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"edge\.realtime"):
        claim(RealtimeSettings(cpus=(4095,)))
    claim(RealtimeSettings(cpus=tuple(os.sched_getaffinity(0))))
