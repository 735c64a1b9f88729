"""Commit, then acknowledge, then answer; nothing is lost while the database is away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import async_solipsism
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.ingest.ingest import Arrival, Ingest
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.record import Body, CommandOutcome, CommandResult, Record, SessionOpened
from powerctl.wire.batch import batch_to_wire, committed_from_wire, encode_record
from powerctl.wire.topics import Channel, topic

from .memory import MemoryStore

STATION, OTHER = StationId("ST-1"), StationId("ST-2")
OPENED = SessionOpened(SessionId("s-1"), ConnectorId(1))


def payload(body: Body = OPENED) -> bytes:
    return encode_record(Record(datetime(2026, 3, 1, tzinfo=UTC), body))


@dataclass
class Story:
    """An ingest with a broker that notes what happens."""

    store: MemoryStore = field(default_factory=MemoryStore)
    events: list[str] = field(default_factory=list)
    committed: dict[StationId, set[int]] = field(default_factory=dict)
    answered: list[str] = field(default_factory=list)
    capacity: int = 100
    runner: asyncio.Runner = field(default_factory=lambda: asyncio.Runner(loop_factory=async_solipsism.EventLoop))

    def __post_init__(self) -> None:
        self.ingest = Ingest(
            self.store,
            self._publish,
            on_answer=self.answered.append,
            on_store=lambda ok: self.events.append("store" if ok else "store away"),
            capacity=self.capacity,
        )

    def _publish(self, name: str, data: bytes) -> None:
        station = StationId(name.split("/")[3])
        assert name == topic(station, Channel.COMMITTED)
        word = committed_from_wire(data)
        sequences = {number for first, last in word.ranges for number in range(first, last + 1)}
        assert {sequence for where, _, sequence in self.store.rows if where == station} | self._set_aside >= sequences
        self.committed.setdefault(station, set()).update(sequences)
        self.events.append("answer")

    @property
    def _set_aside(self) -> set[int]:
        return set(range(1, 1000)) if self.store.quarantined else set()

    def arrives(self, *entries: tuple[int, bytes], station: StationId = STATION, epoch: int = 7) -> None:
        self.arrives_raw(topic(station, Channel.EVENTS), batch_to_wire(station, epoch, entries))

    def arrives_raw(self, name: str, data: bytes) -> None:
        self.ingest.offer(Arrival(name, data, lambda: self.events.append("accepted")))

    def passes(self, seconds: float = 1.0) -> None:
        """Let it work for so long, in no time."""
        self.runner.run(self._work(seconds))

    async def _work(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.ingest.run(), seconds)


@pytest.fixture
def story() -> Iterator[Story]:
    begun = Story()
    with begun.runner:
        yield begun


def test_a_record_is_committed_then_acknowledged_then_answered(story: Story) -> None:
    story.arrives((1, payload()), (2, payload()))
    story.passes()
    assert len(story.store.rows) == 2
    assert story.events == ["store", "accepted", "answer"]
    assert story.committed == {STATION: {1, 2}}


def test_what_waits_goes_into_one_transaction(story: Story) -> None:
    for number in range(1, 21):
        story.arrives((number, payload()))
    story.arrives((1, payload()), station=OTHER)
    story.passes()
    assert story.store.commits == [21]
    assert story.committed == {STATION: set(range(1, 21)), OTHER: {1}}


def test_a_transaction_does_not_grow_without_end(story: Story) -> None:
    for start in range(0, 2000, 100):
        story.arrives(*((start + number, payload()) for number in range(1, 101)))
    story.passes()
    assert story.store.commits == [500] * 4


def test_a_duplicate_is_answered_and_stored_once(story: Story) -> None:
    for _ in range(3):
        story.arrives((1, payload()))
        story.passes()
    assert len(story.store.rows) == 1
    assert story.events.count("answer") == 3


def test_while_the_database_is_away_nothing_is_acknowledged(story: Story) -> None:
    story.store.failures = 3
    story.arrives((1, payload()))
    story.passes(0.0001)
    assert story.events == ["store away"]


def test_when_the_database_is_back_nothing_was_lost(story: Story) -> None:
    story.store.failures = 5
    story.arrives((1, payload()))
    story.arrives((2, payload()))
    story.passes(60.0)
    assert story.committed == {STATION: {1, 2}}
    assert story.events[-4:] == ["store", "accepted", "accepted", "answer"]


def test_what_comes_while_too_much_waits_is_left_to_the_station(story: Story) -> None:
    story = Story(capacity=2, runner=story.runner)
    for number in (1, 2, 3):
        story.arrives((number, payload()))
    assert story.events == ["accepted"]
    story.passes()
    assert story.committed == {STATION: {1, 2}}


def test_a_bad_record_is_set_aside_and_not_sent_for_ever(story: Story) -> None:
    story.arrives((1, payload()), (2, b""), (3, payload()))
    story.passes()
    assert len(story.store.rows) == 2
    assert [reason for _, _, reason in story.store.quarantined] == ["record: no time"]
    assert story.committed == {STATION: {1, 2, 3}}


def test_a_message_that_is_no_batch_is_kept_and_not_answered(story: Story) -> None:
    story.arrives_raw("evcs/v1/09/ST-1/evt", b"\xff")
    story.passes()
    assert [(name, data) for name, data, _ in story.store.quarantined] == [("evcs/v1/09/ST-1/evt", b"\xff")]
    assert story.events == ["store", "accepted"]


def test_a_record_that_changed_is_set_aside_and_the_first_stays(story: Story) -> None:
    first, second = payload(), payload(CommandResult("c", CommandOutcome.ACCEPTED, ""))
    for data in (first, second):
        story.arrives((1, data))
        story.passes()
    assert len(story.store.rows) == 1
    assert "sequence 1 is another" in story.store.quarantined[0][2]
    assert story.committed == {STATION: {1}}


def test_another_epoch_is_another_record(story: Story) -> None:
    story.arrives((1, payload()), epoch=1)
    story.arrives((1, payload()), epoch=2)
    story.passes()
    assert len(story.store.rows) == 2


def test_a_stations_answer_ends_the_command(story: Story) -> None:
    story.arrives((1, payload(CommandResult("c-1", CommandOutcome.REJECTED, "no"))))
    story.passes()
    assert story.answered == ["c-1"]


@given(st.lists(st.one_of(st.integers(1, 30), st.just("away"), st.just("rubbish")), max_size=40))
def test_every_record_is_committed_before_it_is_answered(script: list[int | str]) -> None:
    story = Story(capacity=1000)
    steps: dict[str, Callable[[], None]] = {
        "away": lambda: setattr(story.store, "failures", 2),
        "rubbish": lambda: story.arrives_raw(topic(STATION, Channel.EVENTS), b"\xff"),
    }
    for step in script:
        if isinstance(step, int):
            story.arrives((step, payload()))
        else:
            steps[step]()
    with story.runner:
        story.passes(600.0)
    sequences = {step for step in script if isinstance(step, int)}
    assert story.committed.get(STATION, set()) == sequences
    assert {sequence for _, _, sequence in story.store.rows} == sequences
    assert story.events.count("accepted") == sum(step != "away" for step in script)
