"""Records leave the station's disk on the cloud's word only; commands reach the controller once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.uplink.disk import Disk
from edge.uplink.shipper import Shipper
from edge.uplink.window import SIZE
from powerctl.core.clock import ManualClock
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.order import StartCharging, StationCommand
from powerctl.core.record import Lane, Record, SessionOpened
from powerctl.runtime import outbox as outbox_module
from powerctl.runtime.mqtt import Message
from powerctl.runtime.outbox import CommandBox, Draft, Outbox
from powerctl.wire.batch import batch_from_wire, committed_to_wire, encode_command, encode_record
from powerctl.wire.topics import Channel, topic

STATION = StationId("ST-1")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PAYLOAD = encode_record(Record(NOW, SessionOpened(SessionId("s-1"), ConnectorId(1))))


class Story:
    """A shipper between a real file and a cloud that answers when told to."""

    def __init__(self, path: Path) -> None:
        self.clock = ManualClock()
        self.control = Outbox(path)
        self.mailbox = CommandBox(path)
        self.disk = Disk(path)
        self.takes = True
        self.sent: list[list[int]] = []
        self.topics: list[str] = []
        self.shipper = Shipper(STATION, self.disk, self.clock)
        self.shipper.attach(self._publish)
        self.shipper.connected(True)

    def _publish(self, name: str, data: bytes) -> bool:
        if self.takes:
            batch = batch_from_wire(data)
            assert (batch.station, batch.epoch) == (STATION, self.control.epoch)
            self.sent.append([record.sequence for record in batch.records])
            self.topics.append(name)
        return self.takes

    def records(self, count: int, lane: Lane = Lane.BILLING) -> None:
        self.control.append_all([Draft(lane, PAYLOAD)] * count)

    def waiting(self) -> int:
        return sum(self.control.depth().values())

    def cloud_says(self, channel: Channel, payload: bytes, station: StationId = STATION) -> None:
        self.shipper.received(Message(topic(station, channel), payload, 1, 1))

    def cloud_committed(self, *sequences: int, epoch: int | None = None) -> None:
        word = committed_to_wire(self.control.epoch if epoch is None else epoch, sequences)
        self.cloud_says(Channel.COMMITTED, word)

    async def passes(self, seconds: float = 0.0) -> None:
        self.clock.advance(seconds)
        await self.shipper.turn()


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    begun = Story(tmp_path / "outbox.sqlite")
    yield begun
    begun.disk.close()


def command(command_id: str) -> bytes:
    return encode_command(StationCommand(command_id, NOW, StartCharging(SessionId("s-1"), ConnectorId(1))))


async def test_new_records_are_sent_once(story: Story) -> None:
    story.records(3)
    await story.passes()
    await story.passes()
    assert story.sent == [[1, 2, 3]]


async def test_a_sent_record_stays_until_the_cloud_has_committed_it(story: Story) -> None:
    story.records(2)
    await story.passes()
    assert story.waiting() == 2
    story.cloud_committed(1)
    await story.passes()
    assert [entry.sequence for entry in story.control.pending(limit=9)] == [2]


async def test_without_word_records_are_sent_again(story: Story) -> None:
    story.records(1)
    await story.passes()
    await story.passes(5.0)
    assert story.sent == [[1], [1]]


async def test_a_word_about_what_was_not_sent_deletes_nothing(story: Story) -> None:
    story.shipper.connected(False)
    story.records(5)
    story.cloud_committed(1, 2, 3, 4, 5)
    await story.passes()
    assert story.waiting() == 5


async def test_a_word_about_another_epoch_deletes_nothing(story: Story) -> None:
    story.records(1)
    await story.passes()
    story.cloud_committed(1, epoch=story.control.epoch ^ 1)
    await story.passes()
    assert story.waiting() == 1


async def test_rubbish_from_the_cloud_changes_nothing(story: Story) -> None:
    story.records(1)
    await story.passes()
    story.cloud_says(Channel.COMMITTED, b"\xff")
    story.cloud_says(Channel.COMMANDS, b"\xff")
    story.cloud_says(Channel.COMMITTED, committed_to_wire(story.control.epoch, [1]), station=StationId("ST-2"))
    await story.passes()
    assert story.waiting() == 1
    assert story.mailbox.take() == []


async def test_no_more_than_the_window_is_on_its_way(story: Story) -> None:
    story.records(SIZE + 50)
    await story.passes()
    assert sum(map(len, story.sent)) == SIZE
    story.cloud_committed(*range(1, 101))
    await story.passes()
    assert sum(map(len, story.sent)) == SIZE + 50


async def test_a_new_connection_sends_everything_again(story: Story) -> None:
    story.records(2)
    await story.passes()
    story.shipper.connected(False)
    await story.passes(60.0)
    story.shipper.connected(True)
    await story.passes()
    assert story.sent == [[1, 2], [1, 2]]


async def test_what_the_connection_does_not_take_is_tried_again(story: Story) -> None:
    story.records(1)
    story.takes = False
    await story.passes()
    story.takes = True
    await story.passes()
    assert story.sent == [[1]]


async def test_billing_overtakes_telemetry(story: Story) -> None:
    story.records(2, Lane.TELEMETRY)
    story.records(1, Lane.BILLING)
    await story.passes()
    assert story.sent == [[3], [1, 2]]
    assert story.topics == [topic(STATION, Channel.EVENTS), topic(STATION, Channel.TELEMETRY)]


async def test_a_command_reaches_the_controller_once(story: Story) -> None:
    for _ in range(3):
        story.cloud_says(Channel.COMMANDS, command("c-1"))
    await story.passes()
    assert [(entry.command_id, entry.expire_time) for entry in story.mailbox.take()] == [("c-1", NOW)]
    story.cloud_says(Channel.COMMANDS, command("c-1"))
    await story.passes()
    assert story.mailbox.take() == []


async def test_a_command_that_cannot_be_stored_is_taken_when_it_comes_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "COMMANDS_WAITING", 1)
    for name in ("c-1", "c-2"):
        story.cloud_says(Channel.COMMANDS, command(name))
    await story.passes()
    assert [entry.command_id for entry in story.mailbox.take()] == ["c-1"]
    story.cloud_says(Channel.COMMANDS, command("c-2"))
    await story.passes()
    assert [entry.command_id for entry in story.mailbox.take()] == ["c-2"]
