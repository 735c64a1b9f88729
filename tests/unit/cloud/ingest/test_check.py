"""A batch passes when the station that sent it speaks for itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cloud.ingest.check import inspect
from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.record import Record, SessionOpened
from powerctl.wire.batch import MAX_MESSAGE_BYTES, batch_to_wire, encode_record
from powerctl.wire.topics import Channel, topic

STATION = StationId("ST-1")
EVENTS = topic(STATION, Channel.EVENTS)
RECORD = Record(datetime(2026, 3, 1, tzinfo=UTC), SessionOpened(SessionId("s-1"), ConnectorId(1)))


def batch(*payloads: bytes, station: StationId = STATION) -> bytes:
    return batch_to_wire(station, 7, enumerate(payloads, start=1))


def test_a_stations_own_batch_passes() -> None:
    found = inspect(EVENTS, batch(encode_record(RECORD)))
    assert (found.station, found.epoch) == (STATION, 7)
    assert [(one.sequence, one.record) for one in found.good] == [(1, RECORD)]
    assert found.refused == ()


def test_a_bad_record_is_sorted_out_and_the_others_pass() -> None:
    found = inspect(EVENTS, batch(encode_record(RECORD), b"", encode_record(RECORD)))
    assert [one.sequence for one in found.good] == [1, 3]
    assert [one.record.sequence for one in found.refused] == [2]
    assert "no time" in found.refused[0].reason


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        pytest.param(topic(StationId("ST-2"), Channel.EVENTS), batch(encode_record(RECORD)), id="another's topic"),
        pytest.param(topic(STATION, Channel.COMMANDS), batch(encode_record(RECORD)), id="not a topic for batches"),
        pytest.param("some/topic", batch(encode_record(RECORD)), id="not our topic"),
        pytest.param(EVENTS, b"\xff", id="not a batch"),
        pytest.param(EVENTS, b"", id="nothing"),
        pytest.param(EVENTS, bytes(MAX_MESSAGE_BYTES + 1), id="too large"),
    ],
)
def test_anything_else_is_refused(name: str, payload: bytes) -> None:
    with pytest.raises(RemoteError):
        inspect(name, payload)
