"""Messages to the kernel's broadcast manager: against python-can's, and over a recorded socket.

No kernel with CAN was at hand: what the kernel does with the messages is its documentation's word.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest

from edge.can.frame import Frame
from edge.can.kernel import SETTIMER, STARTTIMER, TX_DELETE, TX_SETUP, KernelCycle, is_possible, message
from powerctl.core.clock import Monotonic

builders = pytest.importorskip("can.interfaces.socketcan.socketcan")
A = Frame(0x108, bytes(range(8)))
B = Frame(0x109, bytes(8))


class RecordedSocket:
    """Takes messages as the kernel would."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    def send(self, data: bytes) -> int:
        self.sent.append(data)
        return len(data)

    def close(self) -> None:
        self.is_closed = True

    @property
    def heads(self) -> list[tuple[int, int, int, int]]:
        """Command, flags, count and id of every message."""
        return [(*struct.unpack_from("@III", data), struct.unpack_from("@IIIllllI", data)[7]) for data in self.sent]


def a_cycle() -> tuple[KernelCycle, RecordedSocket]:
    recorded = RecordedSocket()
    return KernelCycle("can0", lambda _: recorded), recorded


def test_the_head_is_the_one_that_python_can_builds() -> None:
    ours = message(TX_SETUP, SETTIMER | STARTTIMER, 0x108, count=3, frame=A)
    theirs = builders.build_bcm_header(
        opcode=TX_SETUP,
        flags=SETTIMER | STARTTIMER,
        count=3,
        ival1_seconds=0,
        ival1_usec=100_000,
        ival2_seconds=0,
        ival2_usec=0,
        can_id=0x108,
        nframes=1,
    )
    assert ours[: len(theirs)] == bytes(theirs)
    assert len(ours) == len(theirs) + 16


def test_the_frame_is_the_one_that_python_can_builds() -> None:
    import can

    theirs = builders.build_can_frame(can.Message(arbitration_id=0x108, data=A.data, is_extended_id=False))
    ours = message(TX_SETUP, 0, 0x108, frame=A)[-16:]
    # Byte 7 is the raw length code, which the kernel reads only where it was asked to (CAN_CTRLMODE_CC_LEN8_DLC).
    assert (ours[:7], ours[8:]) == (theirs[:7], theirs[8:])


def test_the_end_is_the_one_that_python_can_builds() -> None:
    theirs = bytes(builders.build_bcm_tx_delete_header(0x108, 0))
    assert message(TX_DELETE, 0, 0x108)[:12] == theirs[:12]


def test_the_first_showing_starts_the_timer_and_later_ones_leave_it_alone() -> None:
    cycle, recorded = a_cycle()
    cycle.show((A, B), Monotonic(0.0))
    cycle.show((A, B), Monotonic(0.1))
    assert recorded.heads == [
        (TX_SETUP, SETTIMER | STARTTIMER, 3, 0x108),
        (TX_SETUP, SETTIMER | STARTTIMER, 3, 0x109),
        (TX_SETUP, SETTIMER, 3, 0x108),
        (TX_SETUP, SETTIMER, 3, 0x109),
    ]


def test_after_a_stall_the_timer_is_started_again() -> None:
    cycle, recorded = a_cycle()
    cycle.show((A,), Monotonic(0.0))
    cycle.show((A,), Monotonic(0.5))
    assert recorded.heads[-1] == (TX_SETUP, SETTIMER | STARTTIMER, 3, 0x108)


def test_what_is_shown_no_more_is_ended() -> None:
    cycle, recorded = a_cycle()
    cycle.show((A, B), Monotonic(0.0))
    cycle.show((A,), Monotonic(0.1))
    assert (TX_DELETE, 0x109) in [(head[0], head[3]) for head in recorded.heads]
    cycle.show((), Monotonic(0.2))
    assert recorded.heads[-1][0] == TX_DELETE
    cycle.close()
    assert recorded.is_closed


@pytest.mark.parametrize(("parameters", "possible"), [({"interface": "socketcand"}, False), ({}, False)])
def test_only_the_kernels_own_bus_has_it(parameters: dict[str, Any], possible: bool) -> None:
    assert is_possible(parameters) is possible
