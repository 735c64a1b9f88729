"""Who runs, and with how much: minimum powers first, then fair shares of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from powerctl.allocation.demand import Demand
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.sharing import fill
from powerctl.core.ids import ConnectorId
from powerctl.core.setpoint import Command

_LAST: Final = datetime.max.replace(tzinfo=UTC)
_ROUNDING_W: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Share:
    """What one connector gets."""

    command: Command
    limit_w: float
    """Watts DC: zero unless the command is RUN or HOLD_MIN, then at least the session's minimum."""


class Fairness(StrEnum):
    """How free power is divided among those who run."""

    WEIGHTED = "weighted"
    """All rise together in proportion to their weights: even, unless a plan says otherwise."""
    EQUAL = "equal"
    """All rise together."""
    FIRST_COME = "first_come"
    """Who came first takes all it can; the others keep their minimum."""


def shares(
    demands: Sequence[Demand], usable_w: float, conversion: Conversion, fairness: Fairness = Fairness.WEIGHTED
) -> Mapping[ConnectorId, Share]:
    """A share of `usable_w` for every demand.

    Sessions are admitted in order of standing while their minimum powers fit: firm ones before flexible ones, which
    can wait without ending; then by priority, by plug-in time, by connector. What is reserved comes next. The rest of
    the power raises all admitted sessions together in proportion to their weights. The result does not depend on the
    order of `demands`.

    Args:
        demands: At most one per connector.
        usable_w: Watts AC for all connectors; never negative.
        conversion: From output to input.
        fairness: How the rest is divided.

    Returns:
        For each demand zero, or at least its minimum and at most its wish. The inputs of all outputs sum to at most
        `usable_w`.
    """
    return Division(demands, conversion, fairness).under(usable_w)


class Division:
    """The demands of one decision, ready to be divided under any cap: `shares` for many caps.

    Args:
        demands: At most one per connector.
        conversion: From output to input.
        fairness: How the rest is divided.
    """

    def __init__(self, demands: Sequence[Demand], conversion: Conversion, fairness: Fairness) -> None:
        self._demands = sorted(demands, key=lambda demand: demand.connector)
        self._conversion = conversion
        self._fairness = fairness
        self._order = sorted(range(len(self._demands)), key=lambda n: standing(self._demands[n]))
        self._floors = [conversion.ac_w(demand.min_w) for demand in self._demands]
        self._ceilings = [conversion.ac_w(demand.want_w) for demand in self._demands]
        self._reserved = [
            conversion.ac_w(max(demand.min_w, min(demand.want_w, demand.guaranteed_w)))
            if demand.guaranteed_w > 0.0
            else floor
            for demand, floor in zip(self._demands, self._floors, strict=True)
        ]
        self._weights = [demand.weight if fairness is Fairness.WEIGHTED else 1.0 for demand in self._demands]
        self._known: dict[tuple[float, bool], Mapping[ConnectorId, Share]] = {}

    @property
    def is_even(self) -> bool:
        """True when nobody has more weight than another."""
        return all(weight == 1.0 for weight in self._weights)

    def under(self, usable_w: float, *, even: bool = False) -> Mapping[ConnectorId, Share]:
        """Shares of `usable_w`, watts AC.

        Args:
            usable_w: Never negative.
            even: As if all had the same weight.
        """
        known = self._known.get((usable_w, even))
        if known is None:
            known = self._known[usable_w, even] = self._divided(usable_w, even=even)
        return known

    def _divided(self, usable_w: float, *, even: bool) -> Mapping[ConnectorId, Share]:
        admitted, left_w = self._admitted(usable_w)
        floors = self._raised(admitted, left_w)
        parts = dict(zip(admitted, self._parts(admitted, usable_w, floors, even=even), strict=True))
        return {
            demand.connector: _running(demand, self._conversion.dc_w(parts[n])) if n in parts else _denied(demand)
            for n, demand in enumerate(self._demands)
        }

    def _admitted(self, usable_w: float) -> tuple[list[int], float]:
        """Those that run, by connector, and what their minimums leave.

        One that does not fit leaves room for a smaller one behind it.
        """
        left_w, admitted = usable_w, []
        for number in self._order:
            if self._demands[number].may_run and self._floors[number] <= left_w:
                left_w -= self._floors[number]
                admitted.append(number)
        return sorted(admitted), left_w

    def _raised(self, admitted: Sequence[int], left_w: float) -> list[float]:
        """What each gets in any case: its minimum, then what is reserved for it as far as there is power."""
        floors = {number: self._floors[number] for number in admitted}
        for number in self._order:
            if number in floors and self._reserved[number] > floors[number]:
                more_w = max(0.0, min(left_w, self._reserved[number] - floors[number]))
                floors[number] += more_w
                left_w -= more_w
        return [floors[number] for number in admitted]

    def _parts(self, admitted: Sequence[int], usable_w: float, floors: list[float], *, even: bool) -> list[float]:
        ceilings = [self._ceilings[number] for number in admitted]
        if self._fairness is not Fairness.FIRST_COME:
            weights = [1.0 if even else self._weights[number] for number in admitted]
            return fill(usable_w, floors, ceilings, weights)
        parts, left_w = list(floors), usable_w - sum(floors)
        places = {number: place for place, number in enumerate(admitted)}
        for place in (places[number] for number in self._order if number in places):
            more_w = max(0.0, min(left_w, ceilings[place] - floors[place]))
            parts[place] += more_w
            left_w -= more_w
        return parts


def standing(demand: Demand) -> tuple[bool, int, int, datetime, ConnectorId]:
    """Sort key: who is served first when not all minimum powers fit."""
    return (demand.can_wait, demand.priority, demand.turns, demand.plug_in_time or _LAST, demand.connector)


def _running(demand: Demand, limit_w: float) -> Share:
    limit_w = min(max(limit_w, demand.min_w), demand.want_w)
    at_floor = limit_w <= demand.min_w + _ROUNDING_W < demand.want_w
    return Share(Command.HOLD_MIN if at_floor else Command.RUN, limit_w)


def _denied(demand: Demand) -> Share:
    """Who can wait waits; a firm session, and one that a pause would end, can only stop."""
    return Share(Command.PAUSE if demand.can_wait else Command.STOP, 0.0)
