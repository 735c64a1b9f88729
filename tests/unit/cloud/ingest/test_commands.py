"""A command is sent until it is answered or has expired, and not longer."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest

from cloud.ingest.commands import RESEND_S, CommandPublisher
from powerctl.core.clock import ManualClock
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.order import StartCharging, StationCommand
from powerctl.wire.batch import decode_command
from powerctl.wire.topics import Channel, topic

STATION = StationId("ST-1")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Story:
    """A publisher, its clock, and what it has sent."""

    def __init__(self, capacity: int = 10) -> None:
        self.clock = ManualClock(utc=BEGIN)
        self.connected = True
        self.sent: list[str] = []
        self.publisher = CommandPublisher(self._send, self.clock, capacity=capacity)

    def _send(self, name: str, data: bytes) -> bool:
        if self.connected:
            assert name == topic(STATION, Channel.COMMANDS)
            self.sent.append(decode_command(data).command_id)
        return self.connected

    async def asks(self, command_id: str, life_s: float = 30.0) -> None:
        action = StartCharging(SessionId("s-1"), ConnectorId(1))
        expire_time = self.clock.utc() + timedelta(seconds=life_s)
        await self.publisher.publish(STATION, StationCommand(command_id, expire_time, action))

    def passes(self, seconds: float) -> None:
        for _ in range(round(seconds * 4)):
            self.clock.advance(0.25)
            self.publisher.send_due()


@pytest.fixture
def story() -> Story:
    return Story()


async def test_a_command_is_sent_at_once(story: Story) -> None:
    await story.asks("c-1")
    assert story.sent == ["c-1"]


async def test_it_is_sent_again_every_five_seconds(story: Story) -> None:
    await story.asks("c-1")
    story.passes(4.75)
    assert len(story.sent) == 1
    story.passes(10.25)
    assert len(story.sent) == 4


async def test_an_answer_ends_it(story: Story) -> None:
    await story.asks("c-1")
    story.publisher.answered("c-1")
    story.publisher.answered("unknown")
    story.passes(20)
    assert story.sent == ["c-1"]


async def test_its_expiry_ends_it(story: Story) -> None:
    await story.asks("c-1", life_s=7.0)
    story.passes(60)
    assert len(story.sent) == 2


async def test_without_connection_it_is_sent_as_soon_as_there_is_one(story: Story) -> None:
    story.connected = False
    await story.asks("c-1")
    story.passes(3)
    story.connected = True
    story.passes(0.25)
    assert story.sent == ["c-1"]


async def test_the_same_command_twice_is_one(story: Story) -> None:
    await story.asks("c-1")
    await story.asks("c-1")
    story.passes(5)
    assert len(story.sent) == 2


async def test_commands_do_not_pile_up() -> None:
    story = Story(capacity=2)
    for name in ("c-1", "c-2", "c-3"):
        await story.asks(name)
    assert story.sent == ["c-1", "c-2"]


async def test_a_command_that_was_answered_to_another_replica_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cloud.ingest.commands.LOOK_EVERY_S", 0.0)
    clock, sent, asked = ManualClock(utc=BEGIN), list[str](), list[str]()
    known: list[str] = []

    async def settled(command_ids: Collection[str]) -> Collection[str]:
        asked.extend(command_ids)
        return known

    def send(_: str, data: bytes) -> bool:
        sent.append(decode_command(data).command_id)
        return True

    publisher = CommandPublisher(send, clock, settled=settled)
    action = StartCharging(SessionId("s-1"), ConnectorId(1))
    await publisher.publish(STATION, StationCommand("c-1", BEGIN + timedelta(seconds=30), action))
    running = asyncio.create_task(publisher.run())
    await _turns()
    assert (sent, asked) == (["c-1"], [])
    clock.advance(RESEND_S)
    await _turns()
    assert (sent, asked) == (["c-1", "c-1"], ["c-1"])
    known.append("c-1")
    clock.advance(RESEND_S)
    await _turns()
    assert (sent, asked) == (["c-1", "c-1"], ["c-1", "c-1"])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
