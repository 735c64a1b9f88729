"""The last one out: a process of its own that switches real outputs off when the controller dies or stands still.

The controller sends it a byte every 100 ms. When the bytes stop for `stall_s`, or the pipe ends without a farewell,
the guard ends the controller and switches off: current (every module), relays and d2, then d1. The lock stays as it
is: nobody measures any more, so nobody may unlock.

`python -m edge.control.guard --config FILE` is started by the controller, never by a person.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import can

from edge.can.frame import Frame
from edge.can.socketcand import open_socketcand
from edge.control.settings import EdgeSettings, load_settings
from edge.hardware.gpio import GpioLines, LineMap
from powerctl.core.errors import ConfigError
from powerctl.runtime import log

ALIVE: Final = b"."
FAREWELL: Final = b"q"
REPEATS: Final = 3
"""How often the modules are told; one frame may meet an error on the bus."""
APART_S: Final = 0.02
LINES_TRIES: Final = 50
TRY_S: Final = 0.02
"""The kernel gives the lines back when the controller is gone, which takes a moment."""

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why the guard acts."""

    reason: str
    must_end: bool
    """True: the controller is still there and must be ended first."""


def watch(pipe: int, stall_s: float) -> Verdict | None:
    """Wait until there is something to do. None: the controller said farewell."""
    while True:
        ready, _, _ = select.select([pipe], [], [], stall_s)
        if not ready:
            return Verdict(f"the controller stood still for {stall_s:g} s", must_end=True)
        said = os.read(pipe, 4096)
        if FAREWELL in said:
            return None
        if not said:
            return Verdict("the controller died", must_end=False)


OpenBus = Callable[[dict[str, Any]], Any]
OpenLines = Callable[[LineMap], Any]


def switch_off(edge: EdgeSettings, open_bus: OpenBus, open_lines: OpenLines) -> None:
    """Current, then relays and d2, then d1; a device that fails does not keep the next from being tried."""
    if edge.cabinet is not None:
        with contextlib.suppress(can.CanError, OSError, ValueError):
            _modules_off(open_bus(dict(edge.cabinet.can)), edge.cabinet.make_family().all_off())
    if edge.gpio is not None:
        lines = _lines(edge.gpio.map(), open_lines)
        if lines is not None:
            lines.close()


def _modules_off(bus: Any, frames: Iterable[Frame]) -> None:
    frames = tuple(frames)
    with contextlib.closing(_Shutdown(bus)):
        for _ in range(REPEATS):
            for frame in frames:
                bus.send(can.Message(arbitration_id=frame.frame_id, data=frame.data, is_extended_id=True))
            _listen(bus, APART_S)


def _listen(bus: Any, seconds: float) -> None:
    """Let time pass and leave nothing unread: closing a TCP bus with unread frames would take back what was sent."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        bus.recv(left)


class _Shutdown:
    def __init__(self, bus: Any) -> None:
        self.close = bus.shutdown


def _lines(lines: LineMap, open_lines: OpenLines) -> Any:
    for _ in range(LINES_TRIES):
        with contextlib.suppress(ConfigError):
            return open_lines(lines)
        time.sleep(TRY_S)
    _log.error("guard_has_no_lines", chip=lines.chip)
    return None


def open_bus(parameters: dict[str, Any]) -> Any:
    """The modules' bus."""
    return open_socketcand(parameters) if parameters.get("interface") == "socketcand" else can.Bus(**parameters)


class Guard:
    """The controller's end of the pipe."""

    def __init__(self, config: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "edge.control.guard", "--config", str(config)], stdin=subprocess.PIPE
        )
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)

    def tell(self) -> None:
        """Proof of life."""
        with contextlib.suppress(OSError):
            os.write(self._pipe, ALIVE)

    def farewell(self) -> None:
        """An orderly end: every output is off already."""
        with contextlib.suppress(OSError):
            os.write(self._pipe, FAREWELL)
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)


def is_needed(edge: EdgeSettings) -> bool:
    """True where there are outputs that outlive the controller."""
    return edge.cabinet is not None or edge.gpio is not None


def main(argv: Sequence[str] | None = None) -> int:
    """Guard the controller that started this process; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m edge.control.guard", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    options = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    log.configure("edge-guard")
    controller = os.getppid()
    _, edge = load_settings(options.config)
    verdict = watch(sys.stdin.fileno(), edge.realtime.stall_s)
    if verdict is None:
        return 0
    _log.error("guard_switches_off", reason=verdict.reason)
    if verdict.must_end and os.getppid() == controller:
        os.kill(controller, signal.SIGKILL)
    switch_off(edge, open_bus, GpioLines)
    return 1


if __name__ == "__main__":
    sys.exit(main())
