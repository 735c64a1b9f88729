from __future__ import annotations

from dataclasses import replace

import pytest

from powerctl.allocation.efficiency import Conversion, EfficiencyCurve
from powerctl.allocation.flexibility import at_grid, flex_ahead, flex_now, is_news, presence
from powerctl.allocation.plan_problem import STEPS, Plan, PlanProblem, PlanSession, grid
from powerctl.core.session import ConnectorState, Flexibility
from tests.unit.allocation.station import report

CAR = PlanSession(1, 30000.0, 22000.0, 5400.0, min_w=1500.0)


def test_flexible_vehicles_can_be_shed_and_firm_ones_to_their_minimum() -> None:
    fast = report(1, committed_kw=10.0)
    firm = report(2, committed_kw=8.0, flexibility=Flexibility.FIRM)
    flex = flex_now([fast, firm], 20000.0)
    assert flex.expected_w == pytest.approx(18000.0)
    assert flex.down_w == pytest.approx(18000.0 - 2400.0)
    assert flex.up_w == pytest.approx(2000.0)
    assert flex_now([report(1, ConnectorState.AVAILABLE)], 20000.0).down_w == 0.0


def test_at_the_grid_connection_the_losses_count_and_the_auxiliaries_do_not() -> None:
    conversion = Conversion(EfficiencyCurve.from_table(((1000.0, 0.8), (30000.0, 0.8))), auxiliary_w=100.0)
    flex = at_grid([report(1, committed_kw=8.0)], conversion, 12_600.0)
    assert (flex.expected_w, flex.down_w) == pytest.approx((10_000.0, 10_000.0))
    assert flex.up_w == pytest.approx(2_500.0)
    assert not is_news(flex, replace(flex, up_w=flex.up_w - 900.0))
    assert is_news(flex, replace(flex, down_w=flex.down_w + 1_000.0))


def test_hours_ahead_count_vehicles_by_how_likely_they_are_there() -> None:
    sure = PlanProblem(grid(), (20000.0,) * STEPS, (CAR,))
    plan = Plan({1: (10000.0,) * STEPS})
    first, second, *_ = flex_ahead(plan, sure, {1: False})
    assert (first.expected_w, first.up_w, first.confidence) == pytest.approx((10000.0, 10000.0, 1.0))
    assert second.expected_w == 0.0
    guess = replace(sure, sessions=(replace(CAR, stays_s=(900.0, 4000.0)),))
    assert flex_ahead(plan, guess, {1: True})[0].down_w == pytest.approx(5000.0 - 1500.0)


def test_one_who_is_expected_is_not_there_before() -> None:
    booked = replace(CAR, from_s=1000.0, stay_s=500.0)
    assert [presence(booked, at_s) for at_s in (999.0, 1200.0, 1600.0)] == [0.0, 1.0, 0.0]
