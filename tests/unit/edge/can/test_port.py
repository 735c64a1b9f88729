"""The port over python-can: well-formed frames come in, frames go out in order, a lost bus is opened again."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator

import can
import pytest

from edge.can.frame import Frame
from edge.can.port import READ_BACKLOG, PythonCanPort, check_parameters
from powerctl.core.errors import ConfigError
from powerctl.runtime import metrics
from tests.unit.edge.can.waiting import until

_channels = itertools.count()


class Rig:
    """A port and a peer on an in-process bus of python-can."""

    def __init__(self) -> None:
        self.channel = f"port-test-{next(_channels)}"
        self.heard: list[Frame] = []
        self.peer = can.Bus(interface="virtual", channel=self.channel)
        parameters = {"interface": "virtual", "channel": self.channel}
        self.port = PythonCanPort(parameters, self.heard.append, connector=7)

    def says(self, frame_id: int, data: bytes, *, extended: bool = False) -> None:
        self.peer.send(can.Message(arbitration_id=frame_id, data=data, is_extended_id=extended))


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    rig.port.start()
    await until(lambda: rig.port.is_open)
    yield rig
    rig.port.close()
    rig.peer.shutdown()
    await until(lambda: not rig.port.is_open)


def rejected(reason: str) -> float:
    return float(metrics.counter("edge_can_rejected_frames_total").labels("7", reason)._value.get())


async def test_frames_come_in(rig: Rig) -> None:
    rig.says(0x102, b"\x02\x9a\x01\x1f\x00\x81\x48\x00")
    await until(lambda: bool(rig.heard))
    assert rig.heard == [Frame(0x102, b"\x02\x9a\x01\x1f\x00\x81\x48\x00")]


async def test_what_no_core_takes_is_counted_and_dropped(rig: Rig) -> None:
    before = rejected("length"), rejected("extended")
    rig.says(0x102, bytes(7))
    rig.says(0x102, bytes(8), extended=True)
    rig.says(0x100, bytes(8))
    await until(lambda: bool(rig.heard))
    assert rig.heard == [Frame(0x100, bytes(8))]
    assert (rejected("length"), rejected("extended")) == (before[0] + 1, before[1] + 1)


async def test_frames_go_out_in_order(rig: Rig) -> None:
    rig.port.send([Frame(0x108, bytes(8)), Frame(0x109, bytes(range(8)))])
    sent = [await asyncio.to_thread(rig.peer.recv, 2.0) for _ in range(2)]
    assert [(m.arbitration_id, bytes(m.data), m.is_extended_id) for m in sent if m] == [
        (0x108, bytes(8), False),
        (0x109, bytes(range(8)), False),
    ]


async def test_a_bus_that_fails_is_opened_again() -> None:
    opened = []

    class Dying(can.BusABC):  # type: ignore[misc]  # python-can is not typed here
        channel_info = "dying"

        def __init__(self) -> None:
            opened.append(self)

        def recv(self, timeout: float | None = None) -> can.Message | None:
            raise can.CanError("the cable is out")

        def send(self, msg: can.Message, timeout: float | None = None) -> None:
            raise can.CanError("the cable is out")

        def shutdown(self) -> None:
            """Nothing to give back."""

    port = PythonCanPort({}, lambda _: None, connector=7, open_bus=Dying)
    port.start()
    await until(lambda: len(opened) >= 2)
    port.close()


async def test_frames_to_a_closed_bus_are_counted_not_kept() -> None:
    port = PythonCanPort({"interface": "virtual", "channel": "x"}, lambda _: None, connector=8)
    port.send([Frame(0x108, bytes(8))])
    assert metrics.counter("edge_can_unsent_frames_total").labels("8", "bus_closed")._value.get() == 1


def test_an_unknown_interface_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"can\.interface: 'sokketcan'"):
        check_parameters("can", {"interface": "sokketcan", "channel": "can0"})
    check_parameters("can", {"interface": "socketcan", "channel": "can0"})


async def test_a_stalled_loop_bounds_what_waits(rig: Rig) -> None:
    before = rejected("backlog")
    for _ in range(READ_BACKLOG + 50):
        rig.says(0x102, bytes(8))
    time.sleep(0.5)  # noqa: ASYNC251 - the loop is stalled on purpose, so that nothing is delivered
    await until(lambda: rejected("backlog") >= before + 50)
    await until(lambda: len(rig.heard) == READ_BACKLOG)
    rig.says(0x100, bytes(8))
    await until(lambda: rig.heard[-1].frame_id == 0x100)


async def test_repeated_frames_leave_every_period_and_end_when_nobody_renews_them() -> None:
    bus = RecordingBus()
    port = PythonCanPort({"interface": "virtual"}, lambda _: None, connector=1, open_bus=lambda: bus)
    port.start()
    await until(lambda: port.is_open)
    port.repeat([Frame(0x108, bytes(8)), Frame(0x109, bytes(8))])
    await until(lambda: len(bus.sent) == 6)
    await asyncio.sleep(0.25)
    assert [message.arbitration_id for message, _ in bus.sent] == [0x108, 0x109] * 3
    steps = [late - early for (_, early), (_, late) in zip(bus.sent[::2], bus.sent[2::2], strict=False)]
    assert steps == pytest.approx([0.1, 0.1], abs=0.05)
    port.close()


async def test_what_waits_to_be_sent_is_sent_before_the_port_closes() -> None:
    bus = RecordingBus()
    port = PythonCanPort({"interface": "virtual"}, lambda _: None, connector="modules", open_bus=lambda: bus)
    port.start()
    await until(lambda: port.is_open)
    port.send([Frame(0x029A3FF0, bytes([1, *bytes(7)]), extended=True)] * 5)
    port.close()
    assert len(bus.sent) == 5


class RecordingBus:
    """A bus that hears nothing and remembers what it is told."""

    channel_info = "recording"

    def __init__(self) -> None:
        self.sent: list[tuple[can.Message, float]] = []

    def recv(self, timeout: float | None = None) -> None:
        time.sleep(timeout or 0.0)

    def send(self, message: can.Message, timeout: float | None = None) -> None:
        self.sent.append((message, time.monotonic()))

    def shutdown(self) -> None:
        """Nothing."""
