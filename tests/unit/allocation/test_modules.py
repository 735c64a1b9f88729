from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.allocation.allocator import Rules
from powerctl.allocation.modules import Assignment, ModuleRules, assigned
from powerctl.core.clock import Monotonic
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
