"""The plan: model, both paths to its solution, and the eyes that check it."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.allocation.plan_check import flaw
from powerctl.allocation.plan_model import parameters
from powerctl.allocation.plan_problem import (
    FIRST_S,
    STEPS,
    Plan,
    PlanBound,
    PlanProblem,
    PlanSession,
    grid,
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
)
from powerctl.allocation.plan_rows import NEAR as BINARY_STEPS
from powerctl.allocation.plan_rows import Shape, shape_of
from powerctl.allocation.plan_solve import CompiledPath, PyomoPath, answer, solve
from powerctl.core.errors import RemoteError

STEPS_S = grid()
CAPS = (20000.0,) * STEPS
NEAR = 12
LONG = PlanSession(1, need_wh=20000.0, max_w=22000.0, stay_s=7200.0)
SHORT = PlanSession(2, need_wh=10000.0, max_w=22000.0, stay_s=1800.0)


def _problem(*sessions: PlanSession, cap_w: float = 20000.0, price: tuple[float, ...] | None = None) -> PlanProblem:
    return PlanProblem(grid(session.stay_s for session in sessions), (cap_w,) * STEPS, sessions, price)


def _even(watts: float = 0.0) -> Plan:
    return Plan({1: (watts,) * STEPS, 2: (0.0,) * STEPS})


def _energy_wh(problem: PlanProblem, plan: Plan, connector: int) -> float:
    return sum(w * seconds / 3600 for w, seconds in zip(plan.power_w[connector], problem.steps_s, strict=True))


def test_the_vehicle_that_leaves_first_is_served_first() -> None:
    problem = _problem(LONG, SHORT)
    plan = solve(problem, 5.0)
    assert flaw(problem, plan) is None
    assert _energy_wh(problem, plan, 2) == pytest.approx(10000.0, rel=1e-3)
    assert _energy_wh(problem, plan, 1) == pytest.approx(20000.0, rel=1e-3)


def test_too_little_for_both_is_shared_and_not_refused() -> None:
    problem = _problem(SHORT, replace(SHORT, connector=1), cap_w=5000.0)
    plan = solve(problem, 5.0)
    assert flaw(problem, plan) is None
    assert _energy_wh(problem, plan, 1) == pytest.approx(_energy_wh(problem, plan, 2), rel=0.01)


def test_one_who_has_been_served_gives_way_to_one_who_has_not() -> None:
    served = replace(SHORT, connector=1, need_wh=4000.0, served_wh=16000.0)
    problem = _problem(served, replace(SHORT, need_wh=20000.0), cap_w=5000.0)
    plan = solve(problem, 5.0)
    assert _energy_wh(problem, plan, 2) == pytest.approx(2500.0, rel=0.01)


def test_no_power_at_all_is_a_plan_of_zeros() -> None:
    plan = solve(_problem(LONG, SHORT, cap_w=0.0), 5.0)
    assert max(max(row) for row in plan.power_w.values()) == pytest.approx(0.0, abs=1e-3)


def test_cheap_hours_come_first_where_there_is_time() -> None:
    price = tuple(0.5 if step < NEAR else 0.1 for step in range(STEPS))
    problem = _problem(LONG, price=price)
    plan = solve(problem, 5.0)
    assert sum(plan.power_w[1][:NEAR]) == pytest.approx(0.0, abs=60.0)
    assert _energy_wh(problem, plan, 1) == pytest.approx(20000.0, rel=1e-3)


def test_no_price_is_too_high_to_serve_a_driver() -> None:
    problem = _problem(SHORT, price=(1000.0,) * STEPS)
    assert _energy_wh(problem, solve(problem, 5.0), 2) == pytest.approx(10000.0, rel=1e-3)


def test_a_peak_is_not_raised_where_there_is_time() -> None:
    problem = replace(_problem(LONG, price=(0.1,) * STEPS), peak_w=8000.0, peak_price=5.0)
    plan = solve(problem, 5.0)
    assert max(plan.power_w[1]) == pytest.approx(20000.0 / 2.0, rel=1e-3)


def test_a_battery_may_give_back_when_that_pays() -> None:
    price = tuple(1.0 if step < NEAR else 0.1 for step in range(STEPS))
    session = replace(LONG, need_wh=10000.0, served_wh=10000.0, discharge_w=5000.0)
    problem = _problem(session, price=price)
    plan = solve(problem, 5.0)
    assert min(plan.power_w[1]) == pytest.approx(-5000.0, rel=1e-3)
    assert flaw(problem, plan) is None
    assert _energy_wh(problem, plan, 1) == pytest.approx(10000.0, rel=1e-3)


def test_a_vehicle_that_is_expected_is_planned_for() -> None:
    booked = replace(SHORT, from_s=1800.0)
    problem = _problem(replace(LONG, stay_s=3600.0), booked)
    plan = solve(problem, 5.0)
    assert plan.power_w[2][0] == pytest.approx(0.0, abs=1e-3)
    assert _energy_wh(problem, plan, 2) > 5000.0


def test_most_drivers_served_leaves_one_behind() -> None:
    problem = replace(_problem(replace(SHORT, connector=1), SHORT, cap_w=22000.0), mode="count")
    plan = solve(problem, 5.0)
    served = sorted(_energy_wh(problem, plan, connector) for connector in (1, 2))
    assert served[1] == pytest.approx(10000.0, rel=0.0095)
    assert sum(served) == pytest.approx(11000.0, rel=1e-3)


def test_a_vehicle_is_off_or_above_its_minimum_in_the_next_minutes() -> None:
    """The plain model would divide a cap of 3 kW; two minimums of 2 kW do not fit, so one after the other charges."""
    both = [replace(SHORT, connector=c, min_w=2000.0, need_wh=5000.0) for c in (1, 2)]
    problem = _problem(*both, cap_w=3000.0)
    plan = solve(problem, 5.0)
    assert flaw(problem, plan) is None
    for step in range(BINARY_STEPS):
        assert all(watts < 1.0 or watts > 1999.0 for watts in (plan.power_w[1][step], plan.power_w[2][step]))
    assert sum(_energy_wh(problem, plan, c) for c in (1, 2)) == pytest.approx(1500.0, rel=0.01)


def test_a_feeder_bounds_what_flows_through_it() -> None:
    problem = replace(_problem(LONG, SHORT), bounds=(PlanBound(4000.0, ((1, 0.5), (2, 1.0))),))
    plan = solve(problem, 5.0)
    assert flaw(problem, plan) is None
    assert max(plan.power_w[2]) <= 4000.5
    through = [0.5 * one + two for one, two in zip(plan.power_w[1], plan.power_w[2], strict=True)]
    assert max(through) == pytest.approx(4000.0, rel=1e-3)
    assert flaw(problem, solve(replace(problem, bounds=()), 5.0)) == "step 0 is above what a feeder carries"


def test_power_that_the_site_has_to_spare_comes_before_the_grids() -> None:
    surplus = tuple(-10000.0 if 20 <= step < 40 else 3000.0 for step in range(STEPS))
    problem = _problem(replace(LONG, need_wh=5000.0, stay_s=20_000.0), price=(0.3,) * STEPS)
    at_once, later = solve(problem, 5.0), solve(replace(problem, site_w=surplus), 5.0)
    assert sum(at_once.power_w[1][:10]) > 10_000.0
    assert sum(later.power_w[1][:20]) == pytest.approx(0.0, abs=60.0)
    assert max(later.power_w[1]) <= 10_001.0
    sold = solve(replace(problem, site_w=surplus, feed_in=0.4), 5.0)
    assert sold.power_w[1][0] == pytest.approx(at_once.power_w[1][0], rel=1e-3)


def test_the_sites_own_load_counts_for_the_peak() -> None:
    site_w = tuple(6000.0 if step < 10 else 0.0 for step in range(STEPS))
    problem = _problem(replace(LONG, need_wh=18000.0), price=(0.1,) * STEPS)
    problem = replace(problem, peak_w=12000.0, peak_price=5.0, site_w=site_w)
    plan = solve(problem, 5.0)
    assert max(plan.power_w[1][:10]) == pytest.approx(6000.0, rel=1e-3)
    assert max(plan.power_w[1]) == pytest.approx(12000.0, rel=1e-3)
    assert _energy_wh(problem, plan, 1) == pytest.approx(18000.0, rel=1e-3)


def test_a_tapering_vehicle_is_not_planned_above_its_curve() -> None:
    problem = _problem(replace(LONG, taper_w=22000.0, taper_per_h=1.2))
    plan = solve(problem, 5.0)
    taken_wh = 0.0
    for watts, seconds in zip(plan.power_w[1], problem.steps_s, strict=True):
        assert watts <= 22000.0 - 1.2 * taken_wh + 1.0
        taken_wh += watts * seconds / 3600


@cache
def _paths(shape: Shape) -> tuple[CompiledPath, PyomoPath]:
    return CompiledPath(2, shape), PyomoPath(2, shape)


def _random(seed: int, kind: str = "plain") -> PlanProblem:
    random = Random(seed)
    sessions = tuple(
        PlanSession(
            connector,
            need_wh=random.uniform(500, 40000),
            max_w=random.uniform(3000, 22000),
            stay_s=random.uniform(120, 20000),
            served_wh=random.uniform(0, 20000),
            now_w=random.uniform(0, 11000),
            taper_w=random.choice([None, 15000.0]),
            taper_per_h=random.uniform(0.2, 3.0),
            discharge_w=random.choice([0.0, 0.0, 5000.0]),
            min_w=random.choice([0.0, 1500.0, 4000.0]),
        )
        for connector in (1, 2)
    )
    steps = grid(session.stay_s for session in sessions)
    price = tuple(random.uniform(-0.05, 0.4) for _ in range(STEPS)) if random.random() < 0.5 else None
    cap_w = tuple(random.choice([0.0, 4200.0, 11000.0, 22000.0]) for _ in range(STEPS))
    problem = PlanProblem(steps, cap_w, sessions, price, mode="count" if kind == "count" else "welfare")
    if kind == "bounds":
        return replace(problem, bounds=(PlanBound(6000.0, ((1, 1.0),)), PlanBound(4000.0, ((1, 1 / 3), (2, 1.0)))))
    if kind == "site":
        site_w = tuple(random.uniform(-8000.0, 5000.0) for _ in range(STEPS))
        price = price or (0.2,) * STEPS
        return replace(problem, price=price, site_w=site_w, feed_in=0.05, peak_w=6000.0, peak_price=2.0)
    return problem


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", ["plain", "count", "minima", "bounds", "site"])
def test_the_compiled_path_is_the_pyomo_model(seed: int, kind: str) -> None:
    problem = _random(seed, kind)
    shape = replace(shape_of(problem), minima=kind == "minima")
    reached = []
    for path in _paths(shape):
        path.begin(parameters(problem, 2, shape))
        held: dict[str, float] = {}
        for name in path.stages:
            value = path.stage(name, held, 10.0)
            assert value is not None
            held[name] = value - 1e-6 * max(1.0, abs(value))
        reached.append(held)
    for name in reached[0]:
        assert reached[0][name] == pytest.approx(reached[1][name], rel=1e-6, abs=1e-6), name


@pytest.mark.parametrize("seed", range(20, 40))
def test_whatever_is_asked_the_answer_passes_the_check(seed: int) -> None:
    problem = _random(seed, ("plain", "bounds", "site")[seed % 3])
    assert flaw(problem, answer(problem, 10.0)) is None


def test_the_grid_has_the_known_instants_and_as_many_steps_as_ever() -> None:
    steps = grid([10.0, 1234.0, 1240.0, 5000.0])
    ends = [sum(steps[: n + 1]) for n in range(len(steps))]
    assert len(steps) == STEPS
    assert steps[0] == FIRST_S
    assert 1234.0 in ends
    assert 5000.0 in ends
    assert min(steps) >= 20.0


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (Plan({1: CAPS}), "other connectors"),
        (Plan({1: (0.0,), 2: (0.0,)}), "1 steps"),
        (_even(math.nan), "no number"),
        (_even(-5.0), "outside its bounds"),
        (_even(22500.0), "outside its bounds"),
        (_even(5000.0), "more energy"),
        (Plan({1: (15000.0, *([0.0] * 95)), 2: (15000.0, *([0.0] * 95))}), "above the cap"),
        (replace(_even(), share_w={1: 15000.0, 2: 15000.0}), "the shares are above the cap"),
        (replace(_even(), share_w={1: math.inf}), "a share outside"),
        (replace(_even(), share_w={3: 1.0}), "divides among other"),
    ],
)
def test_an_absurd_plan_is_recognised(plan: Plan, why: str) -> None:
    assert why in (flaw(PlanProblem(STEPS_S, CAPS, (LONG, SHORT)), plan) or "")


def test_question_and_answer_survive_the_pipe() -> None:
    bounds = (PlanBound(4000.0, ((1, 0.5), (2, 1.0))),)
    problem = PlanProblem(STEPS_S, CAPS, (LONG, replace(SHORT, stays_s=(1.0, 2.0))), price=CAPS, bounds=bounds)
    assert problem_from_json(problem_to_json(problem)) == problem
    plan = replace(_even(7.0), share_w={1: 4000.0})
    assert plan_from_json(plan_to_json(plan)) == plan


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_rubbish_from_the_pipe_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteError):
        plan_from_json(data)
    with pytest.raises(RemoteError):
        problem_from_json(data)
