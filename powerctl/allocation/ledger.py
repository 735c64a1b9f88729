"""Shed before you give: what every connector may still draw, and what may therefore be granted.

A connector's *bound* is the most that it can draw until a higher limit reaches it: what it confirmed, or the highest
limit on its way to it. A grant that raises a bound must fit under the cap together with all other bounds, so power
moves from one connector to the other only after the first has confirmed the lower value or its lease has ended.
Nothing here assumes that a message arrives, arrives in time, or arrives in order; only that a receiver takes nothing
from a stream that has ended.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.tree import Bound, Tree
from powerctl.core.clock import Monotonic, after
from powerctl.core.ids import ConnectorId
from powerctl.core.setpoint import LEASE_SECONDS
from powerctl.core.topology import ConnectorCapability

LEASE_MARGIN_S: Final = 1.0
"""How much later than on our clock a lease may end on the receiver's: transport of the last setpoint and drift."""
LONGEST_SETTLE_S: Final = 5.0
"""Longest settle time that an earlier energy manager is taken to have granted."""
_MOST_IN_FLIGHT: Final = 16


@dataclass(frozen=True, slots=True)
class Grant:
    """A limit that was sent and not yet confirmed."""

    sequence: int
    limit_w: float


@dataclass(frozen=True, slots=True)
class Account:
    """One connector's bound and where it comes from. All watts are DC."""

    fallback_w: float
    confirmed_w: float
    """Not exceeded by the receiver without a newer setpoint; its rating until it has reported."""
    sequence: int = 0
    """Newest setpoint that the receiver has taken; 0: none that we sent on this stream."""
    in_flight: tuple[Grant, ...] = ()
    """Newer than `sequence`; sequences rise, limits fall."""
    newest: int = 0
    """Newest setpoint that was sent on this stream."""
    ends_at: Monotonic | None = None
    """When the last lease has ended and its end has settled, for certain. None: leases are being renewed."""
    reported: bool = False
    """True: it has reported on this stream."""
    settle_s: float = LONGEST_SETTLE_S
    """Longest of any setpoint: what the receiver may take to come down when its lease ends."""

    def bound_w(self, now: Monotonic) -> float:
        """The most that the connector can draw from `now` on, unless more is granted."""
        highest = max([self.confirmed_w, *(grant.limit_w for grant in self.in_flight)])
        if self.ends_at is not None and now >= self.ends_at:
            return min(highest, self.fallback_w)
        return highest


@dataclass(frozen=True, slots=True)
class Ledger:
    """The accounts of all connectors."""

    accounts: Mapping[ConnectorId, Account] = field(default_factory=dict)

    def bound_w(self, connector: ConnectorId, now: Monotonic) -> float:
        """Watts DC that `connector` can draw from `now` on; zero for one that nobody knows."""
        account = self.accounts.get(connector)
        return account.bound_w(now) if account else 0.0

    def reported(self, connector: ConnectorId) -> bool:
        """True when the connector has reported on its present stream, so that a setpoint can be understood."""
        account = self.accounts.get(connector)
        return account is not None and account.reported

    def committed_w(self, conversion: Conversion, now: Monotonic) -> float:
        """Watts AC that the station can draw from `now` on, unless more is granted."""
        return conversion.station_w(account.bound_w(now) for account in self.accounts.values())


class Room:
    """What may be granted to one connector after the other: each grant counts against the next.

    Args:
        ledger: Before the first of them.
        conversion: From output to input.
        now: The instant.
        tree: What lies between the grid connection and the connectors.
    """

    def __init__(
        self,
        ledger: Ledger,
        conversion: Conversion,
        now: Monotonic,
        tree: Tree = Tree(),  # noqa: B008 - frozen
    ) -> None:
        self._tree = tree
        self._accounts = dict(ledger.accounts)
        self._conversion = conversion
        self._now = now
        self._inputs_w = {c: conversion.ac_w(account.bound_w(now)) for c, account in self._accounts.items()}

    def grantable_w(self, connector: ConnectorId, wish_w: float, usable_w: float) -> float:
        """As much of `wish_w` as may be granted now, watts DC.

        Never less than the smaller of the wish and the connector's bound: that raises nothing.

        Args:
            connector: Who.
            wish_w: Watts DC.
            usable_w: Watts AC for all connectors.
        """
        account = self._accounts.get(connector)
        bound_w = account.bound_w(self._now) if account else 0.0
        if wish_w <= bound_w:
            return wish_w
        # The exact sum does not depend on the order of the accounts.
        free_w = usable_w - math.fsum(watts for other, watts in self._inputs_w.items() if other != connector)
        for bound in self._tree.through(connector):
            free_w = min(free_w, self._free_w(bound, connector))
        return max(bound_w, min(wish_w, self._conversion.dc_w(free_w)))

    def _free_w(self, bound: Bound, connector: ConnectorId) -> float:
        """What `bound` leaves for `connector` beside what all others can still draw through it, watts AC."""
        others = ((self._inputs_w.get(other, 0.0), part) for other, part in bound.parts.items() if other != connector)
        return (bound.capacity_w - math.fsum(part * watts for watts, part in others)) / bound.parts[connector]

    def promise(self, connector: ConnectorId, limit_w: float) -> None:
        """As if a setpoint with this limit were on its way already."""
        account = self._accounts.get(connector)
        if account is not None:
            sent = self._accounts[connector] = _sent(account, account.newest + 1, limit_w, 0.0)
            self._inputs_w[connector] = self._conversion.ac_w(sent.bound_w(self._now))


def opened(ledger: Ledger, capabilities: Iterable[ConnectorCapability], now: Monotonic) -> Ledger:
    """A controller has (re)connected: sequences start anew, and it may still hold an older lease."""
    accounts = dict(ledger.accounts)
    for capability in capabilities:
        known = accounts.get(capability.connector)
        accounts[capability.connector] = Account(
            fallback_w=capability.fallback.w,
            confirmed_w=known.bound_w(now) if known else capability.max_power.w,
            ends_at=known.ends_at if known and known.ends_at else _end(now, known),
            settle_s=known.settle_s if known else LONGEST_SETTLE_S,
        )
    return Ledger(accounts)


def closed(ledger: Ledger, connectors: Iterable[ConnectorId], now: Monotonic) -> Ledger:
    """The stream to these connectors has ended: nothing renews their leases any more."""
    accounts = dict(ledger.accounts)
    for connector in connectors:
        account = accounts[connector]
        if account.ends_at is None:
            accounts[connector] = replace(account, ends_at=_end(now, account), reported=False)
    return Ledger(accounts)


def _end(now: Monotonic, account: Account | None) -> Monotonic:
    settle_s = account.settle_s if account else LONGEST_SETTLE_S
    return after(now, LEASE_SECONDS + LEASE_MARGIN_S + settle_s)


def granted(ledger: Ledger, connector: ConnectorId, sequence: int, limit_w: float, settle_s: float) -> Ledger:
    """A setpoint was sent. A limit on its way that is no higher than this one no longer matters."""
    return _with(ledger, connector, _sent(ledger.accounts[connector], sequence, limit_w, settle_s))


def _sent(account: Account, sequence: int, limit_w: float, settle_s: float) -> Account:
    higher = tuple(grant for grant in account.in_flight if grant.limit_w > limit_w)
    in_flight = _bounded((*higher, Grant(sequence, limit_w)))
    longest_s = max(settle_s, account.settle_s)
    return replace(account, in_flight=in_flight, newest=sequence, ends_at=None, settle_s=longest_s)


def confirmed(ledger: Ledger, connector: ConnectorId, sequence: int, committed_w: float) -> Ledger:
    """The connector reported what it has taken and what it will not exceed.

    A sequence that we did not send on this stream confirms none of ours. A report that is older than one already
    seen is ignored.
    """
    account = ledger.accounts.get(connector)
    if account is None:
        return ledger
    taken = sequence if sequence <= account.newest else 0
    if taken < account.sequence:
        return ledger
    in_flight = tuple(grant for grant in account.in_flight if grant.sequence > taken)
    heard = replace(account, confirmed_w=committed_w, sequence=taken, in_flight=in_flight, ends_at=None, reported=True)
    return _with(ledger, connector, heard)


def _bounded(grants: tuple[Grant, ...]) -> tuple[Grant, ...]:
    """`grants` with the oldest ones merged: later confirmed and no lower than they are."""
    if len(grants) <= _MOST_IN_FLIGHT:
        return grants
    first, second, *others = grants
    return (Grant(second.sequence, first.limit_w), *others)


def _with(ledger: Ledger, connector: ConnectorId, account: Account) -> Ledger:
    return Ledger({**ledger.accounts, connector: account})
