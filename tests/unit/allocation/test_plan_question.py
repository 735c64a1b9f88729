"""What the plan is asked, and what the fast path takes from its answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from powerctl.allocation.budget import Budget
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.plan_guidance import Guidance, guidance_of
from powerctl.allocation.plan_outlook import Ahead, outlook_of
from powerctl.allocation.plan_problem import STEPS, Plan, PlanBound, PlanProblem, PlanSession, grid, starts
from powerctl.allocation.plan_question import Aims, Question, problem_of
from powerctl.allocation.plan_site import Place, SiteProfile
from powerctl.allocation.stay import StayModel, learned
from powerctl.allocation.tree import Node, tree_of
from powerctl.allocation.visits import Statement, Visits, followed
from powerctl.core.demand import ConnectorReport
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Limit, LimitSource
from powerctl.core.units import Energy, Power
from tests.unit.allocation.station import LEFT, NOON, RIGHT, rated, report

RATING = Power(22000.0)
TWO = [report(1), report(2)]


def _cap_at(problem: PlanProblem, seconds: float) -> float:
    return [cap for begin, cap in zip(starts(problem.steps_s), problem.cap_w, strict=True) if begin <= seconds][-1]


def _asked(reports: list[ConnectorReport], budget: Budget | None = None, **more: object) -> PlanProblem:
    problem = _asked_at_all(reports, budget, **more)
    assert problem is not None
    return problem


def _asked_at_all(reports: list[ConnectorReport], budget: Budget | None = None, **more: object) -> PlanProblem | None:
    question = Question(budget or rated(), RATING, Conversion(), reports, NOON)
    return problem_of(replace(question, **more))  # type: ignore[arg-type]


def test_one_vehicle_needs_no_plan_but_for_a_price() -> None:
    reports = [report(1), report(2, ConnectorState.AVAILABLE)]
    assert _asked_at_all(reports) is None
    outlook = [(0.0, Ahead(price=0.1)), (3600.0, Ahead(price=0.3))]
    assert _asked(reports, outlook=outlook).price is not None
    assert _asked_at_all(reports, outlook=outlook, aims=Aims(by_price=False)) is None


def test_announced_caps_hold_until_they_end() -> None:
    cap = Limit(LimitSource.DSO, Power(4200.0), "", NOON + timedelta(minutes=29))
    budget = Budget(cap.limit, cap.source, "", cap.until, sources=(cap,))
    problem = _asked(TWO, budget, conversion=Conversion(auxiliary_w=200.0))
    assert [_cap_at(problem, seconds) for seconds in (0.0, 1739.0, 1740.0)] == [4000.0, 4000.0, 21800.0]


def test_announced_limits_bind_from_their_instant_on_and_lift_nothing() -> None:
    problem = _asked(TWO, outlook=[(0.0, Ahead(Power(99_000.0))), (777.0, Ahead(Power(5000.0)))])
    assert [_cap_at(problem, seconds) for seconds in (0.0, 776.0, 777.0)] == [22000.0, 22000.0, 5000.0]
    assert problem.price is None


def test_prices_reach_the_plan_and_gaps_count_as_their_mean() -> None:
    outlook = [(0.0, Ahead(price=0.1)), (60.0, Ahead(price=0.3)), (300.0, Ahead())]
    problem = _asked(TWO, outlook=outlook)
    assert problem.price is not None
    known = sum(price in (0.1, 0.3) for price in problem.price)
    assert problem.price[:2] == (0.1, 0.3)
    assert problem.price[-1] == pytest.approx(0.1 / known + 0.3 * (known - 1) / known)


def test_an_outlook_names_each_change_once() -> None:
    def foreseen(instant: datetime) -> Ahead:
        return Ahead(price=0.1 if instant < NOON + timedelta(hours=2) else 0.2)

    assert outlook_of(foreseen, NOON) == [(0.0, Ahead(price=0.1)), (7200.0, Ahead(price=0.2))]


def test_need_comes_from_the_vehicle_or_from_what_was_said() -> None:
    known = replace(report(1), capacity=Energy(40000.0), soc_percent=75.0, session_energy=Energy(1000.0))
    assert _asked([known, report(2)]).sessions[0].need_wh == pytest.approx(10000.0)
    said = _asked([known, report(2)], statements={LEFT: Statement(need_wh=4000.0)})
    assert said.sessions[0].need_wh == pytest.approx(3000.0)


def test_without_history_stays_are_not_acted_on() -> None:
    problem = _asked(TWO)
    assert not any(session.confident for session in problem.sessions)
    plan = Plan({1: (20000.0,) * STEPS, 2: (0.0,) * STEPS}, {1: 20000.0, 2: 0.0})
    assert guidance_of(plan, problem, 0.0) == Guidance()


def test_a_site_that_has_learnt_is_acted_on() -> None:
    visits = Visits()
    for one in TWO:
        visits = followed(visits, one, 22000.0, NOON)
    model = StayModel()
    for _ in range(12):
        model = learned(model, visits.present[LEFT].visit, 2700.0, ended=True)
    problem = _asked(TWO, visits=replace(visits, model=model))
    assert all(session.confident for session in problem.sessions)
    assert len(problem.sessions[0].stays_s) > 1


def test_a_known_departure_is_one_stay_once_statements_have_been_true() -> None:
    statement = Statement(departure=NOON + timedelta(minutes=50))
    visits = followed(Visits(), report(1), 22000.0, NOON, statement)
    model = StayModel()
    for _ in range(5):
        model = learned(model, visits.present[LEFT].visit, 3000.0, ended=True)
    problem = _asked(TWO, visits=replace(visits, model=model), statements={LEFT: statement})
    assert problem.sessions[0].stays_s == ()
    assert problem.sessions[0].stay_s == pytest.approx(3000.0, rel=0.02)


SESSIONS = (PlanSession(1, 9000.0, 22000.0, 7200.0, min_w=1500.0), PlanSession(2, 9000.0, 22000.0, 7200.0))
PLANNED = Plan({1: (20000.0, 500.0, *(0.0,) * 94), 2: (0.0, 500.0, *(0.0,) * 94)})


def test_weights_follow_the_shares_of_the_plan() -> None:
    problem = PlanProblem(grid(), (22000.0,) * STEPS, SESSIONS)
    divided = replace(PLANNED, share_w={1: 5000.0, 2: 10000.0})
    assert guidance_of(divided, problem, 0.0).weights == {LEFT: 0.5, RIGHT: 1.0}
    assert guidance_of(PLANNED, problem, 61.0).weights == {LEFT: 1.0, RIGHT: 1.0}
    assert guidance_of(PLANNED, problem, 0.0).paces == {}


def test_one_without_a_share_waits() -> None:
    problem = PlanProblem(grid(), (22000.0,) * STEPS, SESSIONS)
    assert guidance_of(replace(PLANNED, share_w={1: 0.0, 2: 22000.0}), problem, 0.0).waits == {LEFT}
    assert guidance_of(PLANNED, problem, 0.0).waits == frozenset()


def test_a_price_sets_a_pace_and_too_little_is_a_wait() -> None:
    problem = PlanProblem(grid(), (22000.0,) * STEPS, SESSIONS, price=(0.1,) * STEPS)
    assert guidance_of(PLANNED, problem, 0.0).paces == {LEFT: 20000.0, RIGHT: 0.0}
    assert guidance_of(PLANNED, problem, 61.0).paces == {LEFT: 0.0, RIGHT: 500.0}


def test_a_price_holds_nothing_back_from_one_who_may_leave_at_any_time() -> None:
    """The one whose stay is known waits for the price; the other has what sharing gives, and what that one spares."""
    known, guessed = SESSIONS[0], replace(SESSIONS[1], confident=False)
    delayed = Plan({1: (0.0,) * STEPS, 2: (0.0,) * STEPS})
    problem = PlanProblem(grid(), (22000.0,) * STEPS, (known, guessed), price=(0.1,) * STEPS)
    assert guidance_of(delayed, problem, 0.0) == Guidance(paces={LEFT: 0.0})
    alone = replace(problem, sessions=(guessed,))
    assert guidance_of(delayed, alone, 0.0) == Guidance()


def test_a_cap_comes_back_as_slowly_as_on_the_fast_path() -> None:
    cap = Limit(LimitSource.DSO, Power(4000.0), "", NOON + timedelta(minutes=30))
    budget = Budget(cap.limit, cap.source, "", cap.until, sources=(cap,), ramp_up_w_s=20.0)
    problem = _asked(TWO, budget)
    assert _cap_at(problem, 1799.0) == 4000.0
    assert _cap_at(problem, 1800.0) == pytest.approx(4000.0 + 20.0 * 300.0 / 2.0)
    assert _cap_at(problem, 3000.0) == 22000.0
    rising = _asked(TWO, place=Place(ramp_up_w_s=100.0, effective_w=1000.0))
    assert rising.cap_w[0] == pytest.approx(1000.0 + 100.0 * 60.0 / 2.0)


def test_the_trees_bounds_reach_the_plan() -> None:
    tree = tree_of([Node("feeder", connectors=(LEFT, RIGHT), limit_w=9000.0, phase_limit_w=4000.0, phases=("L1",))])
    assert _asked(TWO, place=Place(tree)).bounds == (
        PlanBound(9000.0, ((1, 1.0), (2, 1.0))),
        PlanBound(4000.0, ((1, 1.0), (2, 1.0))),
    )


def test_the_rest_of_the_site_leaves_less_and_spares_some() -> None:
    """At noon the sun gives 9 kW more than the site needs, from 13:00 on it draws 12 of its 20 kW."""
    load_w = tuple(12_000.0 if hour == 13 else 1000.0 for hour in range(24))
    generation_w = tuple(10_000.0 if hour == 12 else 0.0 for hour in range(24))
    aims = Aims(site=SiteProfile(load_w, generation_w, limit_w=20_000.0, feed_in=0.08))
    problem = _asked(TWO, aims=aims, outlook=[(0.0, Ahead(price=0.3))])
    assert (problem.site_w[0], problem.feed_in) == (-9000.0, 0.08)
    assert problem.price == (0.3,) * STEPS
    assert [_cap_at(problem, seconds) for seconds in (0.0, 3600.0, 7200.0)] == [22000.0, 8000.0, 19000.0]


def test_a_peak_that_costs_is_a_reason_to_plan_for_one() -> None:
    reports, place = [report(1), report(2, ConnectorState.AVAILABLE)], Place(peak_w=9000.0)
    problem = _asked(reports, aims=Aims(peak_price=4.0), place=place)
    assert (problem.peak_w, problem.peak_price, problem.price) == (9000.0, 4.0, None)
    known = replace(problem, sessions=SESSIONS)
    assert guidance_of(PLANNED, known, 61.0).paces == {LEFT: 0.0, RIGHT: 500.0}
    assert _asked_at_all(reports, place=place) is None


@pytest.mark.parametrize(("stay_s", "mean_w", "pace_w"), [(30.0, 5000.0, 10000.0), (0.5, 0.0, 22000.0)])
def test_one_who_leaves_within_the_step_is_not_paced_by_its_absence(
    stay_s: float, mean_w: float, pace_w: float
) -> None:
    problem = PlanProblem(grid(), (22000.0,) * STEPS, (replace(SESSIONS[0], stay_s=stay_s),), price=(0.1,) * STEPS)
    plan = Plan({1: (mean_w, *(0.0,) * 95)})
    assert guidance_of(plan, problem, 0.0).paces == {LEFT: pace_w}


def test_a_plan_says_nothing_beyond_its_horizon() -> None:
    problem = PlanProblem(grid(), (22000.0,) * STEPS, SESSIONS)
    assert guidance_of(PLANNED, problem, sum(problem.steps_s)) == Guidance()
