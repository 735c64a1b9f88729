"""What a source of grid signals is to the arbitration, and the collection of those beside the register map. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol, runtime_checkable

from powerctl.core.clock import Monotonic
from powerctl.core.demand import StationReport
from powerctl.core.record import GridEvent, GridEventKind
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import ZERO_POWER, Power
from powerctl.signals.arbitration import Contribution
from powerctl.signals.mailbox import Stamp

_STEADY: Final = frozenset({LimitSource.SITE_METER, LimitSource.FREQUENCY, LimitSource.RAMP})
"""Their caps follow a measurement: the evidence holds that they limit, not each value (the station's cap is there)."""


class Source(Protocol):
    """Something that may limit the station."""

    def contributions(self, stamp: Stamp) -> Sequence[Contribution]:
        """What it asks for at this instant. Empty: nothing."""
        ...

    def deadline(self, stamp: Stamp) -> Monotonic | None:
        """When its contributions may change by time alone. None: they do not."""
        ...


@runtime_checkable
class Reported(Protocol):
    """A source that wants to know what the station draws and needs."""

    def reported(self, report: StationReport, now: Monotonic) -> None:
        """Take the newest report of the controller."""
        ...


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a source knows about an instant to come."""

    cap: Power | None = None
    price: Decimal | None = None
    """Per kilowatt hour."""
    currency: str = ""
    """Of the price, ISO 4217. Empty: not told."""


@runtime_checkable
class Foresighted(Protocol):
    """A source that knows limits or prices ahead of time."""

    def foreseen(self, utc: datetime) -> Foreseen:
        """What is known about `utc`."""
        ...


class Sources:
    """Every source beside the register map, in the order in which they were added."""

    def __init__(self) -> None:
        self._all: list[Source] = []
        self._told: dict[tuple[int, int], Contribution] = {}

    def add(self, source: Source) -> None:
        """Let `source` contribute from now on."""
        self._all.append(source)

    def contributions(self, stamp: Stamp) -> list[Contribution]:
        """What all of them ask for."""
        return [contribution for source in self._all for contribution in source.contributions(stamp)]

    def deadline(self, stamp: Stamp) -> Monotonic | None:
        """When a contribution may change by time alone, at the earliest."""
        return min((at for source in self._all if (at := source.deadline(stamp)) is not None), default=None)

    def reported(self, report: StationReport, now: Monotonic) -> None:
        """Pass on the newest report of the controller to those that want it."""
        for source in self._all:
            if isinstance(source, Reported):
                source.reported(report, now)

    def foreseen(self, utc: datetime) -> Foreseen:
        """The lowest cap and the first price that any source knows for `utc`."""
        known = [source.foreseen(utc) for source in self._all if isinstance(source, Foresighted)]
        priced = next((one for one in known if one.price is not None), Foreseen())
        cap = min((one.cap for one in known if one.cap is not None), default=None)
        return Foreseen(cap, priced.price, priced.currency)

    def news(self, stamp: Stamp, measured: Power | None) -> list[GridEvent]:
        """What the evidence must know since the last call, in order of the sources."""
        now = {
            (number, place): contribution
            for number, source in enumerate(self._all)
            for place, contribution in enumerate(_limiting(source.contributions(stamp)))
        }
        before, self._told = self._told, now
        return list(_news(before, now, stamp, measured))


def _limiting(contributions: Iterable[Contribution]) -> Iterator[Contribution]:
    return (c for c in contributions if c.cap is not None or c.setpoint is not None or c.command is not Command.RUN)


def _news(
    before: dict[tuple[int, int], Contribution],
    now: dict[tuple[int, int], Contribution],
    stamp: Stamp,
    measured: Power | None,
) -> Iterator[GridEvent]:
    for key, contribution in now.items():
        if key not in before or _essence(before[key]) != _essence(contribution):
            failed = contribution.source is LimitSource.FAILSAFE
            kind = GridEventKind.FAILSAFE if failed else GridEventKind.RECEIVED
            cap = _bound(contribution)
            yield GridEvent(kind, contribution.source, cap, measured, stamp.utc, contribution.detail)
    for key, contribution in before.items():
        if key not in now:
            detail = f"No longer in force: {contribution.detail}"
            cap = _bound(contribution)
            yield GridEvent(GridEventKind.RELEASED, contribution.source, cap, measured, stamp.utc, detail)


def _essence(contribution: Contribution) -> tuple[object, ...]:
    if contribution.source in _STEADY:
        return (contribution.source,)
    return contribution.source, contribution.cap, contribution.setpoint, contribution.command


def _bound(contribution: Contribution) -> Power:
    bound = contribution.cap if contribution.cap is not None else contribution.setpoint
    return ZERO_POWER if bound is None else bound
