"""A store in memory that can be away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cloud.ingest.ports import CommitResult, StationBatch, StoreUnavailable
from powerctl.core.ids import StationId


@dataclass
class MemoryStore:
    """Keeps records by (station, epoch, sequence)."""

    rows: dict[tuple[StationId, int, int], bytes] = field(default_factory=dict)
    quarantined: list[tuple[str, bytes, str]] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)
    """How many records each transaction had."""
    failures: int = 0
    """So many calls from now on find the database away."""

    def _answer(self) -> None:
        if self.failures > 0:
            self.failures -= 1
            raise StoreUnavailable("away")

    async def commit(self, batches: Sequence[StationBatch]) -> list[CommitResult]:
        """Store what is new."""
        self._answer()
        self.commits.append(sum(len(batch.records) for batch in batches))
        return [self._one(batch) for batch in batches]

    def _one(self, batch: StationBatch) -> CommitResult:
        duplicates, conflicts = 0, []
        for one in batch.records:
            known = self.rows.setdefault((batch.station, batch.epoch, one.sequence), one.payload)
            if known is one.payload:
                continue
            duplicates += known == one.payload
            conflicts += [one.sequence] if known != one.payload else []
        return CommitResult(sorted({one.sequence for one in batch.records}), duplicates, conflicts)

    async def quarantine(self, topic: str, payload: bytes, reason: str) -> None:
        """Keep what was refused."""
        self._answer()
        self.quarantined.append((topic, payload, reason))
