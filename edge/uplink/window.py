"""Which records are on their way, and when each is sent again. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.record import Lane
from powerctl.runtime.outbox import Entry

SIZE: Final = 200
"""Records that may be on their way."""
TELEMETRY_SIZE: Final = 150
"""Of them, live values; the rest is for what must not wait."""
RESEND_S: Final = 5.0
"""The first wait for the cloud's word; each further one is twice as long."""
RESEND_CAP_S: Final = 30.0


@dataclass(slots=True)
class _Flight:
    entry: Entry
    due: Monotonic
    wait_s: float


class Window:
    """Records that were sent and that the cloud has not confirmed."""

    def __init__(self) -> None:
        self._flights: dict[int, _Flight] = {}

    @property
    def sequences(self) -> Collection[int]:
        """What is on its way."""
        return self._flights.keys()

    @property
    def room(self) -> int:
        """How many more may be on their way."""
        return SIZE - len(self._flights)

    def admit(self, entries: Sequence[Entry]) -> list[Entry]:
        """Of `entries`, what may be sent now, in their order."""
        telemetry = sum(flight.entry.lane is Lane.TELEMETRY for flight in self._flights.values())
        admitted: list[Entry] = []
        for entry in entries:
            if len(admitted) >= self.room or entry.sequence in self._flights:
                continue
            if entry.lane is Lane.TELEMETRY:
                telemetry += 1
                if telemetry > TELEMETRY_SIZE:
                    continue
            admitted.append(entry)
        return admitted

    def due(self, now: Monotonic) -> list[Entry]:
        """What is to be sent again, by lane, then by sequence."""
        waiting = [flight.entry for flight in self._flights.values() if flight.due <= now]
        return sorted(waiting, key=lambda entry: (entry.lane, entry.sequence))

    def sent(self, entries: Iterable[Entry], now: Monotonic) -> None:
        """Note that `entries` were sent, for the first time or again."""
        for entry in entries:
            before = self._flights.get(entry.sequence)
            wait_s = RESEND_S if before is None else min(2 * before.wait_s, RESEND_CAP_S)
            self._flights[entry.sequence] = _Flight(entry, after(now, wait_s), wait_s)

    def confirmed(self, ranges: Iterable[tuple[int, int]]) -> list[int]:
        """Of the closed `ranges`, the sequences that were on their way; they no longer are.

        Whatever else the ranges name was never sent by us, and is not to be deleted on anybody's word.
        """
        pairs = tuple(ranges)
        named = [sequence for sequence in self._flights if any(first <= sequence <= last for first, last in pairs)]
        for sequence in named:
            del self._flights[sequence]
        return sorted(named)

    def reconnected(self, now: Monotonic) -> None:
        """Make everything due: what the old connection took may be lost."""
        for flight in self._flights.values():
            flight.due, flight.wait_s = now, RESEND_S / 2
