"""What lies between the grid connection and the connectors: feeders, stations and their phases, as bounds. Pure.

A tree becomes a list of bounds, each on a weighted sum of the connectors' inputs: the whole input at a feeder, a third
of it at a phase that three share. One station is a tree without bounds of its own; fifty are the same code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from powerctl.core.ids import ConnectorId

PHASES: Final = ("L1", "L2", "L3")


@dataclass(frozen=True, slots=True)
class Bound:
    """One thing that carries no more than so much."""

    sentence: str
    """What it is and what it carries, for a person."""
    capacity_w: float
    """Watts AC for the connectors behind it; never negative."""
    parts: Mapping[ConnectorId, float]
    """Which part of a connector's input flows through it: above 0, at most 1. Missing: none."""


@dataclass(frozen=True)
class Tree:
    """Every bound below the grid connection."""

    bounds: tuple[Bound, ...] = ()

    @cached_property
    def index(self) -> Mapping[ConnectorId, tuple[tuple[int, float], ...]]:
        """By connector the numbers of the bounds that its input flows through, and its part there."""
        found: dict[ConnectorId, tuple[tuple[int, float], ...]] = {}
        for number, bound in enumerate(self.bounds):
            for connector, part in bound.parts.items():
                found[connector] = (*found.get(connector, ()), (number, part))
        return found

    def __bool__(self) -> bool:
        """False: there is nothing but the grid connection and the connectors."""
        return bool(self.bounds)

    def through(self, connector: ConnectorId) -> Iterable[Bound]:
        """Those that the input of `connector` flows through."""
        return (self.bounds[number] for number, _ in self.index.get(connector, ()))


@dataclass(frozen=True, slots=True)
class Node:
    """A feeder or a station as it is commissioned."""

    name: str
    parent: str = ""
    """The node that feeds it. Empty: the grid connection itself."""
    connectors: tuple[ConnectorId, ...] = ()
    """Those that hang on it directly."""
    limit_w: float | None = None
    """What it carries, watts AC. None: not bounded."""
    phase_limit_w: float | None = None
    """What each of its phases carries, watts AC. None: not bounded."""
    other_w: float = 0.0
    """What else draws there at most, watts AC, spread evenly over the phases: auxiliaries and strangers."""
    phases: tuple[str, ...] = PHASES
    """Those that feed what hangs on it directly."""


def tree_of(nodes: Sequence[Node]) -> Tree:
    """The bounds of `nodes`.

    Raises:
        ValueError: Two have one name, a parent is not there or is its own descendant, or a connector hangs on two.
    """
    known = {node.name: node for node in nodes}
    if len(known) != len(nodes):
        raise ValueError("two nodes have the same name")
    places = [(connector, node) for node in nodes for connector in node.connectors]
    if len({connector for connector, _ in places}) != len(places):
        raise ValueError("a connector hangs on two nodes")
    above = {node.name: _above(node, known) for node in nodes}
    bounds: list[Bound] = []
    for node in nodes:
        below = [(connector, place) for connector, place in places if node.name in above[place.name]]
        bounds += [bound for bound in _bounds(node, below) if bound.parts]
    return Tree(tuple(bounds))


def _above(node: Node, known: Mapping[str, Node]) -> tuple[str, ...]:
    """The node itself and all that feed it."""
    path = [node.name]
    while node.parent:
        if node.parent not in known:
            raise ValueError(f"node {node.name}: there is no node {node.parent}")
        if node.parent in path:
            raise ValueError(f"node {node.name} feeds itself")
        node = known[node.parent]
        path.append(node.name)
    return tuple(path)


def _bounds(node: Node, below: Sequence[tuple[ConnectorId, Node]]) -> Iterable[Bound]:
    if node.limit_w is not None:
        parts = {connector: 1.0 for connector, _ in below}
        told = f"{node.name} carries {node.limit_w / 1000.0:.1f} kW"
        yield Bound(told, max(0.0, node.limit_w - node.other_w), parts)
    if node.phase_limit_w is None:
        return
    for phase in PHASES:
        parts = {connector: 1.0 / len(place.phases) for connector, place in below if phase in place.phases}
        told = f"Phase {phase} of {node.name} carries {node.phase_limit_w / 1000.0:.1f} kW"
        yield Bound(told, max(0.0, node.phase_limit_w - node.other_w / len(PHASES)), parts)


class Headroom:
    """What is left at the grid connection and of each bound while connectors are served one after the other.

    Args:
        usable_w: Watts AC for all connectors.
        tree: What lies between.
    """

    def __init__(self, usable_w: float, tree: Tree) -> None:
        self._usable_w = usable_w
        self._through = tree.index
        self._left_w = [bound.capacity_w for bound in tree.bounds]

    def most_w(self, connector: ConnectorId) -> float:
        """The most that `connector` may take of what is left, watts AC."""
        most_w = self._usable_w
        for number, part in self._through.get(connector, ()):
            most_w = min(most_w, self._left_w[number] / part)
        return most_w

    def take(self, connector: ConnectorId, watts: float) -> None:
        """It takes so much, watts AC."""
        self._usable_w -= watts
        for number, part in self._through.get(connector, ()):
            self._left_w[number] -= part * watts
