"""Who gets what where there is a choice: fairness modes, turns, and the plan's pace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from powerctl.allocation.allocator import Rules, State, resumed
from powerctl.allocation.shares import Fairness
from powerctl.core.demand import ConnectorReport
from powerctl.core.ids import ConnectorId
from powerctl.core.session import ConnectorState, Flexibility
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Energy
from tests.unit.allocation.station import LEFT, RIGHT, Bench, dso, rated, report

IDLE = ConnectorState.AVAILABLE


def _bench(fairness: Fairness) -> Bench:
    bench = Bench(report(1, minutes_ago=5), report(2, minutes_ago=20), rules=Rules(rise_step_w=0.0, fairness=fairness))
    bench.weights = {LEFT: 3.0, RIGHT: 1.0}
    return bench


@pytest.mark.parametrize(
    ("fairness", "left_w", "right_w"),
    [
        (Fairness.WEIGHTED, 16500.0, 5500.0),
        (Fairness.EQUAL, 11000.0, 11000.0),
        (Fairness.FIRST_COME, 2400.0, 19600.0),
    ],
)
def test_free_power_is_divided_by_the_mode(fairness: Fairness, left_w: float, right_w: float) -> None:
    decisions = _bench(fairness).settle()
    assert decisions[LEFT].limit.w == pytest.approx(left_w)
    assert decisions[RIGHT].limit.w == pytest.approx(right_w)


def test_who_needs_least_goes_first_where_most_are_to_be_served() -> None:
    bench = _bench(Fairness.MOST_SERVED)
    for number, soc in ((1, 80.0), (2, 30.0)):
        told = replace(bench.reports[ConnectorId(number)], soc_percent=soc, capacity=Energy(38_000.0))
        bench.reports_again(told)
    decisions = bench.settle()
    assert decisions[LEFT].limit.w == pytest.approx(19600.0)
    assert decisions[RIGHT].limit.w == pytest.approx(2400.0)
    bench.reports_again(replace(bench.reports[LEFT], capacity=None))
    assert bench.settle()[RIGHT].limit.w == pytest.approx(19600.0)


def _running(bench: Bench) -> ConnectorId:
    (running,) = [c for c, decision in bench.settle().items() if decision.limit.w > 0.0]
    return running


def test_where_only_one_fits_they_take_turns() -> None:
    rules = Rules(rise_step_w=0.0, rotate_after_s=600.0, ramp_up_w_s=1e9)
    bench = Bench(report(1, minutes_ago=5), report(2, minutes_ago=20), budget=dso(4.2), rules=rules)
    assert _running(bench) == RIGHT
    bench.passes(599.0)
    assert _running(bench) == RIGHT
    for expected in (LEFT, RIGHT, LEFT):
        bench.passes(601.0)
        bench.decide()
        assert _running(bench) == expected
    bench.budget = rated()
    bench.passes(15.0)
    assert all(decision.limit.w > 0.0 for decision in bench.settle().values())


def test_a_firm_session_gives_no_turn_away() -> None:
    rules = Rules(rise_step_w=0.0, rotate_after_s=600.0)
    bench = Bench(report(1, flexibility=Flexibility.FIRM), report(2, minutes_ago=20), budget=dso(4.2), rules=rules)
    for _ in range(3):
        assert _running(bench) == LEFT
        bench.passes(601.0)


def test_a_pace_bounds_and_leaves_the_rest_to_the_other() -> None:
    bench = Bench(report(1), report(2))
    bench.paces = {LEFT: 4000.0}
    decisions = bench.settle()
    assert (decisions[LEFT].limit.kw, decisions[RIGHT].limit.kw) == (4.0, 18.0)
    assert decisions[LEFT].reasons[0].source is LimitSource.PLAN


def test_a_pace_of_zero_is_a_wait_but_not_for_a_firm_session() -> None:
    bench = Bench(report(1), report(2, flexibility=Flexibility.FIRM))
    bench.paces = {LEFT: 0.0, RIGHT: 0.0}
    decisions = bench.settle()
    assert decisions[LEFT].command is Command.PAUSE
    assert decisions[LEFT].reasons[0].detail.endswith("when energy is cheaper.")
    assert (decisions[RIGHT].command, decisions[RIGHT].limit.kw) == (Command.RUN, 2.4)


def test_one_that_the_plan_lets_wait_leaves_all_to_the_other() -> None:
    bench = Bench(report(1), report(2))
    bench.waits = frozenset({LEFT})
    decisions = bench.settle()
    assert (decisions[LEFT].command, decisions[RIGHT].limit.kw) == (Command.PAUSE, 22.0)
    assert decisions[LEFT].reasons[0].source is LimitSource.PLAN
    assert decisions[LEFT].reasons[0].detail.startswith("The plan serves the other vehicle first")


@pytest.mark.parametrize(
    ("left", "right", "priorities", "fairness"),
    [
        (report(1, flexibility=Flexibility.FIRM), report(2), {}, Fairness.WEIGHTED),
        (report(1), report(2, IDLE), {}, Fairness.WEIGHTED),
        (report(1), report(2), {RIGHT: 1}, Fairness.WEIGHTED),
        (report(1), report(2), {}, Fairness.EQUAL),
    ],
    ids=["firm", "alone", "first in priority", "power is divided evenly"],
)
def test_nobody_waits_who_should_not(
    left: ConnectorReport, right: ConnectorReport, priorities: dict[ConnectorId, int], fairness: Fairness
) -> None:
    bench = Bench(left, right, rules=Rules(rise_step_w=0.0, fairness=fairness))
    bench.waits, bench.priorities = frozenset({LEFT}), priorities
    assert bench.settle()[LEFT].limit.w > 0.0


def test_a_pace_below_the_minimum_is_the_minimum() -> None:
    bench = Bench(report(1), report(2, IDLE))
    bench.paces = {LEFT: 100.0}
    assert bench.settle()[LEFT].limit.kw == 2.4


def test_after_a_reconnect_power_ramps_from_what_may_be_drawn() -> None:
    rules = Rules(rise_step_w=0.0, ramp_up_w_s=1000.0)
    bench = Bench(report(1, committed_kw=5.0), report(2, IDLE), rules=rules)
    bench.state = resumed(State(bench.conversion), 5000.0, bench.now)
    assert bench.decide()[LEFT].limit.kw == 5.0
    bench.passes(3.0)
    decision = bench.decide()[LEFT]
    assert decision.limit.w == pytest.approx(8000.0)
    assert decision.reasons[0].source is LimitSource.RAMP


def test_a_rotation_is_announced_so_that_it_happens_on_time() -> None:
    rules = replace(Rules(rise_step_w=0.0), rotate_after_s=600.0)
    bench = Bench(report(1), report(2, minutes_ago=20), budget=dso(4.2), rules=rules)
    bench.settle()
    bench.passes(30.0)
    bench.decide()
    assert bench.outcome is not None
    assert bench.outcome.next_at is not None
    assert bench.outcome.next_at <= 100.0 + 600.0
