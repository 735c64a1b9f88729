"""The allocation beside its peers on evbench, and how long a decision and a plan take.

evbench stands beside the repository, for some of its data may not be committed: `POWERCTL_EVBENCH` names its folder.
`make bench` runs one of its problems; `POWERCTL_EVBENCH_ALL=1` runs them all.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import statistics
import sys
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from powerctl.allocation.allocator import Rules, Snapshot, State, decide, observe
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.ledger import Ledger, confirmed, opened
from powerctl.allocation.plan_problem import STEPS, PlanProblem, PlanSession, grid
from powerctl.allocation.plan_solve import CompiledPath, PyomoPath, solve
from powerctl.allocation.plan_solve import Path as SolverPath
from powerctl.core.clock import Monotonic
from powerctl.core.demand import StationReport
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Power
from tests.bench.evbench_adapter import Allocator
from tests.bench.table import Figure, show
from tests.unit.allocation.station import CURVE, NOON, capability, dso, report

ROOT = Path(__file__).parents[2]
EVBENCH = Path(os.environ.get("POWERCTL_EVBENCH", ROOT.parent / "shared" / "bench"))
ALL = bool(os.environ.get("POWERCTL_EVBENCH_ALL"))
FUZZ = 4000 if ALL else 500
needs_evbench = pytest.mark.skipif(not EVBENCH.is_dir(), reason=f"no evbench in {EVBENCH}")


@dataclass(frozen=True)
class Row:
    """One problem and what shall be reached: per cent of the optimum."""

    scenario: str
    energy: float
    welfare: float = 0.0
    known: bool = True
    mode: str = "welfare"
    met: float = 0.0
    restarts: float = math.inf
    travel: float = math.inf
    price: float = math.inf
    quick: bool = False


ROWS = (
    Row("dcfc_acn_true", 99.95, 99.95, restarts=0.05, travel=45.0),
    Row("chademo_mix", 99.95, 99.90, restarts=0.05, travel=45.0, quick=True),
    Row("grid_events", 99.95, 99.85, restarts=0.05, travel=45.0),
    Row("epfl_dual_x2.5", 99.7, 99.90),
    Row("dcfc_acn_true", 99.9, mode="count", met=86.5),
    Row("dcfc_acn_true", 99.0, 99.0, known=False),
    Row("epfl_dual_x2.5", 98.5, 98.4, known=False),
    Row("chademo_mix", 99.5, 98.9, known=False, quick=True),
    Row("acn_price_1", 99.9, mode="price", price=1.01),
)


@pytest.fixture
def evbench() -> Iterator[Callable[[str], Any]]:
    """Modules of evbench by name. The runner's command line needs packages that we do not; nobody uses it here."""
    runner = types.ModuleType("run")
    runner.__dict__.update(make=None, REG={})
    sys.path.insert(0, str(EVBENCH))
    sys.modules["run"] = runner
    yield importlib.import_module
    sys.path.remove(str(EVBENCH))
    del sys.modules["run"]


@needs_evbench
@pytest.mark.parametrize(
    "row", [row for row in ROWS if ALL or row.quick], ids=lambda row: f"{row.scenario}-{row.mode}-{row.known}"
)
def test_a_problem(evbench: Callable[[str], Any], row: Row) -> None:

    scenario = evbench("evbench.scenario").Scenario.load(EVBENCH / "scenarios" / f"{row.scenario}.json.gz")
    best = json.loads((EVBENCH / "results" / f"offline_{row.scenario}.json").read_text())
    if not row.known:
        for session in scenario.sessions:
            session.est_departure = None
    simulate, summarize = evbench("evbench.plant").simulate, evbench("evbench.metrics").summarize
    ours = summarize(scenario, simulate(scenario, Allocator(mode=row.mode)), best)  # type: ignore[arg-type]
    even = summarize(scenario, simulate(scenario, evbench("evbench.alloc.simple").EqualRealloc()), best)
    told = "departures known" if row.known else "departures unknown"
    show(f"{row.scenario}, {told}, {row.mode}: {len(scenario.sessions)} sessions", _figures(row, ours, even))
    broken = ("viol_limit", "viol_conn", "deadzone")
    assert {name: ours[name] for name in broken} == dict.fromkeys(broken, 0)


def _figures(row: Row, ours: dict[str, float], even: dict[str, float]) -> list[Figure]:
    least = even if not row.known else {"energy_pct_opt": 0.0, "welfare_pct_opt": 0.0}
    figures = [
        Figure(
            "Energy", ours["energy_pct_opt"], "%", max(row.energy, least["energy_pct_opt"]), at_least=True, digits=3
        ),
        Figure("... of equal sharing with reallocation", even["energy_pct_opt"], "%", digits=3),
        Figure(
            "Welfare", ours["welfare_pct_opt"], "%", max(row.welfare, least["welfare_pct_opt"]), at_least=True, digits=3
        ),
        Figure("... of equal sharing with reallocation", even["welfare_pct_opt"], "%", digits=3),
        Figure("Drivers fully served", ours["met_pct"], "%", row.met or None, at_least=True, digits=3),
        Figure("Restarts per session", ours["restarts"], "", _bound(row.restarts), digits=3),
        Figure("Travel of set-points", ours["tv_kw_h"], "kW/h", _bound(row.travel)),
        Figure("Price, as a multiple of the optimum", ours["price_ratio"], "", _bound(row.price), digits=3),
        Figure("Set-points in the dead zone", ours["deadzone"], "", 0),
        Figure("Steps above a limit", ours["viol_limit"] + ours["viol_conn"], "", 0),
    ]
    return figures if row.mode == "price" else [figure for figure in figures if not figure.what.startswith("Price")]


def _bound(most: float) -> float | None:
    return most if math.isfinite(most) else None


@needs_evbench
def test_nothing_is_broken_whatever_is_observed(evbench: Callable[[str], Any]) -> None:
    import numpy as np

    fuzz, allocator, chance = evbench("fuzz"), Allocator(), np.random.default_rng(5)
    allocator.reset(fuzz.FakeScenario())
    broken = 0
    for _ in range(FUZZ):
        seen = fuzz.obs(chance)
        if seen.evs:
            broken += _broken(seen, allocator.allocate(seen))
    show(f"Fuzz: {FUZZ} observations", [Figure("Limits, minima, signs or numbers broken", broken, "", 0)])
    assert broken == 0


def _broken(seen: Any, given: dict[str, float]) -> bool:
    if not all(math.isfinite(kw) and kw >= -1e-6 for kw in given.values()):
        return True
    if sum(given.values()) > seen.limit_kw[0] + 1e-3:
        return True
    for e in seen.evs:
        least = min(e.p_min_kw, (e.energy_target_kwh - e.energy_kwh) / seen.dt_h)
        kw = given.get(e.connector, 0.0)
        if kw > seen.connector_p_max[e.connector] + 1e-3 or 1e-3 < kw < least - 1e-3:
            return True
    return False


def _snapshots(connectors: int) -> Iterator[tuple[State, Snapshot]]:
    """Situations one after the other: the cap moves with each, and there is a share of it for every connector."""
    kw = 22.0 * max(1.0, connectors / 4)
    capabilities = tuple(capability(number + 1) for number in range(connectors))
    now, reports = Monotonic(100.0), {}
    ledger = opened(Ledger(), capabilities, now)
    for number in range(connectors):
        told = report(number + 1, committed_kw=kw / connectors)
        reports[told.connector] = told
        ledger = confirmed(ledger, told.connector, 0, told.committed.w)
    seen = StationReport(NOON, None, None, tuple(reports.values()))
    state = observe(State(Conversion(CURVE, 150.0)), seen, Rules(), now)
    weights = {ConnectorId(number + 1): 1.0 + 0.1 * number for number in range(connectors)}
    for turn in range(10_000):
        budget = dso(kw * (0.5 + 0.5 * (turn % 7) / 7))
        yield state, Snapshot(budget, Power.from_kw(kw), capabilities, reports, ledger, weights)


def _best_of(repeats: int, run: Callable[[], object]) -> float:
    """Milliseconds of the fastest run: what the machine's other work adds to one is not ours."""
    spent = []
    for _ in range(repeats):
        begun = time.perf_counter()
        run()
        spent.append(time.perf_counter() - begun)
    return 1000.0 * min(spent)


def _decision_ms(state: State, snapshot: Snapshot) -> float:
    return _best_of(9, lambda: decide(state, snapshot, Rules(), Monotonic(101.0)))


@pytest.mark.parametrize(("connectors", "cases", "promise_ms"), [(2, 500, 0.3), (50, 60, 5.0)])
def test_a_decision(connectors: int, cases: int, promise_ms: float) -> None:
    spent = sorted(_decision_ms(*case) for case in islice(_snapshots(connectors), cases))
    show(
        f"Fast path, {connectors} connectors, {cases} situations, fastest of nine runs of each",
        [
            Figure("Decision, median", 1000.0 * statistics.median(spent), "µs"),
            Figure("Decision, p99", 1000.0 * spent[int(0.99 * (cases - 1))], "µs", 1000.0 * promise_ms),
        ],
    )


def _problem(seed: int, vehicles: int) -> PlanProblem:
    chance = Random(seed)
    sessions = tuple(
        PlanSession(
            number + 1,
            chance.uniform(2000, 30000),
            22000.0,
            chance.uniform(600, 9000),
            served_wh=chance.uniform(0, 5000),
            now_w=chance.uniform(0, 11000),
        )
        for number in range(vehicles)
    )
    caps = (22000.0 * max(1.0, vehicles / 4),) * STEPS
    return PlanProblem(grid(session.stay_s for session in sessions[:20]), caps, sessions)


class _Recorder:
    """Passes every call on to the solver, and remembers it."""

    def __init__(self, solver: Any) -> None:
        self._solver = solver
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def called(*values: Any) -> Any:
            self.calls.append((name, values))
            return getattr(self._solver, name)(*values)

        return called


def _solver_calls(path: CompiledPath, problem: PlanProblem) -> Callable[[], None]:
    """The same calls to the solver and nothing else."""
    form: Any = path.form
    solver = form._solver
    form._solver = recorder = _Recorder(solver)
    solve(problem, 5.0, path)
    form._solver = solver
    calls = [(getattr(solver, name), values) for name, values in recorder.calls]

    def replayed() -> None:
        for call, values in calls:
            call(*values)

    return replayed


def _solve_ms(path: SolverPath, problem: PlanProblem) -> float:
    return _best_of(3, lambda: solve(problem, 5.0, path))


def _pair_ms(path: CompiledPath, problem: PlanProblem) -> tuple[float, float]:
    """Ours, and the solver's time alone, by turns: whatever slows the machine slows both."""
    replayed = _solver_calls(path, problem)
    turns = [(_solve_ms(path, problem), _best_of(3, replayed)) for _ in range(3)]
    return min(ours for ours, _ in turns), min(raw for _, raw in turns)


def test_a_plan() -> None:
    compiled, pyomo = CompiledPath(2), PyomoPath(2)
    problems = [_problem(seed, 2) for seed in range(30)]
    ours, raw = zip(*(_pair_ms(compiled, problem) for problem in problems), strict=True)
    direct = [_solve_ms(pyomo, problem) for problem in problems[:10]]
    many = CompiledPath(50)
    fifty = [_solve_ms(many, _problem(seed, 50)) for seed in range(5)]
    show(
        f"Plan of {STEPS} steps, three stages, random problems",
        [
            Figure("Two vehicles, compiled from the Pyomo model, median", statistics.median(ours), "ms", 10),
            Figure("... the solver's part of that, median", statistics.median(raw), "ms"),
            Figure("... ratio, per cent", 100.0 * sum(ours) / sum(raw), "%", 150),
            Figure("Two vehicles, Pyomo's own persistent interface, median", statistics.median(direct), "ms"),
            Figure("Fifty vehicles, compiled, median", statistics.median(fifty), "ms", 200),
        ],
    )
