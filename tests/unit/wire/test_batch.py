"""Batches keep identity and order; one bad record does not hold up the others."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.order import StartCharging, StationCommand
from powerctl.core.record import Record, SessionOpened
from powerctl.v1 import uplink_pb2 as pb
from powerctl.wire.batch import (
    MAX_MESSAGE_BYTES,
    batch_from_wire,
    batch_to_wire,
    committed_from_wire,
    committed_to_wire,
    decode_command,
    decode_record,
    encode_command,
    encode_record,
    ranges_of,
)

from .strategies import RECORDS

STATION = StationId("ST-1")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
RECORD = Record(NOW, SessionOpened(SessionId("s-1"), ConnectorId(1)))


@given(st.lists(RECORDS, min_size=1, max_size=5), st.integers(0, 2**64 - 1))
def test_a_batch_comes_out_as_it_went_in(records: list[Record], epoch: int) -> None:
    entries = [(number, encode_record(record)) for number, record in enumerate(records, start=1)]
    batch = batch_from_wire(batch_to_wire(STATION, epoch, entries))
    assert (batch.station, batch.epoch) == (STATION, epoch)
    assert [(wired.sequence, wired.parse()) for wired in batch.records] == list(enumerate(records, start=1))


def test_a_record_has_the_same_bytes_in_every_batch() -> None:
    payload = encode_record(RECORD)
    alone = batch_from_wire(batch_to_wire(STATION, 1, [(2, payload)])).records[0]
    among = batch_from_wire(batch_to_wire(STATION, 1, [(1, payload), (2, payload)])).records[1]
    assert alone == among


def test_a_bad_record_is_found_when_it_is_parsed() -> None:
    batch = batch_from_wire(batch_to_wire(STATION, 1, [(1, b""), (2, encode_record(RECORD))]))
    with pytest.raises(RemoteError):
        batch.records[0].parse()
    assert batch.records[1].parse() == RECORD


def _batch(station: str = "ST-1", sequences: tuple[int, ...] = (1,)) -> bytes:
    return pb.RecordBatch(station=station, records=[pb.Record(sequence=n) for n in sequences]).SerializeToString()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xff\xff", id="not protobuf"),
        pytest.param(b"", id="empty"),
        pytest.param(bytes(MAX_MESSAGE_BYTES + 1), id="too large"),
        pytest.param(_batch(station=""), id="no station"),
        pytest.param(_batch(station="ST/1"), id="bad station"),
        pytest.param(_batch(sequences=()), id="no record"),
        pytest.param(_batch(sequences=(0,)), id="no sequence"),
        pytest.param(_batch(sequences=(2**64 - 1,)), id="sequence that no database holds"),
        pytest.param(_batch(sequences=(3, 3)), id="sequence twice"),
        pytest.param(_batch(sequences=tuple(range(1, 1002))), id="too many"),
    ],
)
def test_a_bad_batch_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteError):
        batch_from_wire(data)


@given(st.sets(st.integers(1, 60)))
def test_ranges_hold_exactly_what_was_committed(sequences: set[int]) -> None:
    back = committed_from_wire(committed_to_wire(9, sequences))
    assert back.epoch == 9
    assert {n for first, last in back.ranges for n in range(first, last + 1)} == sequences


@given(st.sets(st.integers(1, 60)))
def test_ranges_are_the_fewest(sequences: set[int]) -> None:
    ranges = ranges_of(sequences)
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(ranges))


@pytest.mark.parametrize("pair", [(0, 1), (5, 4), (1, 2**63)])
def test_an_impossible_range_is_refused(pair: tuple[int, int]) -> None:
    bad = pb.RecordsCommitted(ranges=[pb.SequenceRange(first=pair[0], last=pair[1])]).SerializeToString()
    with pytest.raises(RemoteError):
        committed_from_wire(bad)


def test_a_command_survives_the_wire() -> None:
    command = StationCommand("c-1", NOW, StartCharging(SessionId("s-1"), ConnectorId(2)))
    assert decode_command(encode_command(command)) == command
    with pytest.raises(RemoteError):
        decode_command(b"\xff")


def test_a_record_comes_back_from_the_outbox_as_it_was() -> None:
    assert decode_record(encode_record(RECORD)) == RECORD
    with pytest.raises(RemoteError):
        decode_record(b"\xff")
