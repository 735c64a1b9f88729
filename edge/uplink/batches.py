"""How records are put together into messages. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from powerctl.core.ids import StationId
from powerctl.core.record import Lane
from powerctl.runtime.outbox import Entry
from powerctl.wire.batch import MAX_BATCH_BYTES, MAX_BATCH_RECORDS
from powerctl.wire.topics import Channel, topic

OVERHEAD_BYTES: Final = 16
"""What a record needs beside its payload: its sequence and its frame in the batch."""
_CHANNEL: Final = {Lane.BILLING: Channel.EVENTS, Lane.STATUS: Channel.EVENTS, Lane.TELEMETRY: Channel.TELEMETRY}


def batches(station: StationId, entries: Sequence[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    """Topic and records of each message, in the order of `entries`, which is by lane.

    A message has at most `MAX_BATCH_RECORDS` records and `MAX_BATCH_BYTES` bytes; a record that is larger than that
    travels alone.
    """
    for channel, group in groupby(entries, key=lambda entry: _CHANNEL[entry.lane]):
        for batch in _cut(group):
            yield topic(station, channel), batch


def _cut(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        more = len(entry.payload) + OVERHEAD_BYTES
        if batch and (len(batch) >= MAX_BATCH_RECORDS or size + more > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += more
    if batch:
        yield batch
