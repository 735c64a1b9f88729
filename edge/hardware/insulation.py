"""The insulation monitor behind a serial line: a thread asks, everybody else looks at the last answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from edge.hardware import bender, rtu
from edge.hardware.bender import Insulation
from powerctl.core.clock import Clock, Monotonic
from powerctl.core.errors import RemoteError
from powerctl.core.units import Voltage
from powerctl.runtime import log, metrics

EVERY_S: Final = 0.2
FRESH_S: Final = 2.0
"""A reading that is older says nothing."""
ANSWER_S: Final = 0.5
RETRY_S: Final = 1.0
PSEUDO: Final = "/dev/pts/"
"""Where Linux keeps pseudo terminals; a second opening with parity is refused there."""
MEASURABLE: Final = Voltage(50.0)
"""Below, there is too little on the cable to measure insulation with."""

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class SerialLine:
    """How the device is reached."""

    port: str
    baud: int
    unit: int


@dataclass(frozen=True, slots=True)
class Watch:
    """What the device is told to watch for."""

    warning_kohm: float
    bad_kohm: float
    chademo: int = bender.MODE_CHADEMO


Open = Callable[[SerialLine], Any]


def open_serial(line: SerialLine) -> Any:
    """The port, 8E1; a pseudo terminal has no parity bit. Raises OSError: it cannot be opened."""
    import termios

    import serial  # type: ignore[import-untyped]

    parity = serial.PARITY_NONE if line.port.startswith(PSEUDO) else serial.PARITY_EVEN
    try:
        return serial.Serial(
            line.port, line.baud, parity=parity, timeout=ANSWER_S, write_timeout=ANSWER_S, exclusive=True
        )
    except termios.error as error:
        raise OSError(*error.args) from error


class RtuClient:
    """One device on one serial line. Blocking."""

    def __init__(self, line: SerialLine, opener: Open = open_serial) -> None:
        self._unit = line.unit
        self._port = opener(line)

    def read(self, address: int, count: int) -> tuple[int, ...]:
        """Registers. Raises RemoteError or OSError."""
        return rtu.registers_from(self._exchange(rtu.read_request(self._unit, address, count)), self._unit, count)

    def write(self, address: int, value: int) -> None:
        """One register. Raises RemoteError or OSError."""
        answer = self._exchange(rtu.write_request(self._unit, address, value))
        rtu.written(answer, self._unit, address, value)

    def close(self) -> None:
        """Give the port back."""
        self._port.close()

    def _exchange(self, request: bytes) -> bytes:
        self._port.reset_input_buffer()
        self._port.write(request)
        answer = bytes(self._port.read(3))
        length = rtu.answer_length(answer)
        if length is None:
            raise RemoteError(f"unit {self._unit}: no answer")
        return answer + bytes(self._port.read(length - 3))


class BenderMonitor:
    """An `InsulationMonitor` that also measures the cable.

    Args:
        opener: How the line is opened; for tests.
    """

    def __init__(self, line: SerialLine, watch: Watch, clock: Clock, *, connector: int, opener: Open = open_serial):
        self.name = ""
        """As the device gives it; empty: not heard yet."""
        self._line = line
        self._watch = watch
        self._clock = clock
        self._opener = opener
        self._latest: tuple[Monotonic, Insulation] | None = None
        self._stopping = threading.Event()
        self._test_wanted = threading.Event()
        self._label = str(connector)
        self._log = _log.bind(connector=connector)
        self._thread = threading.Thread(target=self._run, name=f"insulation-{connector}", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def close(self) -> None:
        """Cease to ask."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2 * ANSWER_S)

    def resistance_kohm(self) -> float | None:
        """Kiloohms; None: no fresh value, or too little voltage."""
        latest = self._fresh()
        return None if latest is None or latest.voltage < MEASURABLE else latest.kohm

    def cable(self) -> Voltage | None:
        """The voltage between the poles; None: no fresh value."""
        latest = self._fresh()
        return None if latest is None else latest.voltage

    def test_soon(self) -> None:
        """Let the device test itself."""
        self._test_wanted.set()

    def _fresh(self) -> Insulation | None:
        latest = self._latest
        if latest is None or self._clock.monotonic() - latest[0] > FRESH_S:
            return None
        return latest[1]

    def _run(self) -> None:
        is_down = False
        while not self._stopping.is_set():
            try:
                self._converse()
            except (RemoteError, OSError) as error:
                metrics.counter("edge_insulation_errors_total").labels(self._label).inc()
                if not is_down:
                    self._log.warning("insulation_monitor_lost", reason=str(error)[:200])
                is_down = self._latest is None or self._fresh() is None
                self._stopping.wait(RETRY_S if is_down else EVERY_S)

    def _converse(self) -> None:
        client = RtuClient(self._line, self._opener)
        try:
            self.name = bender.name_from(client.read(bender.NAME, bender.NAME_REGISTERS))
            watch = self._watch
            for address, value in bender.settings_to_write(
                warning_kohm=watch.warning_kohm, bad_kohm=watch.bad_kohm, chademo=watch.chademo
            ):
                client.write(address, value)
            self._log.info("insulation_monitor_found", name=self.name)
            while not self._stopping.wait(EVERY_S):
                self._look(client)
        finally:
            client.close()

    def _look(self, client: RtuClient) -> None:
        if self._test_wanted.is_set():
            self._test_wanted.clear()
            client.write(bender.SELF_TEST, bender.TEST_NOW)
        reading = bender.insulation_from(client.read(bender.R_F, bender.SPAN))
        if reading is not None:
            self._latest = (self._clock.monotonic(), reading)
