"""Reserved power: what can be promised, and what the fast path and the plan make of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.plan_problem import FIRST_S, starts
from powerctl.allocation.plan_question import Question, problem_of
from powerctl.allocation.promises import MOST, Means, Promise, Promises, dropped, kept
from powerctl.allocation.shares import shares
from powerctl.core.ids import ConnectorId
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from tests.unit.allocation.station import LEFT, NOON, RIGHT, Bench, dso, rated, report
from tests.unit.allocation.test_shares import LOSSLESS, demand

HOUR = timedelta(hours=1)
MEANS = Means({LEFT: 22_000.0, RIGHT: 22_000.0}, lambda instant: 22_000.0)


def promise(
    name: str = "r", connector: ConnectorId = LEFT, kw: float = 15.0, begin: float = 0.0, hours: float = 1.0
) -> Promise:
    start = NOON + begin * HOUR
    return Promise(name, connector, start, start + hours * HOUR, kw * 1000.0)


def test_what_fits_is_promised_and_holds_in_its_window() -> None:
    promises, refusal = kept(Promises(), promise(begin=1), MEANS, NOON)
    assert not refusal
    assert promises.now(NOON) == {}
    assert promises.now(NOON + HOUR) == {LEFT: promise(begin=1)}
    assert promises.now(NOON + 2 * HOUR) == {}
    assert promises.next_change(NOON) == NOON + HOUR


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (promise("b", RIGHT, 8.0, begin=0.5), "7.0 kW more"),
        (promise("b", LEFT, 1.0, begin=0.5), "somebody else"),
        (promise("b", RIGHT, 23.0, begin=3), "22.0 kW at most"),
        (promise("b", ConnectorId(3), 1.0), "no connector 3"),
        (promise("b", RIGHT, 1.0, begin=-2), "over"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(wanted: Promise, why: str) -> None:
    promises, _ = kept(Promises(), promise(), MEANS, NOON)
    after, refusal = kept(promises, wanted, MEANS, NOON)
    assert why in refusal
    assert after is promises


def test_what_the_grid_has_announced_counts() -> None:
    def usable_w(instant: datetime) -> float:
        return 4_000.0 if instant >= NOON + 0.5 * HOUR else 22_000.0

    means = Means(MEANS.connectors_w, usable_w)
    assert "At 12:30 UTC the station can guarantee 4.0 kW" in kept(Promises(), promise(), means, NOON)[1]
    assert not kept(Promises(), promise(hours=0.4), means, NOON)[1]


def test_the_same_reservation_again_replaces_the_former_and_dropping_frees() -> None:
    promises, _ = kept(Promises(), promise(kw=20), MEANS, NOON)
    promises, refusal = kept(promises, promise(kw=10), MEANS, NOON)
    assert not refusal
    assert promises.now(NOON)[LEFT].power_w == 10_000.0
    assert dropped(promises, "r", NOON).all == {}
    assert dropped(promises, "unknown", NOON) == promises


def test_so_many_promises_and_no_more() -> None:
    promises = Promises({str(n): promise(str(n), begin=n, hours=0.5) for n in range(MOST)})
    assert "cannot remember" in kept(promises, promise("x", RIGHT, 1.0), MEANS, NOON)[1]


@given(st.lists(st.tuples(st.booleans(), st.floats(0.5, 25), st.floats(0, 5), st.floats(0.2, 4)), max_size=12))
def test_at_no_instant_more_is_promised_than_there_is(asked: list[tuple[bool, float, float, float]]) -> None:
    promises = Promises()
    for number, (left, kw, begin, hours) in enumerate(asked):
        wanted = promise(str(number), LEFT if left else RIGHT, kw, begin, hours)
        promises, _ = kept(promises, wanted, MEANS, NOON)
    for one in promises.all.values():
        meanwhile = [other for other in promises.all.values() if other.covers(one.start_time)]
        assert sum(other.power_w for other in meanwhile) <= 22_000.0 + 1e-3
        assert len({other.connector for other in meanwhile}) == len(meanwhile)


def test_a_reserved_session_gets_its_power_and_the_other_what_is_left() -> None:
    bench = Bench(report(1, minutes_ago=1), report(2, minutes_ago=30))
    bench.promises[LEFT] = promise()
    decisions = bench.settle()
    assert decisions[LEFT].limit.w >= 15_000.0 - 1.0
    assert 0.0 < decisions[RIGHT].limit.w <= 7_000.0
    other = decisions[RIGHT].reasons[0]
    assert (other.source, other.until) == (LimitSource.SHARE, NOON + HOUR)
    assert other.detail == "The other connector is reserved with 15.0 kW; this one has what is left."


def test_who_has_reserved_goes_first_when_only_one_fits() -> None:
    bench = Bench(report(1, minutes_ago=1), report(2, minutes_ago=30), budget=dso(4))
    assert bench.settle()[LEFT].command is Command.PAUSE
    bench = Bench(report(1, minutes_ago=1), report(2, minutes_ago=30), budget=dso(4))
    bench.promises[LEFT] = promise()
    assert bench.settle()[RIGHT].command is Command.PAUSE


def test_a_reservation_lifts_nothing_above_the_cap() -> None:
    bench = Bench(report(1), report(2), budget=dso(10))
    bench.promises[LEFT] = promise()
    decisions = bench.settle()
    assert sum(one.limit.w for one in decisions.values()) <= 10_000.0
    assert decisions[LEFT].limit.w > decisions[RIGHT].limit.w


def test_what_is_not_wanted_is_left_to_the_other() -> None:
    reserved = replace(demand(1, 6_000.0), guaranteed_w=15_000.0)
    given_ = shares([reserved, demand(2)], 22_000.0, LOSSLESS)
    assert (given_[LEFT].limit_w, given_[RIGHT].limit_w) == (6_000.0, 16_000.0)


def test_the_plan_expects_who_has_reserved() -> None:
    reports = [report(1, ConnectorState.AVAILABLE), report(2)]
    promises = [promise(begin=2), promise("x", begin=20)]
    problem = problem_of(Question(rated(), Power(22_000.0), Conversion(), reports, NOON, promises=promises))
    assert problem is not None
    expected, present = sorted(problem.sessions, key=lambda one: one.connector)
    assert (expected.from_s, expected.stay_s, expected.max_w) == (7_200.0, 3_600.0, 15_000.0)
    assert present.connector == RIGHT
    assert {7_200.0, 10_800.0} <= {round(begin, 3) for begin in starts(problem.steps_s)}


def test_a_vehicle_that_is_due_is_still_expected_until_it_has_come() -> None:
    reports = [report(1, ConnectorState.AVAILABLE), report(2)]
    problem = problem_of(
        Question(rated(), Power(22_000.0), Conversion(), reports, NOON, promises=[promise(begin=-0.5)])
    )
    assert problem is not None
    assert {one.connector: one.from_s for one in problem.sessions} == {LEFT: FIRST_S, RIGHT: 0.0}
