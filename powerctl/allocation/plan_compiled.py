"""The compiled path: the Pyomo model in standard form, compiled once, and re-solved by changing numbers.

Every parameter is given a number of its own, the model is compiled, and each number that comes out again tells which
entry of the standard form that parameter is. So the model stays the one definition, and a re-solve never touches it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import highspy
import numpy as np
import pyomo.environ as pyo
from pyomo.repn import generate_standard_repn

from powerctl.allocation.plan_model import Parameters

_FIRST_MARK: Final = 10_000.5
_DUAL: Final = 1
_PRIMAL: Final = 4
"""Values of the solver's option `simplex_strategy`."""
MIP_GAP: Final = 1e-7
"""Relative: a later stage must not find what an earlier one has left."""
_INFINITY: Final = highspy.kHighsInf
Vector = Any
"""A NumPy array."""


@dataclass(frozen=True)
class Entries:
    """Numbers of one kind in the standard form: constants, and where parameters stand in them."""

    values: Vector
    at: Vector
    """Positions that a parameter sets."""
    which: Vector
    """The parameter's number, for each of those positions."""
    sign: Vector

    def under(self, theta: Vector) -> Vector:
        """All numbers, with the parameters at `theta`."""
        result = self.values.copy()
        result[self.at] = self.parametric(theta)
        return result

    def parametric(self, theta: Vector) -> Vector:
        """Those numbers that a parameter sets."""
        return self.sign * theta[self.which]


def _entries(raw: Iterable[float], parameters: int) -> Entries:
    values = np.array(raw, dtype=float)
    size = np.where(np.abs(values) < _INFINITY, np.abs(values), 0.0)
    at = np.flatnonzero(size > _FIRST_MARK - 1.0)
    which = np.rint(size[at] - _FIRST_MARK).astype(int)
    if not np.array_equal(size[at] - _FIRST_MARK, which) or (which >= parameters).any():
        raise AssertionError("a parameter does not enter the model alone and linearly")
    return Entries(values, at, which, np.sign(values[at]))


class Compiled:
    """A model in standard form, and the solver that holds it.

    Args:
        model: As `plan_model.build` returns it; the values of its parameters are lost.
    """

    def __init__(self, model: Any) -> None:
        self._numbers = _marked(model)
        self._theta = np.zeros(len(self._numbers))
        variables = list(model.component_data_objects(pyo.Var, active=True))
        self.columns = {variable.name: number for number, variable in enumerate(variables)}
        place = {id(variable): number for number, variable in enumerate(variables)}
        rows = [_row(constraint, place) for constraint in model.component_data_objects(pyo.Constraint, active=True)]
        count = len(self._numbers)
        self.rows = len(rows)
        self.start = np.cumsum([0, *(len(row.columns) for row in rows)], dtype=np.int32)
        self.index = np.array([column for row in rows for column in row.columns], dtype=np.int32)
        self.coefficients = _entries([value for row in rows for value in row.coefficients], count)
        row_of = np.repeat(np.arange(self.rows), np.diff(self.start))
        self._cells = [(int(row_of[at]), int(self.index[at])) for at in self.coefficients.at]
        self.lower = _entries([row.lower for row in rows], count)
        self.upper = _entries([row.upper for row in rows], count)
        bounds = [variable.bounds for variable in variables]
        self.least = _entries([-_INFINITY if low is None else low for low, _ in bounds], count)
        self.most = _entries([_INFINITY if high is None else high for _, high in bounds], count)
        self.cost = _entries(_costs(model, place), count)
        self.integral = [not variable.is_continuous() for variable in variables]
        self._held = self.coefficients.parametric(self._theta)
        self._solver = self._loaded()

    def set(self, values: Parameters) -> None:
        """Give parameters new values; those that are not named keep theirs."""
        for name, table in values.items():
            for index, value in table.items():
                self._theta[self._numbers[name, index]] = value

    def load(self) -> None:
        """Hand all numbers to the solver: the first stage of a problem follows.

        The last basis is forgotten: after so many changes the presolve finds its way sooner than the old basis does.
        """
        self.load_stage()
        self._solver.clearSolver()
        self._solver.setOptionValue("simplex_strategy", _DUAL)
        theta, rows = self._theta, np.arange(self.rows, dtype=np.int32)
        self._solver.changeRowsBounds(self.rows, rows, self.lower.under(theta), self.upper.under(theta))
        coefficients = self.coefficients.parametric(theta)
        for number in np.flatnonzero(coefficients != self._held):
            self._solver.changeCoeff(*self._cells[number], float(coefficients[number]))
        self._held = coefficients

    def load_next(self) -> None:
        """Hand the next stage to the solver, for which the solution of the last one is feasible already."""
        self.load_stage()
        self._solver.setOptionValue("simplex_strategy", _PRIMAL)

    def load_stage(self) -> None:
        """Hand bounds and costs of the columns to the solver: all that differs between the stages of a problem."""
        theta, columns = self._theta, np.arange(len(self.columns), dtype=np.int32)
        self._solver.changeColsBounds(len(columns), columns, self.least.under(theta), self.most.under(theta))
        self._solver.changeColsCost(len(columns), columns, self.cost.under(theta))

    def run(self, time_limit_s: float) -> float | None:
        """Solve; the objective's value, or None when there is no feasible solution to read."""
        self._solver.setOptionValue("time_limit", self._solver.getRunTime() + time_limit_s)
        self._solver.run()
        info = self._solver.getInfo()
        feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        return float(info.objective_function_value) if feasible else None

    def solution(self) -> Vector:
        """Values of all columns."""
        return np.array(self._solver.getSolution().col_value)

    def _loaded(self) -> Any:
        """HiGHS with the form in it: one thread, silent."""
        solver, theta = highspy.Highs(), self._theta
        solver.silent()
        solver.setOptionValue("threads", 1)
        solver.setOptionValue("mip_rel_gap", MIP_GAP)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_, lp.sense_ = len(self.columns), self.rows, highspy.ObjSense.kMaximize
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = (part.under(theta) for part in (self.cost, self.least, self.most))
        lp.row_lower_, lp.row_upper_ = self.lower.under(theta), self.upper.under(theta)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = self.start, self.index
        lp.a_matrix_.value_ = self.coefficients.under(theta)
        if any(self.integral):
            kinds = highspy.HighsVarType
            lp.integrality_ = [kinds.kInteger if integral else kinds.kContinuous for integral in self.integral]
        solver.passModel(lp)
        return solver


def _marked(model: Any) -> dict[tuple[str, Any], int]:
    """Number of each parameter, after every one was set to its mark."""
    numbers: dict[tuple[str, Any], int] = {}
    for parameter in model.component_objects(pyo.Param, active=True):
        for index in parameter:
            number = numbers.setdefault((parameter.local_name, index), len(numbers))
            parameter[index] = _FIRST_MARK + number
    return numbers


@dataclass(frozen=True)
class _Row:
    columns: list[int]
    coefficients: list[float]
    lower: float
    upper: float


def _row(constraint: Any, place: dict[int, int]) -> _Row:
    """A constraint in standard form (Pyomo's own reading of it)."""
    form = generate_standard_repn(constraint.body, quadratic=False)
    if not form.is_linear():
        raise AssertionError(f"{constraint.name} is not linear")
    lower = -_INFINITY if constraint.lower is None else pyo.value(constraint.lower) - form.constant
    upper = _INFINITY if constraint.upper is None else pyo.value(constraint.upper) - form.constant
    return _Row([place[id(variable)] for variable in form.linear_vars], list(form.linear_coefs), lower, upper)


def _costs(model: Any, place: dict[int, int]) -> Vector:
    form = generate_standard_repn(model.objective.expr, quadratic=False)
    costs = np.zeros(len(place))
    costs[[place[id(variable)] for variable in form.linear_vars]] = form.linear_coefs
    return costs
