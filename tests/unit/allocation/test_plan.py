"""The plan: question, model, answer, and the eyes that check it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.allocation.budget import Budget
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.plan_check import flaw
from powerctl.allocation.plan_model import solve
from powerctl.allocation.plan_problem import (
    NEAR_STEPS,
    STEPS_S,
    Plan,
    PlanProblem,
    PlanSession,
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
)
from powerctl.allocation.plan_question import Ahead, problem_of, starts, weights_of
from powerctl.allocation.stay import remaining_stay_s
from powerctl.core.errors import RemoteError
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Limit, LimitSource
from powerctl.core.units import Energy, Power
from tests.unit.allocation.station import LEFT, NOON, RIGHT, rated, report

CAPS = (20000.0,) * len(STEPS_S)
LONG = PlanSession(1, need_wh=20000.0, max_w=22000.0, stay_s=7200.0)
SHORT = PlanSession(2, need_wh=10000.0, max_w=22000.0, stay_s=1800.0)


def _even(watts: float = 0.0) -> Plan:
    return Plan({1: (watts,) * len(STEPS_S), 2: (0.0,) * len(STEPS_S)})


def _energy_wh(plan: Plan, connector: int) -> float:
    return sum(watts * seconds / 3600 for watts, seconds in zip(plan.power_w[connector], STEPS_S, strict=True))


def test_the_vehicle_that_leaves_first_is_served_first() -> None:
    problem = PlanProblem(CAPS, (LONG, SHORT))
    plan = solve(problem, 5.0)
    assert flaw(problem, plan) is None
    assert _energy_wh(plan, 2) == pytest.approx(10000.0, rel=1e-3)
    assert _energy_wh(plan, 1) == pytest.approx(20000.0, rel=1e-3)
    assert plan.power_w[2][0] > plan.power_w[1][0]


def test_equal_vehicles_get_equal_power() -> None:
    plan = solve(PlanProblem(CAPS, (LONG, replace(LONG, connector=2))), 5.0)
    assert plan.power_w[1][:NEAR_STEPS] == pytest.approx(plan.power_w[2][:NEAR_STEPS], rel=0.01)


def test_too_little_for_both_is_shared_and_not_refused() -> None:
    problem = PlanProblem((5000.0,) * len(STEPS_S), (SHORT, replace(SHORT, connector=1)))
    plan = solve(problem, 5.0)
    assert flaw(problem, plan) is None
    assert _energy_wh(plan, 1) == pytest.approx(_energy_wh(plan, 2), rel=0.01)


def test_no_power_at_all_is_a_plan_of_zeros() -> None:
    plan = solve(PlanProblem((0.0,) * len(STEPS_S), (LONG, SHORT)), 5.0)
    assert max(max(row) for row in plan.power_w.values()) == pytest.approx(0.0, abs=1e-3)


def test_cheap_hours_come_first_where_there_is_time() -> None:
    price = tuple(0.5 if step < NEAR_STEPS else 0.1 for step in range(len(STEPS_S)))
    plan = solve(PlanProblem(CAPS, (LONG,), price), 5.0)
    assert sum(plan.power_w[1][:NEAR_STEPS]) == pytest.approx(0.0, abs=60.0)
    assert _energy_wh(plan, 1) == pytest.approx(20000.0, rel=1e-3)


def test_a_tapering_vehicle_is_not_planned_above_its_curve() -> None:
    session = replace(LONG, taper_per_h=4.8)
    plan = solve(PlanProblem(CAPS, (session,)), 5.0)
    left_wh = session.need_wh
    for watts, seconds in zip(plan.power_w[1], STEPS_S, strict=True):
        assert watts <= 4.8 * left_wh + 1.0
        left_wh -= watts * seconds / 3600


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
    ],
)
def test_an_absurd_plan_is_recognised(plan: Plan, why: str) -> None:
    assert why in (flaw(PlanProblem(CAPS, (LONG, SHORT)), plan) or "")


def test_question_and_answer_survive_the_pipe() -> None:
    problem = PlanProblem(CAPS, (LONG, replace(SHORT, taper_per_h=4.8)), price=CAPS)
    assert problem_from_json(problem_to_json(problem)) == problem
    assert plan_from_json(plan_to_json(_even(7.0))) == _even(7.0)


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_rubbish_from_the_pipe_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteError):
        plan_from_json(data)


def test_one_vehicle_needs_no_plan() -> None:
    reports = [report(1), report(2, ConnectorState.AVAILABLE)]
    assert problem_of(rated(), Power(22000.0), Conversion(), reports, NOON) is None


def test_announced_caps_hold_until_they_end() -> None:
    cap = Limit(LimitSource.DSO, Power(4200.0), "", NOON + timedelta(minutes=30))
    budget = Budget(cap.limit, cap.source, "", cap.until, sources=(cap,))
    problem = problem_of(budget, Power(22000.0), Conversion(auxiliary_w=200.0), [report(1), report(2)], NOON)
    assert problem is not None
    assert (problem.cap_w[0], problem.cap_w[5], problem.cap_w[6]) == (4000.0, 4000.0, 21800.0)


def test_announced_limits_bind_from_their_step_on_and_lift_nothing() -> None:
    ahead = [Ahead(Power(5000.0) if number >= 4 else Power(99_000.0)) for number in range(len(STEPS_S))]
    problem = problem_of(rated(), Power(22000.0), Conversion(), [report(1), report(2)], NOON, ahead)
    free = problem_of(rated(), Power(22000.0), Conversion(), [report(1), report(2)], NOON)
    assert problem is not None
    assert free is not None
    assert problem.cap_w[:4] == free.cap_w[:4]
    assert all(watts <= 5000.0 for watts in problem.cap_w[4:])
    assert problem.price is None


def test_prices_reach_the_plan_and_gaps_count_as_their_mean() -> None:
    ahead = [Ahead(price={0: 0.1, 1: 0.3}.get(number)) for number in range(len(STEPS_S))]
    problem = problem_of(rated(), Power(22000.0), Conversion(), [report(1), report(2)], NOON, ahead)
    assert problem is not None
    assert problem.price is not None
    assert problem.price[:3] == pytest.approx((0.1, 0.3, 0.2))


def test_the_steps_of_a_plan_begin_now_and_follow_one_another() -> None:
    begins = starts(NOON)
    assert (len(begins), begins[0], begins[1]) == (len(STEPS_S), NOON, NOON + timedelta(seconds=STEPS_S[0]))


def test_need_and_stay_come_from_the_vehicle_and_its_history() -> None:
    known = replace(report(1, minutes_ago=10), capacity=Energy(40000.0), soc_percent=75.0)
    problem = problem_of(rated(), Power(22000.0), Conversion(), [known, report(2)], NOON)
    assert problem is not None
    assert problem.sessions[0].need_wh == pytest.approx(10000.0)
    assert problem.sessions[0].stay_s == remaining_stay_s(10000.0, 0.0, 600.0)


def test_more_need_means_a_longer_stay_and_no_stay_is_over() -> None:
    assert remaining_stay_s(20000.0, 0.0, 0.0) > remaining_stay_s(5000.0, 0.0, 0.0)
    assert remaining_stay_s(5000.0, 0.0, 1e6) > 0.0


def test_weights_follow_the_step_and_starve_nobody() -> None:
    later = (10000.0,) * 94
    plan = Plan({1: (20000.0, 5000.0, *later), 2: (0.0, 5000.0, *later)})
    assert weights_of(plan, 0.0) == {LEFT: 1.0, RIGHT: 0.5}
    assert weights_of(plan, STEPS_S[0]) == {LEFT: 1.0, RIGHT: 1.0}


def test_a_plan_says_nothing_beyond_its_horizon_or_without_power() -> None:
    assert weights_of(_even(100.0), sum(STEPS_S)) == {}
    assert weights_of(_even(0.0), 0.0) == {}
