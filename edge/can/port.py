"""The port to one vehicle's bus, over whatever python-can can open.

python-can blocks, so each port owns two daemon threads: one opens the bus and reads, one writes. Both sides are
bounded; what does not fit is dropped and counted, because a late frame of a cyclic protocol is worse than none.
Frames that repeat wait in no queue: the writer looks at each deadline what was shown last, so the event loop wakes it
for the first of them only, and takes no lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import can

from edge.can.cycle import Cycle
from edge.can.frame import Frame, rejection
from edge.can.kernel import KernelCycle, is_possible
from edge.can.socketcand import open_socketcand
from powerctl.core.clock import Monotonic
from powerctl.core.errors import ConfigError
from powerctl.runtime import log, metrics
from powerctl.runtime.backoff import full_jitter

RECEIVE_TIMEOUT_S: Final = 0.2
WRITE_BACKLOG: Final = 16
"""Frames; five periods of three frames. More would only be stale."""
CLOSE_S: Final = 0.3
"""For what waits to be sent when the port is closed."""
READ_BACKLOG: Final = 256
REOPEN_CAP_S: Final = 2.0
NEEDED: Final = {"socketcand": ("host", "port")}
"""Keys beyond interface and channel, without which no attempt can succeed."""

_log = log.get(__name__)

OnFrame = Callable[[Frame], None]
OpenBus = Callable[[], can.BusABC]
Accept = Callable[[Frame], str | None]


class CanPort(Protocol):
    """One vehicle's bus. Well-formed standard frames arrive at the callback given at construction."""

    @property
    def is_open(self) -> bool:
        """False: nothing can be sent or heard now; the port tries again by itself."""
        ...

    def start(self) -> None:
        """Open the bus and keep it open until `close`."""
        ...

    def send(self, frames: Iterable[Frame]) -> None:
        """Send `frames` in this order as soon as the bus takes them; never blocks."""
        ...

    def repeat(self, frames: Iterable[Frame]) -> None:
        """Send `frames` in this order every 100 ms, until renewed with others, or not renewed at all."""
        ...

    def renew(self, frames: Iterable[Frame]) -> None:
        """Between two periods: send these instead from the next deadline on."""
        ...

    def close(self) -> None:
        """Close the bus."""
        ...


def check_parameters(where: str, parameters: Mapping[str, Any]) -> None:
    """Refuse CAN settings that no retry can cure.

    Raises:
        ConfigError: python-can knows no such interface, or the interface needs another key.
    """
    interface = str(parameters.get("interface", ""))
    if interface not in can.VALID_INTERFACES:
        known = ", ".join(sorted(can.VALID_INTERFACES))
        raise ConfigError(f"{where}.interface", f"{interface!r} is no python-can interface.", f"Use one of {known}.")
    missing = [key for key in NEEDED.get(interface, ()) if key not in parameters]
    if missing:
        raise ConfigError(f"{where}.{missing[0]}", f"is missing; {interface} needs it.", "Add it.")


class PythonCanPort:
    """A `CanPort` over python-can.

    Args:
        parameters: Arguments of `can.Bus`: interface, channel and what the interface needs beyond.
        on_frame: Called on the event loop for each well-formed standard frame.
        connector: Label of the metrics; the number of a connector, or the name of another bus.
        accept: Says why a frame is not taken, as a metric label; None: it is.
        backlog: Frames that may wait to be sent.
        open_bus: How the bus is opened; for tests.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any],
        on_frame: OnFrame,
        *,
        connector: int | str,
        accept: Accept = rejection,
        backlog: int = WRITE_BACKLOG,
        open_bus: OpenBus | None = None,
    ) -> None:
        self._parameters = dict(parameters)
        self._on_frame = on_frame
        self._accept = accept
        self._label = str(connector)
        self._log = _log.bind(connector=connector)
        self._open = open_bus or self._open_bus
        self._bus: can.BusABC | None = None
        self._stopping = threading.Event()
        self._closing = False
        self._outgoing: queue.SimpleQueue[can.Message | None] = queue.SimpleQueue()
        self._backlog = backlog
        self._shown: tuple[tuple[Frame, ...]] = ((),)  # written by the event loop only; each is a new object
        self._cycle = Cycle()  # written by the writing thread only
        self._kernel: KernelCycle | None = None
        self._writer = threading.Thread(target=self._write, name=f"can-out-{self._label}", daemon=True)
        self._taken = 0  # written by the reading thread only
        self._delivered = 0  # written by the event loop only
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_open(self) -> bool:
        """True while the bus is open."""
        return self._bus is not None

    def start(self) -> None:
        """Open the bus, and open it again whenever it is lost, until `close`."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name=f"can-in-{self._label}", daemon=True).start()
        self._writer.start()

    def send(self, frames: Iterable[Frame]) -> None:
        """Hand `frames` to the writer; dropped and counted while the bus is closed or does not keep up."""
        for frame in frames:
            if self._bus is None:
                self._reject("bus_closed", sent=True)
                continue
            self._hand_over(_message(frame))

    def repeat(self, frames: Iterable[Frame]) -> None:
        """Let the writer, or the kernel where it can, send `frames` every 100 ms until they are not renewed."""
        shown = tuple(frames)
        if self._bus is None:
            for _ in shown:
                self._reject("bus_closed", sent=True)
        elif self._kernel is not None:
            self._show(self._kernel, shown)
        elif shown or self._cycle.due is not None:
            self._shown = (shown,)
            if self._cycle.due is None:
                self._hand_over(None)

    def renew(self, frames: Iterable[Frame]) -> None:
        """The same: deadlines do not move."""
        self.repeat(frames)

    def close(self) -> None:
        """Send what waits, then stop both threads."""
        self._closing = True
        self._outgoing.put(None)
        if self._writer.is_alive() and self._bus is not None:
            self._writer.join(CLOSE_S)
        self._stopping.set()

    def _hand_over(self, item: can.Message | None) -> None:
        """Wake the writer. Only the event loop puts, so the bound is exact."""
        if self._outgoing.qsize() < self._backlog:
            self._outgoing.put(item)
        else:
            self._reject("backlog", sent=True)

    def _show(self, kernel: KernelCycle, frames: tuple[Frame, ...]) -> None:
        try:
            kernel.show(frames, Monotonic(time.monotonic()))
        except OSError:
            self._reject("send_failed", sent=True)

    def _reject(self, reason: str, *, sent: bool = False) -> None:
        name = "edge_can_unsent_frames_total" if sent else "edge_can_rejected_frames_total"
        metrics.counter(name).labels(self._label, reason).inc()

    def _read(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                with self._opened() as bus:
                    failures = 0
                    self._receive(bus)
            except (can.CanError, OSError, TimeoutError, ValueError) as error:
                if self._stopping.is_set():
                    return
                self._log.warning("can_bus_lost" if not failures else "can_bus_unavailable", reason=str(error)[:200])
                failures += 1
                self._stopping.wait(0.1 + full_jitter(failures, base_s=0.1, cap_s=REOPEN_CAP_S))

    @contextlib.contextmanager
    def _opened(self) -> Any:
        bus = self._open()
        if is_possible(self._parameters):
            self._kernel = KernelCycle(str(self._parameters["channel"]))
        self._bus = bus
        self._log.info("can_bus_opened", channel=str(bus.channel_info))
        try:
            yield bus
        finally:
            self._bus = None
            kernel, self._kernel = self._kernel, None
            if kernel is not None:
                kernel.close()
            with contextlib.suppress(can.CanError, OSError):
                bus.shutdown()

    def _open_bus(self) -> can.BusABC:
        if self._parameters.get("interface") == "socketcand":
            return open_socketcand(self._parameters)
        return can.Bus(**self._parameters)

    def _receive(self, bus: can.BusABC) -> None:
        while not self._stopping.is_set():
            message = bus.recv(RECEIVE_TIMEOUT_S)
            if message is not None:
                self._take(message)

    def _take(self, message: can.Message) -> None:
        if message.is_error_frame or message.is_remote_frame or message.is_fd:
            self._reject("kind")
            return
        frame = Frame(message.arbitration_id, bytes(message.data), bool(message.is_extended_id))
        reason = self._accept(frame)
        if reason is None and self._taken - self._delivered >= READ_BACKLOG:
            reason = "backlog"
        if reason is not None:
            self._reject(reason)
            return
        self._taken += 1
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has ended before this thread
            self._loop.call_soon_threadsafe(self._deliver, frame)

    def _deliver(self, frame: Frame) -> None:
        self._delivered += 1
        self._on_frame(frame)

    def _write(self) -> None:
        taken = self._shown
        while True:
            try:
                item = self._outgoing.get(timeout=self._cycle.wait_s(Monotonic(time.monotonic())))
            except queue.Empty:
                item = None
            if item is not None:
                self._put(item)
            elif self._closing:
                return
            now = Monotonic(time.monotonic())
            if self._shown is not taken:
                taken = self._shown
                self._cycle = self._cycle.shown(taken[0], now)
            self._cycle, frames = self._cycle.taken(now)
            for frame in frames:
                self._put(_message(frame))

    def _put(self, message: can.Message) -> None:
        bus = self._bus
        if bus is None:
            return
        try:
            bus.send(message, timeout=RECEIVE_TIMEOUT_S)
        except (can.CanError, OSError, ValueError):
            self._reject("send_failed", sent=True)


def _message(frame: Frame) -> can.Message:
    return can.Message(arbitration_id=frame.frame_id, data=frame.data, is_extended_id=frame.extended, check=False)
