from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.allocation.allocator import Rules
from powerctl.allocation.modules import Assignment, ModuleRules, assigned
from powerctl.allocation.stepped import best_split
from powerctl.core.clock import Monotonic
from powerctl.core.ids import ConnectorId
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from tests.unit.allocation.station import LEFT, RIGHT, Bench, dso, rated, report

FOUR = ModuleRules(unit_w=5500.0, count=4, dwell_s=60.0)
IDLE = ConnectorState.AVAILABLE


def _assigned(old: Assignment, left_w: float, right_w: float, now: float = 0.0) -> tuple[int, int]:
    new = assigned(old, {LEFT: left_w, RIGHT: right_w}, FOUR, Monotonic(now))
    return new.modules[LEFT], new.modules[RIGHT]


def test_modules_go_where_the_shares_are() -> None:
    assert _assigned(Assignment(), 11000.0, 11000.0) == (2, 2)
    assert _assigned(Assignment(), 20000.0, 1500.0) == (3, 1)
    assert _assigned(Assignment(), 22000.0, 0.0) == (4, 0)


def test_a_module_stays_for_its_dwell_but_nobody_waits_for_a_first_one() -> None:
    old = Assignment({LEFT: 4, RIGHT: 0}, Monotonic(0.0))
    assert _assigned(old, 16500.0, 0.0, now=10.0) == (4, 0)
    assert _assigned(old, 11000.0, 11000.0, now=10.0) == (2, 2)
    even = Assignment({LEFT: 2, RIGHT: 2}, Monotonic(0.0))
    assert _assigned(even, 20000.0, 2000.0, now=59.0) == (2, 2)
    assert _assigned(even, 20000.0, 2000.0, now=60.0) == (3, 1)


@given(st.floats(0, 30000), st.floats(0, 30000), st.integers(1, 8))
def test_there_are_never_more_modules_than_there_are(left_w: float, right_w: float, count: int) -> None:
    rules = replace(FOUR, count=count)
    modules = assigned(Assignment(), {LEFT: left_w, RIGHT: right_w}, rules, Monotonic(0.0)).modules
    assert sum(modules.values()) <= count
    assert min(modules.values()) >= 0


def test_a_share_is_bounded_by_its_modules_and_says_so() -> None:
    rules = Rules(rise_step_w=0.0, modules=replace(FOUR, unit_w=7000.0, count=3))
    decisions = Bench(report(1), report(2), rules=rules).settle()
    assert sorted(d.limit.w for d in decisions.values()) == pytest.approx([7000.0, 14000.0])
    least = min(decisions.values(), key=lambda d: d.limit)
    assert least.reasons[0].source is LimitSource.MODULES


def test_a_lower_cap_never_waits_for_a_dwell() -> None:
    bench = Bench(report(1), report(2), rules=Rules(rise_step_w=0.0, modules=FOUR, ramp_up_w_s=1e9))
    bench.settle()
    bench.budget = dso(6.0)
    decisions = bench.decide()
    assert sum(d.limit.w for d in decisions.values()) <= 6000.0 + 1e-6
    bench.obey(decisions)
    bench.budget = rated()
    bench.passes(61.0)
    assert sum(d.limit.w for d in bench.settle().values()) == pytest.approx(22000.0)


def test_one_module_serves_one_vehicle() -> None:
    rules = Rules(rise_step_w=0.0, modules=replace(FOUR, count=1))
    decisions = Bench(report(1, minutes_ago=5), report(2), rules=rules).settle()
    assert decisions[LEFT].limit == Power(5500.0)
    assert decisions[RIGHT].command is Command.PAUSE


def _splits(*pairs_kw: tuple[float, float]) -> tuple[dict[ConnectorId, Power], ...]:
    return tuple({LEFT: Power.from_kw(left), RIGHT: Power.from_kw(right)} for left, right in pairs_kw)


THREE = _splits((22.0, 0.0), (14.6, 7.3), (7.3, 14.6), (0.0, 22.0))


@pytest.mark.parametrize(
    ("wanted", "split"),
    [((11.0, 11.0), (14.6, 7.3)), ((5.0, 17.0), (7.3, 14.6)), ((22.0, 0.0), (22.0, 0.0)), ((3.0, 22.0), (7.3, 14.6))],
)
def test_the_division_serves_whoever_wants_and_then_most(
    wanted: tuple[float, float], split: tuple[float, float]
) -> None:
    found = best_split(THREE, {LEFT: 1000.0 * wanted[0], RIGHT: 1000.0 * wanted[1]})
    assert (found[LEFT].kw, found[RIGHT].kw) == split


def test_power_that_the_modules_cannot_bring_to_one_side_goes_to_the_other_and_the_modules_are_named() -> None:
    bench = Bench(report(1, committed_kw=1.0), report(2, committed_kw=1.0))
    bench.splits = _splits((14.6, 7.3))
    decisions = bench.settle()
    assert (decisions[LEFT].limit.kw, decisions[RIGHT].limit.kw) == pytest.approx((14.6, 7.3))
    assert decisions[RIGHT].reasons[0].source is LimitSource.MODULES


def test_one_vehicle_alone_is_not_bound_by_a_division_for_two() -> None:
    bench = Bench(report(1, committed_kw=1.0), report(2, IDLE))
    bench.splits = _splits((7.3, 7.3))
    assert bench.settle()[LEFT].limit.kw == pytest.approx(22.0)
