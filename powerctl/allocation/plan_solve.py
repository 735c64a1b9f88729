"""Stages of the plan, solved one after the other on either path. Runs in the plan process only."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any, Final, Protocol

import pyomo.environ as pyo
from pyomo.contrib.solver.common.factory import SolverFactory

from powerctl.allocation.plan_compiled import MIP_GAP, Compiled
from powerctl.allocation.plan_model import NEVER, PLAIN, Parameters, build, parameters
from powerctl.allocation.plan_problem import STEPS, Plan, PlanProblem
from powerctl.allocation.plan_rows import Shape, in_dead_zone, shape_of
from powerctl.allocation.plan_split import split

_SLACK: Final = 1e-6
"""What a later stage may give up of an earlier one, relative: above what the solver resolves."""
_KW: Final = 1000.0


class NoPlan(Exception):
    """The solver came back with nothing that can be used."""


class Path(Protocol):
    """One way to solve the model."""

    stages: tuple[str, ...]

    def begin(self, values: Parameters) -> None:
        """Take a problem."""

    def stage(self, name: str, held: dict[str, float], time_limit_s: float) -> float | None:
        """Maximise one stage while the others keep at least `held`; None: nothing was found."""

    def energy(self) -> dict[tuple[int, int], float]:
        """Kilowatt hours per vehicle and step of the last solution."""


def solve(problem: PlanProblem, time_limit_s: float, path: Path | None = None, *, minima: bool = True) -> Plan:
    """The best plan that was found in time.

    Args:
        problem: With at least one session.
        time_limit_s: For all stages together.
        path: None: the compiled one.
        minima: Solve again with binaries where a near step lies between nothing and a minimum power.

    Raises:
        NoPlan: None was found.
    """
    vehicles, shape = len(problem.sessions), shape_of(problem)
    if path is not None:
        return _plan(problem, _staged(path, parameters(problem, vehicles), time_limit_s))
    values = parameters(problem, vehicles)
    energy = _staged(compiled_path(vehicles, shape), values, 0.75 * time_limit_s)
    if minima and in_dead_zone(problem, values, energy):
        shape = replace(shape, minima=True)
        with suppress(NoPlan):
            values = parameters(problem, vehicles, shape)
            energy = _staged(compiled_path(vehicles, shape), values, 0.25 * time_limit_s)
    return _plan(problem, energy)


def _staged(path: Path, values: Parameters, time_limit_s: float) -> dict[tuple[int, int], float]:
    """Kilowatt hours per vehicle and step after the last stage that found something.

    Raises:
        NoPlan: Not even the first did.
    """
    path.begin(values)
    held: dict[str, float] = {}
    energy: dict[tuple[int, int], float] | None = None
    for name in path.stages:
        value = path.stage(name, held, time_limit_s / len(path.stages))
        if value is None:
            break
        held[name] = value - _SLACK * max(1.0, abs(value))
        energy = path.energy()
    if energy is None:
        raise NoPlan("the first stage found nothing")
    return energy


def answer(problem: PlanProblem, time_limit_s: float) -> Plan:
    """The plan, and how the vehicles that are present divide what there is now.

    Raises:
        NoPlan: None was found in time.
    """
    shares = {} if problem.by_cost else split(problem)
    # Two that are divided keep to their minimum anyway, and by cost the fast path rounds: binaries cost energy there.
    minima = not (problem.by_cost or shares) and all(session.confident for session in problem.sessions)
    return replace(solve(problem, time_limit_s, minima=minima), share_w=shares)


def _plan(problem: PlanProblem, energy: dict[tuple[int, int], float]) -> Plan:
    hours = [seconds / 3600.0 for seconds in problem.steps_s]
    return Plan(
        {
            session.connector: tuple(max(-session.discharge_w, energy[k, t] / hours[t] * _KW) for t in range(STEPS))
            for k, session in enumerate(problem.sessions)
        }
    )


@cache
def compiled_path(vehicles: int, shape: Shape) -> Path:
    """The compiled path for so many vehicles; compiled at the first call."""
    return CompiledPath(vehicles, shape)


class CompiledPath:
    """Re-solves the standard form."""

    def __init__(self, vehicles: int, shape: Shape = PLAIN) -> None:
        model = build(vehicles, shape)
        self.stages: tuple[str, ...] = tuple(model.stages)
        self.form = Compiled(model)
        self._fresh = True
        self._columns = {
            (k, t): self.form.columns[model.energy[k, t].name] for k in range(vehicles) for t in range(STEPS)
        }

    def begin(self, values: Parameters) -> None:
        """Take a problem."""
        self.form.set(values)
        self._fresh = True

    def stage(self, name: str, held: dict[str, float], time_limit_s: float) -> float | None:
        """Maximise one stage."""
        self.form.set(_stage(self.stages, name, held))
        if self._fresh:
            self.form.load()
        else:
            self.form.load_next()
        self._fresh = False
        return self.form.run(time_limit_s)

    def energy(self) -> dict[tuple[int, int], float]:
        """Of the last solution."""
        solution = self.form.solution()
        return {key: float(solution[column]) for key, column in self._columns.items()}


class PyomoPath:
    """Solves the Pyomo model itself, with Pyomo's own persistent interface: the reference for the compiled path."""

    def __init__(self, vehicles: int, shape: Shape = PLAIN) -> None:
        self.model = build(vehicles, shape)
        self.stages: tuple[str, ...] = tuple(self.model.stages)
        self._solver: Any = SolverFactory("highs")
        self._known = False

    def begin(self, values: Parameters) -> None:
        """Take a problem."""
        for name, table in values.items():
            getattr(self.model, name).store_values(table)

    def stage(self, name: str, held: dict[str, float], time_limit_s: float) -> float | None:
        """Maximise one stage."""
        self.begin(_stage(self.stages, name, held))
        results = self._solver.solve(
            self.model,
            raise_exception_on_nonoptimal_result=False,
            load_solutions=False,
            time_limit=time_limit_s,
            threads=1,
            rel_gap=MIP_GAP,
        )
        self._only_parameters_change()
        if results.incumbent_objective is None:
            return None
        results.solution_loader.load_vars()
        return float(results.incumbent_objective)

    def _only_parameters_change(self) -> None:
        """After the first solve the structure is known, so nothing else is compared."""
        if not self._known:
            self._known = True
            updates = self._solver.config.auto_updates
            for name in list(updates):
                updates[name] = name == "update_parameters"

    def energy(self) -> dict[tuple[int, int], float]:
        """Of the last solution."""
        return {key: pyo.value(variable) for key, variable in self.model.energy.items()}


def _stage(stages: tuple[str, ...], wanted: str, held: dict[str, float]) -> Parameters:
    return {
        "wanted": {stage: float(stage == wanted) for stage in stages},
        "held": {stage: held.get(stage, NEVER) for stage in stages},
    }
