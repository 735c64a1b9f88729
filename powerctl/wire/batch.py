"""Batches of records, and the word that they are committed, between bytes and values.

Every `*_from_wire` raises `RemoteError` on bytes that cannot be accepted.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from google.protobuf.message import DecodeError, Message

from powerctl.core.errors import RemoteError
from powerctl.core.ids import StationId, station_id
from powerctl.core.order import StationCommand
from powerctl.core.record import Record
from powerctl.v1 import uplink_pb2 as pb
from powerctl.wire.actions import command_from_wire, command_to_wire
from powerctl.wire.common import time_from_wire, time_to_wire
from powerctl.wire.uplink import record_from_wire, record_to_wire

M = TypeVar("M", bound=Message)

MAX_BATCH_BYTES: Final = 60_000
"""Largest batch that a station sends."""
MAX_MESSAGE_BYTES: Final = 128_000
"""Largest message that either side takes."""
MAX_DECOMPRESSED_BYTES: Final = 512_000
"""Largest content of compressed records that is taken."""
MAX_BATCH_RECORDS: Final = 100
MAX_RECORDS_TAKEN: Final = 1_000
MAX_RANGES: Final = 1_000
MAX_SEQUENCE: Final = 2**63 - 1


class WireRecord(NamedTuple):
    """A record of a batch, not yet looked into."""

    sequence: int
    payload: bytes
    """Its bytes: equal for the same record however often it is sent."""

    def parse(self) -> Record:
        """The record in `payload`. Raises RemoteError: it is not acceptable."""
        return record_from_wire(_parsed(pb.Record(), self.payload))


@dataclass(frozen=True, slots=True)
class Batch:
    """What a station sends in one message."""

    station: StationId
    epoch: int
    records: tuple[WireRecord, ...]


@dataclass(frozen=True, slots=True)
class LinkHint:
    """What the cloud asks of a station's link for a while."""

    gather_s: int
    """Live values are gathered for so long before they are sent."""
    reconnect_within_s: int
    """After a loss of the connection: bound of the random wait before the first attempt."""
    valid_s: int


@dataclass(frozen=True, slots=True)
class Committed:
    """What the cloud has committed of one epoch."""

    epoch: int
    ranges: tuple[tuple[int, int], ...]
    """First and last sequence, both included."""
    send_time: datetime | None = None
    """The cloud's clock when it said so. None: it did not say."""
    hint: LinkHint | None = None
    """None: nothing is asked any more."""


def encode_record(record: Record) -> bytes:
    """`record` as the outbox keeps it, without a sequence."""
    return record_to_wire(record).SerializeToString(deterministic=True)


def decode_record(data: bytes) -> Record:
    """The record that `encode_record` made. Raises RemoteError: it is not acceptable."""
    return record_from_wire(_parsed(pb.Record(), data))


def batch_to_wire(
    station: StationId, epoch: int, records: Iterable[tuple[int, bytes]], *, compress: bool = False
) -> bytes:
    """One message with `records`: pairs of a sequence and the bytes that `encode_record` made."""
    batch = pb.RecordBatch(station=station, epoch=epoch)
    for sequence, payload in records:
        record = batch.records.add()
        record.ParseFromString(payload)
        record.sequence = sequence
    if compress:
        inner = pb.RecordBatch(records=batch.records).SerializeToString(deterministic=True)
        batch = pb.RecordBatch(station=station, epoch=epoch, compressed_records=zlib.compress(inner, 9))
    return batch.SerializeToString(deterministic=True)


def batch_from_wire(data: bytes) -> Batch:
    """The batch in `data`; its records are not looked into, so that one that is bad does not hold up the others.

    Raises:
        RemoteError: Too large, not a batch, no station, no record, a bad sequence, or one that occurs twice.
    """
    message = _parsed(pb.RecordBatch(), data)
    if message.compressed_records:
        message.MergeFrom(_parsed(pb.RecordBatch(), _decompressed(message.compressed_records), MAX_DECOMPRESSED_BYTES))
    try:
        station = station_id(message.station)
    except ValueError as error:
        raise RemoteError(str(error)) from error
    if not 1 <= len(message.records) <= MAX_RECORDS_TAKEN:
        raise RemoteError(f"{len(message.records)} records: must be 1 to {MAX_RECORDS_TAKEN}")
    sequences = [record.sequence for record in message.records]
    if not 1 <= min(sequences) <= max(sequences) <= MAX_SEQUENCE:
        raise RemoteError("a record without a proper sequence")
    if len(set(sequences)) != len(sequences):
        raise RemoteError("two records have the same sequence")
    payloads = [record.SerializeToString(deterministic=True) for record in message.records]
    return Batch(station, message.epoch, tuple(map(WireRecord, sequences, payloads)))


def committed_to_wire(
    epoch: int, sequences: Iterable[int], *, send_time: datetime | None = None, hint: LinkHint | None = None
) -> bytes:
    """The word that `sequences` of `epoch` are committed."""
    ranges = [pb.SequenceRange(first=first, last=last) for first, last in ranges_of(sequences)]
    sent = None if send_time is None else time_to_wire(send_time)
    message = pb.RecordsCommitted(epoch=epoch, ranges=ranges, send_time=sent)
    if hint is not None:
        message.hint.CopyFrom(
            pb.LinkHint(gather_s=hint.gather_s, reconnect_within_s=hint.reconnect_within_s, valid_s=hint.valid_s)
        )
    return message.SerializeToString()


def committed_from_wire(data: bytes) -> Committed:
    """What is committed, according to `data`.

    Raises:
        RemoteError: Too large, not such a message, or a range that is upside down.
    """
    message = _parsed(pb.RecordsCommitted(), data)
    if len(message.ranges) > MAX_RANGES:
        raise RemoteError(f"{len(message.ranges)} ranges, at most {MAX_RANGES} are taken")
    ranges = tuple((found.first, found.last) for found in message.ranges)
    if not all(1 <= first <= last <= MAX_SEQUENCE for first, last in ranges):
        raise RemoteError("a range of sequences that is upside down or out of bounds")
    sent = time_from_wire(message.send_time, "send time") if message.HasField("send_time") else None
    asked = message.hint
    hint = LinkHint(asked.gather_s, asked.reconnect_within_s, asked.valid_s) if message.HasField("hint") else None
    return Committed(message.epoch, ranges, sent, hint)


def ranges_of(sequences: Iterable[int]) -> Sequence[tuple[int, int]]:
    """The fewest closed ranges that hold exactly `sequences`, in rising order."""
    ranges: list[tuple[int, int]] = []
    for sequence in sorted(set(sequences)):
        if ranges and ranges[-1][1] == sequence - 1:
            ranges[-1] = (ranges[-1][0], sequence)
        else:
            ranges.append((sequence, sequence))
    return ranges


def encode_command(command: StationCommand) -> bytes:
    """`command` as it travels."""
    return command_to_wire(command).SerializeToString(deterministic=True)


def decode_command(data: bytes) -> StationCommand:
    """The command in `data`. Raises RemoteError: it is not acceptable."""
    return command_from_wire(_parsed(pb.StationCommand(), data))


def _decompressed(data: bytes) -> bytes:
    """What `data` stands for, as far as it is not made to take our memory. Raises RemoteError."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(data, MAX_DECOMPRESSED_BYTES)
    except zlib.error as error:
        raise RemoteError("compressed records that cannot be read") from error
    if not stream.eof:
        raise RemoteError("compressed records that are cut off, or grow too large")
    return content


def _parsed(message: M, data: bytes, most: int = MAX_MESSAGE_BYTES) -> M:
    if len(data) > most:
        raise RemoteError(f"{len(data)} bytes, at most {most} are taken")
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise RemoteError(f"{message.DESCRIPTOR.name}: not protobuf") from error
    return message
