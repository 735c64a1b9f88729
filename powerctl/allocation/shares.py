"""Who runs, and with how much: minimum powers first, then fair shares of the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from powerctl.allocation.demand import Demand
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.sharing import Weighed, fill, fill_within
from powerctl.allocation.tree import Headroom, Tree
from powerctl.core.ids import ConnectorId
from powerctl.core.setpoint import Command

_LAST: Final = datetime.max.replace(tzinfo=UTC)
_ROUNDING_W: Final = 1e-6
_NONE: Final = Tree()


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
    MOST_SERVED = "most_served"
    """Who needs least takes all it can, so that most get all they need; the others keep their minimum."""


def shares(
    demands: Sequence[Demand],
    usable_w: float,
    conversion: Conversion,
    fairness: Fairness = Fairness.WEIGHTED,
    tree: Tree = Tree(),  # noqa: B008 - frozen
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
        tree: What lies between the grid connection and the connectors.

    Returns:
        For each demand zero, or at least its minimum and at most its wish. The inputs of all outputs sum to at most
        `usable_w`, and to at most what each bound of the tree carries.
    """
    return Division(demands, conversion, fairness, tree).under(usable_w)


class Division:
    """The demands of one decision, ready to be divided under any cap: `shares` for many caps.

    Args:
        demands: At most one per connector.
        conversion: From output to input.
        fairness: How the rest is divided.
        tree: What lies between the grid connection and the connectors.
    """

    def __init__(
        self,
        demands: Sequence[Demand],
        conversion: Conversion,
        fairness: Fairness,
        tree: Tree = Tree(),  # noqa: B008 - frozen
    ) -> None:
        self._tree = tree
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
        self._known: dict[tuple[float, bool, bool], Mapping[ConnectorId, Share]] = {}

    @property
    def is_even(self) -> bool:
        """True when nobody has more weight than another."""
        return all(weight == 1.0 for weight in self._weights)

    def under(self, usable_w: float, *, even: bool = False, free: bool = False) -> Mapping[ConnectorId, Share]:
        """Shares of `usable_w`, watts AC.

        Args:
            usable_w: Never negative.
            even: As if all had the same weight.
            free: As if nothing but the grid connection bounded them together.
        """
        key = (usable_w, even, free)
        known = self._known.get(key)
        if known is None:
            tree = _NONE if free else self._tree
            known = self._known[key] = self._divided(usable_w, tree, even=even)
        return known

    def _divided(self, usable_w: float, tree: Tree, *, even: bool) -> Mapping[ConnectorId, Share]:
        room = Headroom(usable_w, tree)
        admitted = self._admitted(room)
        floors = self._raised(admitted, room)
        parts = dict(zip(admitted, self._parts(admitted, usable_w, tree, floors, even=even), strict=True))
        return {
            demand.connector: _running(demand, self._conversion.dc_w(parts[n])) if n in parts else _denied(demand)
            for n, demand in enumerate(self._demands)
        }

    def _admitted(self, room: Headroom) -> list[int]:
        """Those that run, by connector; their minimums are taken from `room`.

        One that does not fit leaves room for a smaller one behind it.
        """
        admitted = []
        for number in self._order:
            demand, floor_w = self._demands[number], self._floors[number]
            if demand.may_run and floor_w <= room.most_w(demand.connector):
                room.take(demand.connector, floor_w)
                admitted.append(number)
        return sorted(admitted)

    def _raised(self, admitted: Sequence[int], room: Headroom) -> list[float]:
        """What each gets in any case: its minimum, then what is reserved for it as far as there is power."""
        floors = {number: self._floors[number] for number in admitted}
        for number in self._order:
            if number in floors and self._reserved[number] > floors[number]:
                connector = self._demands[number].connector
                more_w = max(0.0, min(room.most_w(connector), self._reserved[number] - floors[number]))
                floors[number] += more_w
                room.take(connector, more_w)
        return [floors[number] for number in admitted]

    def _parts(
        self, admitted: Sequence[int], usable_w: float, tree: Tree, floors: list[float], *, even: bool
    ) -> list[float]:
        ceilings = [self._ceilings[number] for number in admitted]
        if self._fairness in _IN_TURN:
            room = Headroom(usable_w, tree)
            return self._in_turn([self._demands[n] for n in admitted], room, floors, ceilings)
        weights = [1.0 if even else self._weights[number] for number in admitted]
        if not tree:
            return fill(usable_w, floors, ceilings, weights)
        rows: list[Weighed] = [(usable_w, dict.fromkeys(range(len(admitted)), 1.0))]
        rows += [(bound.capacity_w, {}) for bound in tree.bounds]
        for place, number in enumerate(admitted):
            for row, part in tree.index.get(self._demands[number].connector, ()):
                rows[row + 1][1][place] = part
        return fill_within([row for row in rows if row[1]], floors, ceilings, weights)

    def _in_turn(
        self, admitted: Sequence[Demand], room: Headroom, floors: list[float], ceilings: list[float]
    ) -> list[float]:
        """One takes all it can before the next; all have what they get in any case."""
        order, parts = _IN_TURN[self._fairness], list(floors)
        for demand, floor in zip(admitted, floors, strict=True):
            room.take(demand.connector, floor)
        for place in sorted(range(len(admitted)), key=lambda n: order(admitted[n])):
            connector = admitted[place].connector
            more_w = max(0.0, min(room.most_w(connector), ceilings[place] - floors[place]))
            parts[place] += more_w
            room.take(connector, more_w)
        return parts


def standing(demand: Demand) -> tuple[bool, int, int, datetime, ConnectorId]:
    """Sort key: who is served first when not all minimum powers fit."""
    return (demand.can_wait, demand.priority, demand.turns, demand.plug_in_time or _LAST, demand.connector)


def _nearly_done(demand: Demand) -> tuple[float, tuple[bool, int, int, datetime, ConnectorId]]:
    """Sort key: who needs least comes first, so that as many as possible are served."""
    return (math.inf if demand.need_wh is None else demand.need_wh, standing(demand))


_IN_TURN: Final[Mapping[Fairness, Callable[[Demand], Any]]] = {
    Fairness.FIRST_COME: standing,
    Fairness.MOST_SERVED: _nearly_done,
}
"""Ways to divide in which one takes all it can before the next, by the order."""


def _running(demand: Demand, limit_w: float) -> Share:
    limit_w = min(max(limit_w, demand.min_w), demand.want_w)
    at_floor = limit_w <= demand.min_w + _ROUNDING_W < demand.want_w
    return Share(Command.HOLD_MIN if at_floor else Command.RUN, limit_w)


def _denied(demand: Demand) -> Share:
    """Who can wait waits; a firm session, and one that a pause would end, can only stop."""
    return Share(Command.PAUSE if demand.can_wait else Command.STOP, 0.0)
