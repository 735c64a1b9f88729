"""Numbers setpoints, and knows which of them must be sent again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from powerctl.core.clock import Monotonic, after
from powerctl.core.ids import ConnectorId
from powerctl.core.setpoint import LEASE_SECONDS, RENEW_SECONDS, Command, Limit, LimitSource, Setpoint
from powerctl.core.units import Power


@dataclass(frozen=True, slots=True)
class Issued:
    """The newest setpoint of a connector."""

    setpoint: Setpoint
    at: Monotonic

    @property
    def renew_at(self) -> Monotonic:
        """When it must be sent again though nothing has changed."""
        return after(self.at, RENEW_SECONDS)


@dataclass(frozen=True, slots=True)
class LeaseBook:
    """What was issued on the present stream."""

    next_sequence: int
    """Never taken twice, neither on this stream nor on an earlier one, so that an old acknowledgement means nothing."""
    issued: Mapping[ConnectorId, Issued] = field(default_factory=dict)

    @property
    def renew_at(self) -> Monotonic | None:
        """When the first lease must be renewed. None: nothing was issued."""
        return min((issued.renew_at for issued in self.issued.values()), default=None)


def forgotten(book: LeaseBook) -> LeaseBook:
    """The book for a new stream: nothing is issued on it yet."""
    return LeaseBook(book.next_sequence)


def issue(
    book: LeaseBook,
    connector: ConnectorId,
    command: Command,
    limit: Power,
    *,
    settle_s: float,
    reasons: tuple[Limit, ...],
    now: Monotonic,
) -> tuple[LeaseBook, Setpoint | None]:
    """The book after a decision, and the setpoint to send.

    Returns:
        None for the setpoint when the newest one says the same and need not be renewed yet. A change of the sentences
        alone waits for the renewal.
    """
    newest = book.issued.get(connector)
    if newest is not None and now < newest.renew_at and _same(newest.setpoint, command, limit, reasons):
        return book, None
    setpoint = Setpoint(connector, book.next_sequence, command, limit, LEASE_SECONDS, settle_s, reasons)
    issued = {**book.issued, connector: Issued(setpoint, now)}
    return replace(book, next_sequence=book.next_sequence + 1, issued=issued), setpoint


def _same(setpoint: Setpoint, command: Command, limit: Power, reasons: tuple[Limit, ...]) -> bool:
    if (setpoint.command, setpoint.limit) != (command, limit):
        return False
    return _binding(setpoint.reasons) == _binding(reasons)


def _binding(reasons: tuple[Limit, ...]) -> LimitSource | None:
    return reasons[0].source if reasons else None
