"""What ingest needs of others: a place that stores records once, and keeps what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from powerctl.core.ids import StationId
from powerctl.core.record import Record


class StoredRecord(NamedTuple):
    """One record as it came, and what it says."""

    sequence: int
    payload: bytes
    """The record's own serialised message: what a second delivery must equal."""
    record: Record


@dataclass(frozen=True, slots=True)
class StationBatch:
    """Records of one station and epoch."""

    station: StationId
    epoch: int
    records: Sequence[StoredRecord]


@dataclass(frozen=True, slots=True)
class CommitResult:
    """What became of a batch."""

    committed: list[int]
    """Sequences that are in the database now, whether or not they were before."""
    duplicates: int
    """How many of them were there before, with the same payload."""
    conflicts: list[int]
    """Sequences that were there before with another payload: the old one stays."""


class StoreUnavailable(Exception):
    """The database does not answer, or takes nothing now. Nothing was stored; the same may be tried again."""


class RecordStore(Protocol):
    """The system of record, as ingest sees it."""

    async def commit(self, batches: Sequence[StationBatch]) -> list[CommitResult]:
        """Store and apply the records of any number of stations in one transaction; returns after it is committed.

        One result for each batch. A station and epoch has one batch at most.

        Raises:
            StoreUnavailable: Nothing was stored.
        """
        ...

    async def quarantine(self, topic: str, payload: bytes, reason: str) -> None:
        """Keep a message that was refused, for a person to look at.

        Raises:
            StoreUnavailable: It was not stored.
        """
        ...
