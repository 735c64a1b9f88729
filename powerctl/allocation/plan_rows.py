"""Rows of the plan's model that only some questions need: minimum powers, the tree's bounds, own generation.

Each is added when the model is built for such a question, so that the others are as small as ever. Runs in the plan
process only. Powers are in kW, energies in kWh.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pyomo.environ as pyo

from powerctl.allocation.plan_problem import STEPS, PlanProblem

NEAR: Final = 3
"""Steps from now in which a vehicle is off or above its minimum; later ones are planned anew before they come."""
_KW: Final = 1000.0
STOP: Final = 0.02
"""What it must save to stop a vehicle that charges, in the currency of the prices: contactors wear."""
_DEAD_W: Final = 1.0
Table = dict[Any, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """Which rows a model has."""

    count: bool = False
    """With the number of fully served drivers as first stage: one binary for each."""
    minima: bool = False
    """With a binary for each vehicle and near step."""
    bounds: int = 0
    """So many feeders, stations and phases."""
    own: bool = False
    """With energy that the site has to spare."""


def shape_of(problem: PlanProblem) -> Shape:
    """What `problem` needs; minimum powers are left out, for most solutions keep to them anyway."""
    own = problem.price is not None and any(watts < 0.0 for watts in problem.site_w)
    return Shape(problem.mode == "count", bounds=len(problem.bounds), own=own)


def add_rows(model: Any, shape: Shape) -> None:
    """The rows of `shape` for `model`, which has `energy` and its sets."""
    if shape.minima:
        _add_minima(model)
    if shape.bounds:
        _add_bounds(model, shape.bounds)
    if shape.own:
        _add_own(model)


def _table(*index: Any) -> Any:
    return pyo.Param(*index, mutable=True, initialize=0.0, within=pyo.Reals)


def _add_minima(model: Any) -> None:
    model.n = pyo.RangeSet(0, NEAR - 1)
    model.bottom, model.roof = _table(model.k, model.n), _table(model.k, model.n)
    model.on = pyo.Var(model.k, model.n, domain=pyo.Binary)
    model.above = pyo.Constraint(model.k, model.n, rule=lambda m, k, n: m.energy[k, n] >= m.bottom[k, n] * m.on[k, n])
    model.runs = _table(model.k)
    model.stop = pyo.Var(model.k, domain=pyo.NonNegativeReals)
    model.stops = pyo.Constraint(model.k, rule=lambda m, k: m.stop[k] + m.on[k, 0] >= m.runs[k])
    model.below = pyo.Constraint(model.k, model.n, rule=lambda m, k, n: m.energy[k, n] <= m.roof[k, n] * m.on[k, n])


def _add_bounds(model: Any, count: int) -> None:
    model.b = pyo.RangeSet(0, count - 1)
    model.flows, model.carries = _table(model.b, model.k), _table(model.b, model.t)
    model.nodes = pyo.Constraint(
        model.b,
        model.t,
        rule=lambda m, b, t: sum(m.flows[b, k] * m.energy[k, t] for k in m.k) <= m.carries[b, t],
    )


def _add_own(model: Any) -> None:
    """Energy that the site has to spare costs what it would have earned, not what the grid asks for."""
    model.spare, model.saving = _table(model.t), _table(model.t)
    model.own = pyo.Var(model.t, bounds=lambda m, t: (0.0, m.spare[t]))
    model.owned = pyo.Constraint(model.t, rule=lambda m, t: m.own[t] <= sum(m.energy[k, t] for k in m.k))


def row_values(problem: PlanProblem, vehicles: int, shape: Shape, values: dict[str, Table]) -> None:
    """Add to `values` what the rows of `shape` need."""
    hours = [seconds / 3600.0 for seconds in problem.steps_s]
    if shape.minima:
        values["bottom"] = {(k, n): least_kwh(values, problem, k, n) for k in range(vehicles) for n in range(NEAR)}
        values["runs"] = {k: float(values["now"][k] > 0.0) for k in range(vehicles)}
        values["roof"] = {(k, n): values["most"][k, n] for k in range(vehicles) for n in range(NEAR)}
    if shape.bounds:
        place = {session.connector: k for k, session in enumerate(problem.sessions)}
        values["flows"] = {(b, k): 0.0 for b in range(shape.bounds) for k in range(vehicles)}
        for b, bound in enumerate(problem.bounds):
            values["flows"] |= {(b, place[c]): part for c, part in bound.parts if c in place}
        values["carries"] = {
            (b, t): bound.capacity_w / _KW * hours[t] for b, bound in enumerate(problem.bounds) for t in range(STEPS)
        }
    if shape.own:
        price = problem.price or (0.0,) * STEPS
        values["spare"] = {t: max(0.0, -problem.site_w[t]) / _KW * hours[t] for t in range(STEPS)}
        values["saving"] = {t: max(0.0, price[t] - problem.feed_in) for t in range(STEPS)}


def least_kwh(values: dict[str, Table], problem: PlanProblem, k: int, n: int) -> float:
    """What a vehicle takes in a near step at least if it takes anything: less at the very end, or where it tapers.

    One that can give back has no such zone.
    """
    if k >= len(problem.sessions) or problem.sessions[k].discharge_w > 0.0:
        return values["least"][k, n]
    least = problem.sessions[k].min_w / _KW * problem.steps_s[n] / 3600.0
    return max(0.0, min(least, values["most"][k, n], values["room"][k, n], values["need"][k]))


def in_dead_zone(problem: PlanProblem, values: dict[str, Table], energy: dict[tuple[int, int], float]) -> bool:
    """True: a vehicle is planned between nothing and its minimum in a near step."""
    for k in range(len(problem.sessions)):
        for n in range(NEAR):
            slack = _DEAD_W / _KW * problem.steps_s[n] / 3600.0
            if slack < energy[k, n] < least_kwh(values, problem, k, n) - slack:
                return True
    return False
