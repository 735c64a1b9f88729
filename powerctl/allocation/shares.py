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
    admitted = _admitted(demands, usable_w, conversion)
    floors = _floors(admitted, usable_w, conversion)
    ceilings = [conversion.ac_w(demand.want_w) for demand in admitted]
    parts = _parts(admitted, usable_w, floors, ceilings, fairness)
    given = {
        demand.connector: _running(demand, conversion.dc_w(part)) for demand, part in zip(admitted, parts, strict=True)
    }
    return {demand.connector: given.get(demand.connector) or _denied(demand) for demand in demands}


def _floors(admitted: Sequence[Demand], usable_w: float, conversion: Conversion) -> list[float]:
    """What each gets in any case: its minimum, then what is reserved for it as far as there is power."""
    floors = [conversion.ac_w(demand.min_w) for demand in admitted]
    left_w = usable_w - sum(floors)
    for number in sorted(range(len(admitted)), key=lambda n: standing(admitted[n])):
        demand = admitted[number]
        reserved_w = conversion.ac_w(max(demand.min_w, min(demand.want_w, demand.guaranteed_w)))
        more_w = max(0.0, min(left_w, reserved_w - floors[number]))
        floors[number] += more_w
        left_w -= more_w
    return floors


def _parts(
    admitted: Sequence[Demand], usable_w: float, floors: list[float], ceilings: list[float], fairness: Fairness
) -> list[float]:
    if fairness is not Fairness.FIRST_COME:
        weights = [demand.weight if fairness is Fairness.WEIGHTED else 1.0 for demand in admitted]
        return fill(usable_w, floors, ceilings, weights)
    parts, left_w = list(floors), usable_w - sum(floors)
    for number in sorted(range(len(admitted)), key=lambda n: standing(admitted[n])):
        more_w = max(0.0, min(left_w, ceilings[number] - floors[number]))
        parts[number] += more_w
        left_w -= more_w
    return parts


def standing(demand: Demand) -> tuple[bool, int, int, datetime, ConnectorId]:
    """Sort key: who is served first when not all minimum powers fit."""
    return (demand.can_wait, demand.priority, demand.turns, demand.plug_in_time or _LAST, demand.connector)


def _admitted(demands: Sequence[Demand], usable_w: float, conversion: Conversion) -> list[Demand]:
    """Those that run, by connector. One that does not fit leaves room for a smaller one behind it."""
    left_w = usable_w
    admitted = []
    for demand in sorted(demands, key=standing):
        floor_w = conversion.ac_w(demand.min_w)
        if demand.may_run and floor_w <= left_w:
            left_w -= floor_w
            admitted.append(demand)
    return sorted(admitted, key=lambda demand: demand.connector)


def _running(demand: Demand, limit_w: float) -> Share:
    limit_w = min(max(limit_w, demand.min_w), demand.want_w)
    at_floor = limit_w <= demand.min_w + _ROUNDING_W < demand.want_w
    return Share(Command.HOLD_MIN if at_floor else Command.RUN, limit_w)


def _denied(demand: Demand) -> Share:
    """Who can wait waits; a firm session, and one that a pause would end, can only stop."""
    return Share(Command.PAUSE if demand.can_wait else Command.STOP, 0.0)
