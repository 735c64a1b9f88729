"""The plan as a Pyomo model: the one definition of what is optimised. Runs in the plan process only.

Stages are solved one after the other, each under the value that the ones before have reached: concave welfare of
every driver's satisfaction, then price or earliness, then evenness. Nothing here can be infeasible: what cannot be
served is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any, Final

import pyomo.environ as pyo
from pyomo.contrib.solver.common.factory import SolverFactory

from powerctl.allocation.plan_problem import NEAR_STEPS, STEPS_S, Plan, PlanProblem, PlanSession

_CHORDS: Final = 8
_SLACK: Final = 1e-5
"""What a later stage may give up of an earlier one, relative: above what the solver resolves."""
_HOURS: Final = tuple(seconds / 3600.0 for seconds in STEPS_S)
_STARTS_S: Final = (0.0, *accumulate(STEPS_S))[:-1]
_KW: Final = 1000.0


class NoPlan(Exception):
    """The solver came back with nothing that can be used."""


def solve(problem: PlanProblem, time_limit_s: float) -> Plan:
    """The best plan that was found in time.

    Raises:
        NoPlan: None was found.
    """
    model = build(problem)
    solver = SolverFactory("highs")
    for name in ("welfare", "price" if problem.price is not None else "early", "even"):
        _stage(model, solver, getattr(model, name), time_limit_s / 3)
    return Plan(
        {
            session.connector: tuple(
                max(0.0, pyo.value(model.p[session.connector, step])) * _KW for step in model.steps
            )
            for session in problem.sessions
        }
    )


def build(problem: PlanProblem) -> Any:
    """The model, with one deactivated objective per stage, all to be maximised. Powers in kW, energies in kWh."""
    sessions = {session.connector: session for session in problem.sessions}
    model = pyo.ConcreteModel()
    model.steps = pyo.RangeSet(0, len(STEPS_S) - 1)
    model.connectors = pyo.Set(initialize=sorted(sessions))
    model.p = pyo.Var(model.connectors, model.steps, bounds=lambda _, k, t: (0.0, _most_kw(sessions[k], t)))
    model.cap = pyo.Constraint(model.steps, rule=lambda m, t: _total(m, t) <= problem.cap_w[t] / _KW)
    model.taken = pyo.Var(
        model.connectors, range(len(STEPS_S) + 1), bounds=lambda _, k, t: (0.0, sessions[k].need_wh / _KW if t else 0.0)
    )
    model.charge = pyo.Constraint(
        model.connectors, model.steps, rule=lambda m, k, t: m.taken[k, t + 1] == m.taken[k, t] + m.p[k, t] * _HOURS[t]
    )
    _add_taper(model, sessions)
    _add_welfare(model, sessions)
    _add_time(model, problem)
    _add_evenness(model)
    return model


def _most_kw(session: PlanSession, step: int) -> float:
    return session.max_w / _KW if _STARTS_S[step] < session.stay_s else 0.0


def _total(model: Any, step: int) -> Any:
    return sum(model.p[connector, step] for connector in model.connectors)


def _add_taper(model: Any, sessions: dict[int, PlanSession]) -> None:
    """p <= slope * (what is left to take): exact where the vehicle's curve is concave."""
    model.taper = pyo.ConstraintList()
    for connector, session in sessions.items():
        if session.taper_per_h is not None:
            for step in model.steps:
                left = session.need_wh / _KW - model.taken[connector, step]
                model.taper.add(model.p[connector, step] <= session.taper_per_h * left)


def _add_welfare(model: Any, sessions: dict[int, PlanSession]) -> None:
    """Satisfaction of a driver is 1.6 r - 0.6 r^2 of the part r that is served, from below by chords."""
    model.satisfaction = pyo.Var(model.connectors, bounds=(0.0, 1.0))
    model.chords = pyo.ConstraintList()
    for connector, session in sessions.items():
        part = model.taken[connector, len(STEPS_S)] * _KW / session.need_wh
        for slope, offset in _chords():
            model.chords.add(model.satisfaction[connector] <= slope * part + offset)
    model.welfare = pyo.Objective(expr=sum(model.satisfaction.values()), sense=pyo.maximize)
    model.welfare.deactivate()


def _chords() -> Iterator[tuple[float, float]]:
    points = [(r, 1.6 * r - 0.6 * r * r) for r in (number / _CHORDS for number in range(_CHORDS + 1))]
    for (left, low), (right, high) in pairwise(points):
        slope = (high - low) / (right - left)
        yield slope, low - slope * left


def _add_time(model: Any, problem: PlanProblem) -> None:
    horizon_s = _STARTS_S[-1]
    model.early = pyo.Objective(
        expr=sum(_total(model, t) * _HOURS[t] * (1.0 - _STARTS_S[t] / horizon_s) for t in model.steps),
        sense=pyo.maximize,
    )
    price = problem.price or (0.0,) * len(STEPS_S)
    model.price = pyo.Objective(
        expr=-sum(_total(model, t) * _HOURS[t] * price[t] for t in model.steps), sense=pyo.maximize
    )
    model.early.deactivate()
    model.price.deactivate()


def _add_evenness(model: Any) -> None:
    """Where nothing else decides, the next hour is shared evenly."""
    near, count = range(NEAR_STEPS), len(model.connectors)
    model.highest = pyo.Var(near, domain=pyo.NonNegativeReals)
    model.above = pyo.Constraint(
        model.connectors, near, rule=lambda m, k, t: m.highest[t] >= m.p[k, t] - _total(m, t) / count
    )
    model.even = pyo.Objective(expr=-sum(model.highest[t] * _HOURS[t] for t in near), sense=pyo.maximize)
    model.even.deactivate()


def _stage(model: Any, solver: Any, objective: Any, time_limit_s: float) -> None:
    """Solve one stage, and hold its value for those that follow."""
    objective.activate()
    results = solver.solve(
        model, raise_exception_on_nonoptimal_result=False, load_solutions=False, time_limit=time_limit_s, threads=1
    )
    if results.incumbent_objective is None:
        raise NoPlan(f"stage {objective.name}: {results.termination_condition}")
    results.solution_loader.load_vars()
    reached = pyo.value(objective)
    objective.deactivate()
    held = pyo.Constraint(expr=objective.expr >= reached - _SLACK * max(1.0, abs(reached)))
    model.add_component(f"{objective.name}_held", held)
