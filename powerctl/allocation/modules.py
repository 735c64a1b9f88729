"""Power that comes in steps: equal modules behind a switching matrix, each feeding one connector at a time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from powerctl.core.clock import Monotonic, after
from powerctl.core.ids import ConnectorId


@dataclass(frozen=True, slots=True)
class ModuleRules:
    """What the matrix can do."""

    unit_w: float
    """Of one module, watts DC."""
    count: int
    dwell_s: float = 60.0
    """A module that was switched stays at least so long: contactors wear, and each change interrupts a vehicle."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which connector has how many modules."""

    modules: Mapping[ConnectorId, int] = field(default_factory=dict)
    at: Monotonic | None = None
    """When it changed last. None: never."""

    def may_change_at(self, rules: ModuleRules) -> Monotonic | None:
        """The first instant at which modules may move again. None: at any time."""
        return None if self.at is None else after(self.at, rules.dwell_s)


def assigned(old: Assignment, shares_w: Mapping[ConnectorId, float], rules: ModuleRules, now: Monotonic) -> Assignment:
    """The assignment that comes closest to the shares that would hold if power came in any amount.

    A connector that needs its first module gets one at once, from the one that has most beyond its share; everything
    else waits for the dwell. Nothing here delays a decrease: modules only bound what a share may be.

    Args:
        old: In force.
        shares_w: Watts DC; zero for a connector that runs nothing.
        rules: Of the matrix.
        now: The instant.
    """
    wanted = _closest(shares_w, rules)
    if wanted == dict(old.modules):
        return old
    waits = old.may_change_at(rules)
    if waits is None or now >= waits or _starves(old, shares_w):
        return Assignment(wanted, now)
    kept = {connector: old.modules.get(connector, 0) for connector in shares_w}
    return Assignment(kept, old.at)


def _starves(old: Assignment, shares_w: Mapping[ConnectorId, float]) -> bool:
    return any(watts > 0.0 and old.modules.get(connector, 0) == 0 for connector, watts in shares_w.items())


def _closest(shares_w: Mapping[ConnectorId, float], rules: ModuleRules) -> dict[ConnectorId, int]:
    """Modules one by one to whoever lacks most of its share; what nobody lacks stays where it is not needed."""
    modules = dict.fromkeys(sorted(shares_w), 0)
    running = [connector for connector in modules if shares_w[connector] > 0.0]
    for connector in running[: rules.count]:
        modules[connector] = 1
    for _ in range(rules.count - min(len(running), rules.count)):
        lacking = [c for c in running if shares_w[c] > modules[c] * rules.unit_w + 1e-6]
        if not lacking:
            break
        most = max(lacking, key=lambda c: (shares_w[c] - modules[c] * rules.unit_w, -c))
        modules[most] += 1
    return modules


def bound_w(assignment: Assignment, connector: ConnectorId, rules: ModuleRules) -> float:
    """The most that `connector` can get from its modules, watts DC."""
    return assignment.modules.get(connector, 0) * rules.unit_w
