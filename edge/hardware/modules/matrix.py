"""Which module feeds which connector, when modules can be switched over (pure).

A module changes sides only as a whole, at zero current, and its contactors need their time. Where one connector is
occupied alone it gets every module; where both are, each has its own again. A connector that delivers never gains a
module: that would close a contactor onto a live cable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Power

MOST_MOVABLE: Final = 8
"""More modules would make the list of possible powers long without use."""


@dataclass(frozen=True, slots=True)
class MatrixConfig:
    """The cabinet as built."""

    home: Mapping[int, ConnectorId]
    """Each module's address and the connector that it belongs to when both are occupied."""
    switch_s: float | None
    """How long the contactors of a module take. None: modules cannot be moved."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Where each module is."""

    at: Mapping[int, ConnectorId]
    """Modules that are connected."""
    moving: Mapping[int, tuple[ConnectorId, Monotonic]]
    """Modules on their way: where to, and when they arrive."""


@dataclass(frozen=True, slots=True)
class Move:
    """One module leaves a connector, or has come to one."""

    address: int
    connector: ConnectorId
    arrives: bool


def at_home(config: MatrixConfig) -> Matrix:
    """Every module where it belongs."""
    return Matrix(dict(config.home), {})


def wanted(config: MatrixConfig, occupied: Collection[ConnectorId]) -> Mapping[int, ConnectorId]:
    """Where each module should be."""
    if config.switch_s is None or len(occupied) != 1:
        return config.home
    (alone,) = occupied
    return dict.fromkeys(config.home, alone)


def stepped(
    config: MatrixConfig,
    matrix: Matrix,
    occupied: Collection[ConnectorId],
    live: Collection[ConnectorId],
    idle: Collection[int],
    now: Monotonic,
) -> tuple[Matrix, tuple[Move, ...]]:
    """The matrix at `now`, and what has changed.

    Args:
        occupied: Connectors with a vehicle.
        live: Connectors that are energised; none of them gains a module.
        idle: Modules that are off and carry no current.
    """
    matrix, arrived = _arrived(matrix, now)
    goal = wanted(config, occupied)
    leaving = [
        address
        for address, connector in matrix.at.items()
        if goal[address] != connector and address in idle and goal[address] not in live
    ]
    due = after(now, config.switch_s or 0.0)
    moving = {**matrix.moving, **{address: (goal[address], due) for address in leaving}}
    left = tuple(Move(address, matrix.at[address], arrives=False) for address in leaving)
    stay = {address: connector for address, connector in matrix.at.items() if address not in leaving}
    return Matrix(stay, moving), (*arrived, *left)


def _arrived(matrix: Matrix, now: Monotonic) -> tuple[Matrix, tuple[Move, ...]]:
    there = {address: to for address, (to, due) in matrix.moving.items() if now >= due}
    if not there:
        return matrix, ()
    moving = {address: way for address, way in matrix.moving.items() if address not in there}
    moves = tuple(Move(address, connector, arrives=True) for address, connector in there.items())
    return replace(matrix, at={**matrix.at, **there}, moving=moving), moves


def retiring(config: MatrixConfig, matrix: Matrix, occupied: Collection[ConnectorId]) -> frozenset[int]:
    """Modules that should be elsewhere and must come to zero current first."""
    goal = wanted(config, occupied)
    return frozenset(address for address, connector in matrix.at.items() if goal[address] != connector)


def possible(config: MatrixConfig, usable: Mapping[int, Power]) -> tuple[Mapping[ConnectorId, Power], ...]:
    """Every division of power between the connectors that the cabinet can make, without repetition.

    Args:
        usable: What each module that can be used now gives.
    """
    connectors = sorted(set(config.home.values()))
    movable = sorted(usable)[:MOST_MOVABLE] if config.switch_s is not None else []
    found: set[tuple[float, ...]] = set()
    for sides in product(connectors, repeat=len(movable)):
        place = {**{a: c for a, c in config.home.items() if a in usable}, **dict(zip(movable, sides, strict=True))}
        found.add(tuple(sum(usable[a].w for a, c in place.items() if c == connector) for connector in connectors))
    return tuple(
        {connector: Power(watts) for connector, watts in zip(connectors, split, strict=True)} for split in sorted(found)
    )
