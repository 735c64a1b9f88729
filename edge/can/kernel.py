"""Frames that the Linux kernel repeats by itself: the broadcast manager of SocketCAN.

Its timer decides when a frame leaves, whatever this process does. Every renewal also renews how often the kernel may
repeat it: when the process hangs or dies, the bus falls silent after `LIVES` periods. The messages follow the kernel's
documentation (`networking/can.rst`); they were compared with another implementation's and with a recorded socket, and
have not run on a kernel with CAN.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from edge.can.cycle import LIVES, PERIOD_S
from edge.can.frame import Frame
from powerctl.core.clock import Monotonic

TX_SETUP: Final = 1
TX_DELETE: Final = 2
SETTIMER: Final = 0x0001
STARTTIMER: Final = 0x0002
EXTENDED: Final = 0x80000000
_HEAD: Final = struct.Struct("@IIIllllII")
_FRAME: Final = struct.Struct("=IB3x8s")
_ALIGN: Final = 8

OpenSocket = Callable[[str], Any]


def open_broadcast_manager(channel: str) -> Any:
    """A socket of the broadcast manager on this interface. Raises OSError: there is none."""
    manager = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_BCM)
    try:
        manager.connect((channel,))
        manager.setblocking(False)
    except OSError:
        manager.close()
        raise
    return manager


def is_possible(parameters: Mapping[str, Any]) -> bool:
    """True where the bus is the kernel's and the system has a broadcast manager."""
    return parameters.get("interface") == "socketcan" and hasattr(socket, "CAN_BCM")


def message(command: int, flags: int, frame_id: int, *, count: int = 0, frame: Frame | None = None) -> bytes:
    """One message to the broadcast manager: `count` repetitions of `frame` each period, then silence."""
    seconds, micros = divmod(round(PERIOD_S * 1_000_000), 1_000_000)
    frames = 0 if frame is None else 1
    head = _HEAD.pack(command, flags, count, seconds, micros, 0, 0, frame_id, frames)
    head += bytes(-len(head) % _ALIGN)
    return head if frame is None else head + _FRAME.pack(frame_id, len(frame.data), frame.data.ljust(8, b"\0"))


class KernelCycle:
    """The frames of one bus that the kernel repeats.

    Args:
        channel: Interface, for example `can0`.
        opener: How the socket is opened; for tests.
    """

    def __init__(self, channel: str, opener: OpenSocket = open_broadcast_manager) -> None:
        self._socket = opener(channel)
        self._renewed: dict[int, Monotonic] = {}

    def show(self, frames: tuple[Frame, ...], now: Monotonic) -> None:
        """Let the kernel repeat `frames`, in this order, until not renewed; nothing else of ours.

        Raises:
            OSError: The interface is gone.
        """
        wanted = {_identity(frame): frame for frame in frames}
        for identity in [known for known in self._renewed if known not in wanted]:
            self._socket.send(message(TX_DELETE, 0, identity))
            del self._renewed[identity]
        for identity, frame in wanted.items():
            renewed = self._renewed.get(identity)
            runs = renewed is not None and now - renewed < (LIVES - 1) * PERIOD_S
            flags = SETTIMER if runs else SETTIMER | STARTTIMER
            self._socket.send(message(TX_SETUP, flags, identity, count=LIVES, frame=frame))
            self._renewed[identity] = now

    def close(self) -> None:
        """End every repetition; the kernel does so too when this process dies."""
        self._socket.close()


def _identity(frame: Frame) -> int:
    return frame.frame_id | EXTENDED if frame.extended else frame.frame_id
