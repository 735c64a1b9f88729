"""Messages are neither too large nor mixed."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from edge.uplink.batches import batches
from powerctl.core.ids import StationId
from powerctl.core.record import Lane
from powerctl.runtime.outbox import Entry
from powerctl.wire.batch import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, batch_to_wire

STATION = StationId("ST-1")


def test_live_values_travel_apart_from_events() -> None:
    entries = [Entry(1, Lane.BILLING, b""), Entry(2, Lane.STATUS, b""), Entry(3, Lane.TELEMETRY, b"")]
    assert list(batches(STATION, entries)) == [
        ("evcs/v1/09/ST-1/evt", entries[:2]),
        ("evcs/v1/09/ST-1/tel", entries[2:]),
    ]


def test_a_batch_has_at_most_a_hundred_records() -> None:
    entries = [Entry(number, Lane.BILLING, b"") for number in range(1, 251)]
    assert [len(batch) for _, batch in batches(STATION, entries)] == [100, 100, 50]


def test_a_record_that_is_too_large_travels_alone() -> None:
    entries = [Entry(1, Lane.BILLING, b""), Entry(2, Lane.BILLING, bytes(70_000)), Entry(3, Lane.BILLING, b"")]
    assert [[one.sequence for one in batch] for _, batch in batches(STATION, entries)] == [[1], [2], [3]]


@given(st.lists(st.integers(0, 30_000), max_size=40))
def test_every_record_is_in_one_batch_in_order_and_no_batch_is_too_large(sizes: list[int]) -> None:
    # Field 15 is unknown to the schema, and counts as bytes like any other.
    entries = [Entry(number, Lane.BILLING, _opaque(size)) for number, size in enumerate(sizes, start=1)]
    cut = [batch for _, batch in batches(STATION, entries)]
    assert list(chain.from_iterable(cut)) == entries
    for batch in cut:
        assert len(batch) <= MAX_BATCH_RECORDS
        wired = batch_to_wire(STATION, 2**64 - 1, ((one.sequence, one.payload) for one in batch))
        assert len(batch) == 1 or len(wired) <= MAX_BATCH_BYTES + 64


def _opaque(size: int) -> bytes:
    """A field 15 of `size` bytes."""
    length = bytearray()
    rest = size
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    return bytes([15 << 3 | 2, *length, rest]) + bytes(size)
