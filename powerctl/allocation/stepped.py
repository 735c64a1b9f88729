"""Demands as far as the power modules serve them: in steps behind a matrix, or in the divisions it can make. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from powerctl.allocation.demand import Demand
from powerctl.allocation.modules import ModuleRules, assigned, bound_w
from powerctl.allocation.shares import shares
from powerctl.allocation.situation import Rules, Snapshot, State
from powerctl.core.clock import Monotonic
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Power

Demands = dict[ConnectorId, Demand]


def stepped(
    state: State, demands: Demands, snapshot: Snapshot, rules: Rules, cap_w: float, now: Monotonic
) -> tuple[State, Demands]:
    """`demands` within what the modules give, and the state with the modules where they are wanted.

    Args:
        state: Before.
        demands: By connector.
        snapshot: With the divisions that the controller says are possible.
        rules: With the steps that were commissioned.
        cap_w: Of the station, watts AC.
        now: The instant.
    """
    if rules.modules is not None:
        state, demands = _modular(state, demands, rules, rules.modules, cap_w, now)
    if snapshot.splits and len(demands) > 1:
        wanted = _wanted(state, demands, rules, cap_w)
        split = best_split(snapshot.splits, wanted)
        demands = {c: _bounded(one, split[c].w) if c in split else one for c, one in demands.items()}
    return state, demands


def best_split(
    splits: Sequence[Mapping[ConnectorId, Power]], wanted_w: Mapping[ConnectorId, float]
) -> Mapping[ConnectorId, Power]:
    """The division that serves most of those who want power, and most of what they want; the first of equals.

    Args:
        splits: At least one. A connector that is missing in one gets nothing there.
        wanted_w: Watts DC.
    """

    def served(split: Mapping[ConnectorId, Power]) -> tuple[int, float]:
        given = [min(watts, split[c].w if c in split else 0.0) for c, watts in wanted_w.items() if watts > 0.0]
        return sum(watts > 0.0 for watts in given), sum(given)

    return max(splits, key=served)


def _wanted(state: State, demands: Demands, rules: Rules, cap_w: float) -> dict[ConnectorId, float]:
    """The shares that would hold without modules, watts DC."""
    usable_w = state.conversion.usable_w(cap_w)
    given = shares(list(demands.values()), usable_w, state.conversion, rules.fairness, rules.tree)
    return {connector: share.limit_w for connector, share in given.items()}


def _modular(
    state: State, demands: Demands, rules: Rules, modules: ModuleRules, cap_w: float, now: Monotonic
) -> tuple[State, Demands]:
    """Modules for the shares that would hold without them, and the demands that they bound."""
    assignment = assigned(state.modules, _wanted(state, demands, rules, cap_w), modules, now)
    return replace(state, modules=assignment), {
        connector: _bounded(demand, bound_w(assignment, connector, modules)) for connector, demand in demands.items()
    }


def _bounded(demand: Demand, modules_w: float) -> Demand:
    if modules_w < demand.min_w:
        return replace(demand, may_run=False, modules_w=modules_w)
    if modules_w >= demand.want_w and demand.modules_w is None:
        return demand
    return replace(demand, want_w=min(demand.want_w, modules_w), modules_w=modules_w)
