"""The Modbus RTU front end: one serial line, gap framing, silent towards everything that is not for this station."""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NoReturn

from powerctl.core.clock import Monotonic
from powerctl.core.errors import ConfigError
from powerctl.runtime import log
from powerctl.runtime.metrics import counter, gauge
from powerctl.signals.grid_signal import Authority, Channel
from powerctl.signals.pdu import Function, Refused, refusal
from powerctl.signals.rtu import BROADCAST, Assembler, Frame, frame, gap_s
from powerctl.signals.settings import ModbusRtuSettings

RETRY_S: Final = 1.0
"""How soon a line that was lost, an adapter that was pulled, is opened again."""
READ_SIZE: Final = 512
MAX_WAITING: Final = 1024
"""Bytes of answers that may wait for the line."""
SETTING: Final = "manager.grid.modbus_rtu.device"
_READS: Final = frozenset({Function.READ_HOLDING, Function.READ_INPUT})
_NAMES: Final = {int(function): function.name.lower() for function in Function}

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class LineFront:
    """What the line's requests meet."""

    execute: Callable[[bytes, Authority], bytes]
    """Carries out one request. Raises Refused."""
    settle: Callable[[Monotonic], None]
    """Called after the answer is queued, with the loop's time at which the request was complete."""
    unit: Callable[[], int]
    """The station's address now."""


class SerialLine:
    """Serves one line.

    Args:
        settings: Which, and how it is set.
        front: What its requests meet.
    """

    def __init__(self, settings: ModbusRtuSettings, front: LineFront) -> None:
        self._settings = settings
        self._front = front
        self._authority = Authority(Channel.MODBUS_RTU, settings.device)
        bits = 9 + settings.stop_bits + (settings.parity != "none")
        self._gap_s = max(settings.gap_s, gap_s(settings.baud, bits))
        self._port: int | None = None

    def open(self) -> None:
        """Open the line. Raises ConfigError: it is not there, or cannot be set as configured."""
        try:
            self._port = _open(self._settings)
        except (OSError, termios.error) as error:
            raise ConfigError(
                SETTING,
                f"{self._settings.device}: {error.args[-1]}.",
                "Name a serial port that this user may open, with settings that it has.",
            ) from error
        _log.info("modbus_listening", channel=Channel.MODBUS_RTU, device=self._settings.device)

    async def run(self) -> NoReturn:
        """Serve until cancelled; a line that is lost is opened again when it is back."""
        while True:
            if self._port is not None:
                gauge("powerctl_modbus_connections").labels(Channel.MODBUS_RTU).set(1)
                await _Session(self._port, self._front, self._authority, self._gap_s).run()
                _log.warning("serial_line_lost", device=self._settings.device)
                self.close()
            await asyncio.sleep(RETRY_S)
            with suppress(OSError, termios.error):
                self._port = _open(self._settings)

    def close(self) -> None:
        """Close the line."""
        if self._port is not None:
            os.close(self._port)
            self._port = None
            gauge("powerctl_modbus_connections").labels(Channel.MODBUS_RTU).set(0)


def _open(settings: ModbusRtuSettings) -> int:
    port = os.open(settings.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(port)
        _set_line(port, settings)
    except (OSError, termios.error):
        os.close(port)
        raise
    return port


def _set_line(port: int, settings: ModbusRtuSettings) -> None:
    attributes = termios.tcgetattr(port)
    flags = attributes[2] & ~(termios.PARENB | termios.PARODD | termios.CSTOPB | termios.CSIZE)
    flags |= termios.CS8 | termios.CREAD | termios.CLOCAL
    flags |= {"none": 0, "even": termios.PARENB, "odd": termios.PARENB | termios.PARODD}[settings.parity]
    attributes[2] = flags | (termios.CSTOPB if settings.stop_bits == 2 else 0)
    attributes[4] = attributes[5] = getattr(termios, f"B{settings.baud}")
    termios.tcsetattr(port, termios.TCSANOW, attributes)
    termios.tcflush(port, termios.TCIOFLUSH)


class _Session:
    """One line while it is open."""

    def __init__(self, port: int, front: LineFront, authority: Authority, gap_s: float) -> None:
        self._port = port
        self._front = front
        self._authority = authority
        self._gap_s = gap_s
        self._loop = asyncio.get_running_loop()
        self._assembler = Assembler()
        self._silence: asyncio.TimerHandle | None = None
        self._out = bytearray()
        self._over: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        """Serve until the line is lost. Raises what a mistake of ours raised."""
        self._loop.add_reader(self._port, self._receive)
        try:
            await self._over
        finally:
            self._loop.remove_reader(self._port)
            self._loop.remove_writer(self._port)
            if self._silence is not None:
                self._silence.cancel()

    def _receive(self) -> None:
        try:
            data = os.read(self._port, READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        self._assembler.feed(data)
        if self._silence is not None:
            self._silence.cancel()
        self._silence = self._loop.call_later(self._gap_s, self._silent)

    def _silent(self) -> None:
        """The line has been silent for a gap: what came before it is a frame, or is dropped."""
        received = self._assembler.end()
        if received is None:
            counter("powerctl_modbus_dropped_frames_total").inc()
        elif received.unit in (BROADCAST, self._front.unit()):
            finished = False
            try:
                self._serve(received)
                finished = True
            finally:
                if not finished:
                    self._over.set_exception(RuntimeError("a Modbus request met a mistake of ours; see the log"))

    def _serve(self, request: Frame) -> None:
        arrived = Monotonic(self._loop.time())
        counter("powerctl_modbus_requests_total").labels(_NAMES.get(request.pdu[0], "other")).inc()
        if request.unit == BROADCAST:
            if request.pdu[0] not in _READS:
                self._execute(request)
        else:
            self._send(frame(request.unit, self._execute(request)))
        self._front.settle(arrived)

    def _execute(self, request: Frame) -> bytes:
        try:
            return self._front.execute(request.pdu, self._authority)
        except Refused as refused:
            counter("powerctl_modbus_exceptions_total").labels(refused.code.name.lower()).inc()
            return refusal(request.pdu[0], refused.code)

    def _send(self, answer: bytes) -> None:
        if len(self._out) + len(answer) <= MAX_WAITING:
            self._out += answer
        self._drain()

    def _drain(self) -> None:
        try:
            del self._out[: os.write(self._port, self._out)]
        except BlockingIOError:
            pass
        except OSError:
            self._end()
            return
        if self._out:
            self._loop.add_writer(self._port, self._drain)
        else:
            self._loop.remove_writer(self._port)

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)
