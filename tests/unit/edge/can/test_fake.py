"""The fake bus delivers like a bus, and misbehaves only as told."""

from __future__ import annotations

import asyncio

from edge.can.fake import FakeBus, FakePort, Misbehaviour
from edge.can.frame import Frame

FRAME = Frame(0x108, bytes(8))


def two_ports(bus: FakeBus) -> tuple[FakePort, FakePort, list[Frame]]:
    heard: list[Frame] = []
    sender, receiver = bus.attach(lambda _: None), bus.attach(heard.append)
    sender.start()
    receiver.start()
    return sender, receiver, heard


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_frames_arrive_in_order_and_not_at_their_sender() -> None:
    sender, _, heard = two_ports(FakeBus())
    frames = [Frame(number, bytes(8)) for number in (0x108, 0x109, 0x118)]
    sender.send(frames)
    await settle()
    assert heard == frames


async def test_a_broken_bus_carries_nothing_and_says_so() -> None:
    bus = FakeBus()
    sender, _, heard = two_ports(bus)
    bus.is_broken = True
    sender.send([FRAME])
    await settle()
    assert heard == []
    assert not sender.is_open


async def test_malformed_and_extended_frames_are_not_delivered() -> None:
    sender, receiver, heard = two_ports(FakeBus())
    sender.send([Frame(0x102, bytes(7)), Frame(0x102, bytes(8), extended=True)])
    await settle()
    assert heard == []
    assert receiver.rejected == ["length", "extended"]


async def test_each_misbehaviour_does_what_it_says() -> None:
    bus = FakeBus(chance=lambda: 0.5)
    sender, receiver, heard = two_ports(bus)
    for behaviour in (Misbehaviour(loss=1.0), Misbehaviour(repetition=1.0), Misbehaviour(mangling=1.0)):
        bus.behaviour = behaviour
        sender.send([FRAME])
    await settle()
    assert heard == [FRAME, FRAME]
    assert receiver.rejected == ["length"]


async def test_a_closed_port_hears_nothing_any_more() -> None:
    sender, receiver, heard = two_ports(FakeBus())
    sender.send([FRAME])
    receiver.close()
    await settle()
    assert heard == []
