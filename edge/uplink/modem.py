"""Asks a modem for its signal, tells the cloud, and lets the uplink know when the link is weak."""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import tty
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from edge.uplink.signal import csq_in, report
from powerctl.core.clock import Clock, Monotonic, after
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.core.record import LinkReport, Record, SignalClass
from powerctl.runtime import log, metrics
from powerctl.runtime.outbox import OutboxFull

ASK_EVERY_S: Final = 10.0
TELL_EVERY_S: Final = 600.0
ANSWER_S: Final = 3.0
_LONGEST: Final = 1_000

_log = log.get(__name__)


async def ask(device: Path, command: str = "AT+CSQ") -> str:
    """The modem's answer.

    Raises:
        OSError: The port cannot be used.
        RemoteError: There is no answer in time, or one that is too long.
    """
    port = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(port, termios.TCSANOW)
        termios.tcflush(port, termios.TCIFLUSH)
        os.write(port, f"{command}\r".encode())
        async with asyncio.timeout(ANSWER_S):
            return await _answer(port)
    except TimeoutError as error:
        raise RemoteError("the modem does not answer") from error
    except termios.error as error:
        raise OSError(str(error)) from error
    finally:
        os.close(port)


async def csq_on(device: Path) -> int:
    """The signal that the modem on a serial port tells. Raises OSError, RemoteError."""
    return csq_in(await ask(device))


async def _answer(port: int) -> str:
    loop, readable, text = asyncio.get_running_loop(), asyncio.Event(), ""
    loop.add_reader(port, readable.set)
    try:
        while not text.rstrip().endswith(("OK", "ERROR")):
            await readable.wait()
            readable.clear()
            with contextlib.suppress(BlockingIOError):
                text += os.read(port, _LONGEST).decode("ascii", "replace")
            if len(text) > _LONGEST:
                raise RemoteError("the modem says too much")
    finally:
        loop.remove_reader(port)
    return text


@dataclass(slots=True)
class Modem:
    """Watches the signal.

    Args:
        read: The signal in steps of AT+CSQ, 99 for not known; raises OSError, RemoteError or ConfigError.
        clock: Both clocks.
        append: Adds a record to the outbox.
        on_weak: Told whether the link is weak.
    """

    read: Callable[[], Awaitable[int]]
    clock: Clock
    append: Callable[[Record], Awaitable[None]]
    on_weak: Callable[[bool], None]
    _signal: SignalClass = SignalClass.UNKNOWN
    _tell_at: Monotonic | None = None

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(ASK_EVERY_S)

    async def look(self) -> None:
        """Ask once."""
        try:
            found = report(self._signal, await self.read())
        except (OSError, RemoteError, ConfigError) as error:
            _log.warning("modem_not_read", reason=str(error))
            found = LinkReport(SignalClass.UNKNOWN, None, None)
        if found.rssi_dbm is not None:
            metrics.gauge("edge_modem_rssi_dbm").set(found.rssi_dbm)
        now = self.clock.monotonic()
        if found.signal is not self._signal or self._tell_at is None or now >= self._tell_at:
            await self._tell(found)
            self._tell_at = after(now, TELL_EVERY_S)
        self._signal = found.signal
        self.on_weak(found.signal.weak)

    async def _tell(self, found: LinkReport) -> None:
        _log.info("signal", signal=found.signal.value, rssi_dbm=found.rssi_dbm)
        try:
            await self.append(Record(self.clock.utc(), found))
        except OutboxFull as error:
            _log.warning("signal_not_stored", reason=str(error))
