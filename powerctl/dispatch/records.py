"""Records of the energy manager on their way to the controller: kept until they are stored in its outbox."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from powerctl.v1 import dispatch_pb2 as pb

MAX_RECORDS: Final = 1024


class UnstoredRecords:
    """Bounded, in order of their making. When it is full the oldest one is lost, and counted."""

    def __init__(self, capacity: int = MAX_RECORDS) -> None:
        self._records: dict[str, pb.ManagerRecord] = {}
        self._capacity = capacity
        self.lost = 0
        """How many were dropped because nobody stored them in time."""

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: pb.ManagerRecord) -> None:
        """Keep `record` until it is stored."""
        if len(self._records) >= self._capacity:
            del self._records[next(iter(self._records))]
            self.lost += 1
        self._records[record.record_id] = record

    def stored(self, record_id: str) -> bool:
        """Forget a record. False: it was not waiting."""
        return self._records.pop(record_id, None) is not None

    def waiting(self) -> Iterable[pb.ManagerRecord]:
        """All of them, oldest first."""
        return tuple(self._records.values())
