"""What may pass into the store: a batch from the station that its topic names, and of it what makes sense."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.ingest.ports import StoredRecord
from powerctl.core.errors import RemoteError
from powerctl.core.ids import StationId
from powerctl.wire.batch import WireRecord, batch_from_wire
from powerctl.wire.topics import UP, parse


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot be stored as one, and why."""

    record: WireRecord
    reason: str


@dataclass(frozen=True, slots=True)
class Inspected:
    """A batch, sorted."""

    station: StationId
    epoch: int
    good: tuple[StoredRecord, ...]
    refused: tuple[Refused, ...]
    """They must not hold up the others, nor be sent for ever: they are kept aside and count as received."""


def inspect(name: str, payload: bytes) -> Inspected:
    """The batch in a message.

    Args:
        name: The topic; the broker lets a station use only its own.
        payload: The message.

    Raises:
        RemoteError: The topic is not for batches, the payload is none, or it speaks for another station.
    """
    address = parse(name)
    if address.channel not in UP:
        raise RemoteError(f"topic {name}: carries no batches")
    batch = batch_from_wire(payload)
    if batch.station != address.station:
        raise RemoteError(f"{address.station} speaks for {batch.station}")
    good: list[StoredRecord] = []
    refused: list[Refused] = []
    for record in batch.records:
        try:
            good.append(StoredRecord(record.sequence, record.payload, record.parse()))
        except RemoteError as error:
            refused.append(Refused(record, str(error)))
    return Inspected(batch.station, batch.epoch, tuple(good), tuple(refused))
