"""What keeps the beat: processors, scheduling class, garbage, log lines, and the proof of life.

Everything that can take long is kept off the event loop's thread: records and journal have threads of their own, log
lines go through a bounded queue, and garbage is collected right after a beat, when the next is farthest away.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import queue
import socket
import time
from collections.abc import Callable, Sequence
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path
from typing import Any, Final, NoReturn

from edge.control.hardware_settings import RealtimeSettings
from powerctl.core.errors import ConfigError
from powerctl.runtime import log, metrics

MOST_LINES: Final = 2000
"""Log lines that may wait; what does not fit is dropped."""
YOUNG_EVERY_S: Final = 1.0
OLD_EVERY: Final = 60
"""Young collections between two of everything."""
LIFE_EVERY_S: Final = 0.2
SWITCH_S: Final = 0.001
"""How long another thread of this process may hold the interpreter before it must let go."""
BEATS_WITHIN_S: Final = 0.5
"""Five periods without a beat, and the connector counts as stalled."""

_log = log.get(__name__)


def claim(settings: RealtimeSettings) -> None:
    """Give this process the processors and the scheduling class of its settings.

    Raises:
        ConfigError: The system refuses.
    """
    import sys

    sys.setswitchinterval(SWITCH_S)
    try:
        if settings.cpus:
            os.sched_setaffinity(0, settings.cpus)
        if settings.fifo_priority is not None:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(settings.fifo_priority))
    except (OSError, AttributeError) as error:
        raise ConfigError(
            "edge.realtime",
            f"this system refuses: {error}.",
            "Name processors that there are; SCHED_FIFO needs CAP_SYS_NICE (see the systemd unit).",
        ) from error


class _Bounded(QueueHandler):
    """Hands lines over without ever waiting."""

    def enqueue(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self.queue.put_nowait(record)

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """The record as it is: it stays in this process."""
        return record


@contextlib.contextmanager
def log_off_thread() -> Any:
    """Until the end of the block, log lines are written by a thread: a full pipe holds up nobody."""
    root = logging.getLogger()
    handlers, lines = root.handlers[:], queue.Queue[Any](MOST_LINES)
    listener = QueueListener(lines, *handlers)
    listener.start()
    root.handlers = [_Bounded(lines)]
    try:
        yield
    finally:
        root.handlers = handlers
        listener.stop()


@contextlib.contextmanager
def collected_by_hand() -> Any:
    """Until the end of the block, nothing is collected unless `Collector` says so."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


class Collector:
    """Collects garbage when it does the least harm: `beaten` is called at the end of a connector's beat."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._at = now()
        self._count = 0

    def beaten(self) -> None:
        """A beat is over; the next one of the other connector is half a period away."""
        begun = self._now()
        if begun - self._at < YOUNG_EVERY_S:
            return
        self._at, self._count = begun, self._count + 1
        generation = 2 if self._count % OLD_EVERY == 0 else 1
        gc.collect(generation)
        metrics.histogram("edge_garbage_seconds").observe(self._now() - begun)


class Life:
    """Knows whether every connector beats.

    Args:
        connectors: How many there are.
    """

    def __init__(self, connectors: Sequence[int], now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._beats = dict.fromkeys(connectors, now())

    def beaten(self, connector: int) -> None:
        """A connector has finished a beat."""
        self._beats[connector] = self._now()

    @property
    def is_alive(self) -> bool:
        """True while every connector has beaten lately."""
        return self._now() - min(self._beats.values()) <= BEATS_WITHIN_S


class Watchdogs:
    """Feeds systemd's watchdog, a hardware watchdog and the guard, for as long as every connector beats.

    Args:
        tell_guard: Proof of life for the guard; None: there is none.
    """

    def __init__(self, life: Life, device: Path | None, tell_guard: Callable[[], None] | None = None) -> None:
        self._life = life
        self._tell_guard = tell_guard
        self._device = _open(device)
        self._notify = _systemd()

    async def run(self) -> NoReturn:
        """Feed until cancelled."""
        while True:
            if self._life.is_alive:
                self.feed()
            await asyncio.sleep(LIFE_EVERY_S)

    def feed(self) -> None:
        """One proof of life to each."""
        if self._tell_guard is not None:
            self._tell_guard()
        if self._device is not None:
            with contextlib.suppress(OSError):
                os.write(self._device, b"\0")
        if self._notify is not None:
            with contextlib.suppress(OSError):
                self._notify.send(b"WATCHDOG=1")

    def close(self) -> None:
        """Stop the hardware watchdog: this is an orderly end."""
        if self._device is not None:
            with contextlib.suppress(OSError):
                os.write(self._device, b"V")  # the kernel's word for it (watchdog-api.rst)
            os.close(self._device)
            self._device = None
        if self._notify is not None:
            self._notify.close()
            self._notify = None


def _open(device: Path | None) -> int | None:
    if device is None:
        return None
    try:
        return os.open(device, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigError(
            "edge.realtime.watchdog",
            f"{device} cannot be opened: {error.strerror}.",
            "Let this user open it, and no other program.",
        ) from error


def _systemd() -> socket.socket | None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address or not os.environ.get("WATCHDOG_USEC"):
        return None
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    channel.setblocking(False)
    channel.connect("\0" + address[1:] if address.startswith("@") else address)
    return channel
