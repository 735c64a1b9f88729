"""The plan as a Pyomo model: the one definition of what is optimised. Runs in the plan process only.

The model is built once per number of vehicles; a problem only sets its parameters, each of which enters it linearly.
Nothing here can be infeasible: what cannot be served is not. Powers are in kW, energies in kWh, times in hours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import pyomo.environ as pyo

from powerctl.allocation.plan_problem import FULL, STEPS, PlanProblem, PlanSession, starts
from powerctl.allocation.plan_rows import STOP, Shape, add_rows, row_values, shape_of

CHORDS: Final = 8
_KW: Final = 1000.0
STAGES: Final = ("count", "welfare", "cost", "change")
"""In order: each is solved under the values that the ones before have reached. Values are to be maximised."""
NEVER: Final = -1e7
PLAIN: Final = Shape()


def build(vehicles: int, shape: Shape = PLAIN) -> Any:
    """The model for so many vehicles.

    Args:
        vehicles: At least one; `load` leaves those that are not there without power.
        shape: Which rows it has beside those that every question needs.
    """
    model = pyo.ConcreteModel()
    model.k = pyo.RangeSet(0, vehicles - 1)
    model.t = pyo.RangeSet(0, STEPS - 1)
    _add_parameters(model)
    model.energy = pyo.Var(model.k, model.t, bounds=lambda m, k, t: (m.least[k, t], m.most[k, t]))
    model.taken = pyo.Var(model.k, pyo.RangeSet(1, STEPS), bounds=lambda m, k, _: (m.floor[k], m.need[k]))
    model.fill = pyo.Constraint(model.k, model.t, rule=_fill)
    model.cap = pyo.Constraint(model.t, rule=lambda m, t: sum(m.energy[k, t] for k in m.k) <= m.available[t])
    model.taper = pyo.Constraint(model.k, model.t, rule=_taper)
    add_rows(model, shape)
    _add_welfare(model)
    _add_cost(model, shape)
    _add_change(model)
    if shape.count:
        _add_count(model)
    _add_stages(model, count=shape.count)
    return model


def _add_parameters(model: Any) -> None:
    def table(*index: Any, start: float = 0.0) -> Any:
        return pyo.Param(*index, mutable=True, initialize=start, within=pyo.Reals)

    model.least = table(model.k, model.t)
    model.most = table(model.k, model.t)
    model.need = table(model.k)
    model.floor = table(model.k)
    model.available = table(model.t)
    model.room = table(model.k, model.t)
    model.fade = table(model.k, model.t)
    model.chord = table(model.k, pyo.RangeSet(0, CHORDS - 1))
    model.rate = table(model.t)
    model.peak_price = table()
    model.peak_hours = table(model.t)
    model.peak_so_far = table()
    model.beside = table(model.t)
    model.now = table(model.k)
    model.per_hour = table(start=60.0)


def _before(model: Any, k: int, t: int) -> Any:
    return model.taken[k, t] if t else 0.0


def _fill(model: Any, k: int, t: int) -> Any:
    return model.taken[k, t + 1] == _before(model, k, t) + model.energy[k, t]


def _taper(model: Any, k: int, t: int) -> Any:
    """Energy of a step under p <= a - b * taken: exact within the step, for that line's power falls exponentially."""
    return model.energy[k, t] + model.fade[k, t] * _before(model, k, t) <= model.room[k, t]


def _add_welfare(model: Any) -> None:
    """Satisfaction of a driver is 1.6 r - 0.6 r^2 of the part r that is served, from below by chords."""
    model.part = pyo.Var(
        model.k, pyo.RangeSet(0, CHORDS - 1), bounds=lambda m, k, c: (0.0 if c else m.floor[k], m.chord[k, c])
    )
    model.parts = pyo.Constraint(
        model.k, rule=lambda m, k: sum(m.part[k, c] for c in range(CHORDS)) == m.taken[k, STEPS]
    )
    slopes = list(chord_slopes())
    model.welfare_value = sum(slopes[c] * model.part[k, c] for k in model.k for c in range(CHORDS))


def chord_slopes() -> Iterator[float]:
    """Satisfaction per part served, chord by chord."""
    for left, right in pairwise(number / CHORDS for number in range(CHORDS + 1)):
        yield ((1.6 * right - 0.6 * right**2) - (1.6 * left - 0.6 * left**2)) * CHORDS


def _add_cost(model: Any, shape: Shape) -> None:
    """Price and delay of every kilowatt hour, of a new highest peak of the site, and of stopping."""
    model.peak = pyo.Var(bounds=lambda m: (m.peak_so_far, None))
    model.peaks = pyo.Constraint(
        model.t, rule=lambda m, t: sum(m.energy[k, t] for k in m.k) - m.peak_hours[t] * m.peak <= m.beside[t]
    )
    energy = sum(model.rate[t] * model.energy[k, t] for k in model.k for t in model.t)
    spared = sum(model.saving[t] * model.own[t] for t in model.t) if shape.own else 0.0
    stops = STOP * sum(model.stop[k] for k in model.k) if shape.minima else 0.0
    model.cost_value = spared - energy - model.peak_price * model.peak - stops


def _add_change(model: Any) -> None:
    """Where nothing else decides, nobody loses what they have."""
    model.drop = pyo.Var(model.k, domain=pyo.NonNegativeReals)
    model.drops = pyo.Constraint(model.k, rule=lambda m, k: m.drop[k] >= m.now[k] - m.per_hour * m.energy[k, 0])
    model.change_value = -sum(model.drop[k] for k in model.k)


def _add_count(model: Any) -> None:
    model.served = pyo.Var(model.k, domain=pyo.Binary)
    model.full = table = pyo.Param(model.k, mutable=True, initialize=1.0, within=pyo.Reals)
    model.completes = pyo.Constraint(model.k, rule=lambda m, k: m.taken[k, STEPS] >= table[k] * m.served[k])
    model.count_value = sum(model.served[k] for k in model.k)


def _add_stages(model: Any, *, count: bool) -> None:
    """One variable per stage, so that a stage is a cost on it and its result a bound."""
    names = STAGES if count else STAGES[1:]
    model.stages = pyo.Set(initialize=names, ordered=True)
    model.wanted = pyo.Param(model.stages, mutable=True, initialize=0.0, within=pyo.Reals)
    model.held = pyo.Param(model.stages, mutable=True, initialize=NEVER, within=pyo.Reals)
    model.value = pyo.Var(model.stages, bounds=lambda m, s: (m.held[s], None))
    model.reached = pyo.Constraint(model.stages, rule=lambda m, s: m.value[s] == getattr(m, f"{s}_value"))
    model.objective = pyo.Objective(expr=sum(model.wanted[s] * model.value[s] for s in names), sense=pyo.maximize)


Parameters = dict[str, dict[Any, float]]
"""Values by name of the parameter and index; a scalar's index is None."""


def parameters(problem: PlanProblem, vehicles: int, shape: Shape | None = None) -> Parameters:
    """What `problem` sets in the model for so many vehicles and of `shape`; None: of the shape that it needs."""
    values: Parameters = {name: {} for name in ("least", "most", "need", "floor", "room", "fade", "chord", "now")}
    hours = [seconds / 3600.0 for seconds in problem.steps_s]
    begins = starts(problem.steps_s)
    for k in range(vehicles):
        if k < len(problem.sessions):
            _set_session(values, k, problem, problem.sessions[k], hours, begins)
        else:
            _set_absent(values, k)
    price = problem.price or (0.0,) * STEPS
    values["rate"] = {t: price[t] + problem.earliness * begins[t] / 3600.0 for t in range(STEPS)}
    values["available"] = {t: cap / _KW * hours[t] for t, cap in enumerate(problem.cap_w)}
    values["peak_hours"] = dict(enumerate(hours))
    values["peak_price"] = {None: problem.peak_price if problem.peak_w is not None else 0.0}
    values["peak_so_far"] = {None: problem.peak_w / _KW if problem.peak_w is not None else 1e4}
    site_w = problem.site_w or (0.0,) * STEPS
    values["beside"] = {
        t: -watts / _KW * hours[t] if problem.peak_w is not None else 0.0 for t, watts in enumerate(site_w)
    }
    values["per_hour"] = {None: 1.0 / hours[0]}
    if problem.mode == "count":
        values["full"] = {k: FULL * values["need"][k] for k in range(vehicles)}
    row_values(problem, vehicles, shape or shape_of(problem), values)
    return values


def _set_session(
    values: Parameters,
    k: int,
    problem: PlanProblem,
    session: PlanSession,
    hours: list[float],
    begins: tuple[float, ...],
) -> None:
    need = session.need_wh / _KW
    served = session.served_wh / _KW
    values["need"][k] = need
    values["floor"][k] = -served if session.discharge_w > 0.0 else 0.0
    values["now"][k] = session.now_w / _KW
    length = (need + served) / CHORDS
    for c in range(CHORDS):
        values["chord"][k, c] = max(0.0, min(length, (c + 1) * length - served))
    for t, (begin, hour) in enumerate(zip(begins, hours, strict=True)):
        present = _present(session, begin, hour * 3600.0)
        values["most"][k, t] = session.max_w / _KW * hour * present
        values["least"][k, t] = -session.discharge_w / _KW * hour * present
        values["fade"][k, t], values["room"][k, t] = _line(session, hour, need)


def _line(session: PlanSession, hour: float, need: float) -> tuple[float, float]:
    """Coefficient and right side of the taper of one step."""
    if session.taper_w is None or session.taper_per_h <= 0.0:
        return 0.0, max(1e3, 2.0 * need)
    fade = -math.expm1(-session.taper_per_h * hour)
    return fade, fade * session.taper_w / _KW / session.taper_per_h


def _present(session: PlanSession, begin_s: float, length_s: float) -> float:
    """Part of the step in which the vehicle is there."""
    here_s = min(session.from_s + session.stay_s, begin_s + length_s) - max(session.from_s, begin_s)
    return max(0.0, here_s) / length_s


def _set_absent(values: Parameters, k: int) -> None:
    values["need"][k] = values["floor"][k] = values["now"][k] = 0.0
    for c in range(CHORDS):
        values["chord"][k, c] = 0.0
    for t in range(STEPS):
        values["most"][k, t] = values["least"][k, t] = values["fade"][k, t] = 0.0
        values["room"][k, t] = 1.0
