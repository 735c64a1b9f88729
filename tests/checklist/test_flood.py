"""Row 28: one station that floods costs the others nothing that they would notice."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import async_solipsism
import pytest

from cloud.ingest.ingest import Arrival, Ingest
from cloud.ingest.ports import CommitResult, StationBatch
from powerctl.app.broker import INGEST_NAME
from powerctl.core.clock import Monotonic
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.record import Record, SessionOpened
from powerctl.wire.batch import MAX_MESSAGE_BYTES, batch_to_wire, encode_record
from powerctl.wire.topics import Channel, topic
from tests.broker import Broker
from tests.checklist.test_broker_doors import broker
from tests.contract.broker.test_broker import EVENTS, client, up_topics
from tests.unit.cloud.ingest.memory import MemoryStore

__all__ = ["broker"]

RECORD: Final = encode_record(Record(datetime(2026, 3, 1, tzinfo=UTC), SessionOpened(SessionId("s"), ConnectorId(1))))
COMMIT_S, RECORD_S = 0.010, 60e-6
"""What a transaction costs, and each record in it: of the order of what `make bench` measures."""
FOR_S: Final = 20
FLOODING: Final = StationId("ST-0")


class SlowStore(MemoryStore):
    """Takes as long as a database does."""

    async def commit(self, batches: Sequence[StationBatch]) -> list[CommitResult]:
        await asyncio.sleep(COMMIT_S + RECORD_S * sum(len(batch.records) for batch in batches))
        return await super().commit(batches)


@dataclass
class Crowded:
    """A hundred stations that say something every second; one more that floods."""

    per_second: int
    """Of the one that floods."""

    def p99_s(self) -> float:
        """In which ninety-nine of a hundred messages of the others are committed."""
        with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
            took = runner.run(self._story())
        assert len(took) == 100 * FOR_S, "nothing of the others was given up"
        return statistics.quantiles(took, n=100)[-1]

    async def _story(self) -> list[float]:
        loop, took = asyncio.get_running_loop(), list[float]()
        ingest = Ingest(SlowStore(), lambda *_: None, now=lambda: Monotonic(loop.time()))
        working = asyncio.create_task(ingest.run())

        async def speaks(station: StationId, every_s: float, after_s: float, count: int, *, counts: bool) -> None:
            await asyncio.sleep(after_s)
            for number in range(1, count + 1):
                began = loop.time()
                data = batch_to_wire(station, 7, [(number, RECORD)])

                def accepted(began: float = began) -> None:
                    took.extend([loop.time() - began] if counts else [])

                ingest.offer(Arrival(topic(station, Channel.EVENTS), data, accepted))
                await asyncio.sleep(every_s)

        others = [speaks(StationId(f"ST-{n}"), 1.0, n / 101, FOR_S, counts=True) for n in range(1, 101)]
        every_s = 1.0 / self.per_second if self.per_second else 1.0
        flood = speaks(FLOODING, every_s, 0.0, self.per_second * FOR_S, counts=False)
        await asyncio.gather(*others, flood)
        await asyncio.sleep(5.0)
        working.cancel()
        return took


def test_row_28_a_flood_of_a_thousand_messages_a_second_leaves_the_others_in_time() -> None:
    """In virtual time: the ratio says what the flood costs, not what the machine does meanwhile."""
    quiet, flooded = Crowded(0).p99_s(), Crowded(1_000).p99_s()
    assert flooded < 2.0 * quiet, (quiet, flooded)


@pytest.mark.integration
async def test_row_28_a_packet_that_is_too_large_gets_past_no_broker(broker: Broker) -> None:
    async with client(broker, INGEST_NAME, *up_topics()) as cloud:
        async with client(broker, "ST-1") as station:
            station.link.publish(EVENTS, bytes(MAX_MESSAGE_BYTES + 1_000))
            assert await cloud.hears_nothing()
        async with client(broker, "ST-1") as station:
            station.link.publish(EVENTS, bytes(MAX_MESSAGE_BYTES - 1_000))
            assert len((await cloud.next(30)).payload) == MAX_MESSAGE_BYTES - 1_000
