from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.allocation.budget import Budget
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.plan_problem import PlanSession
from powerctl.allocation.plan_question import Question, problem_of
from powerctl.allocation.stay import StayModel, from_json, to_json
from powerctl.allocation.taper import ASSUMED_FALLS
from powerctl.allocation.visits import Visits, followed, left
from powerctl.core.demand import ConnectorReport
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Energy, Power
from tests.unit.allocation.station import LEFT, NOON, report

POINTS = tuple((soc / 100.0, 2.2 - 2.0 * soc / 100.0) for soc in range(62, 100, 2))
BUDGET = Budget(Power.from_kw(22.0), LimitSource.HARDWARE, "")


def _seen(soc: float, kw: float, *, wants_more: bool = False) -> ConnectorReport:
    return replace(
        report(1, committed_kw=22.0, target_kw=kw),
        soc_percent=100.0 * soc,
        capacity=Energy(40_000.0),
        wants_more=wants_more,
    )


def _visit(visits: Visits, *seen: ConnectorReport) -> Visits:
    for number, one in enumerate(seen):
        visits = followed(visits, one, 22000.0, NOON + timedelta(minutes=number))
    return visits


def _planned(visits: Visits, seen: ConnectorReport) -> PlanSession:
    other = replace(report(2), session=None)
    problem = problem_of(Question(BUDGET, Power.from_kw(22.0), Conversion(), [seen, other], NOON, visits=visits))
    assert problem is not None
    return problem.sessions[0]


def test_the_line_of_the_site_is_learnt() -> None:
    at_zero, fall = ASSUMED_FALLS.learned(POINTS * 5).line()
    assert fall == pytest.approx(2.0, rel=0.15)
    assert at_zero - 0.8 * fall == pytest.approx(0.6, abs=0.06)


def test_a_visit_teaches_when_it_ends_and_what_was_taught_is_kept() -> None:
    visits = _visit(Visits(), *(_seen(soc, 20.0 * min(1.0, part)) for soc, part in ((0.5, 1.0), *POINTS)))
    assert visits.model.falls == ASSUMED_FALLS
    model = left(visits, LEFT, NOON + timedelta(hours=1)).model
    assert model.falls.line()[1] == pytest.approx(2.0, rel=0.3)
    assert from_json(to_json(model)) == model


def test_a_request_that_we_hold_down_teaches_nothing() -> None:
    seen = (_seen(0.5, 20.0), _seen(0.7, 8.0, wants_more=True))
    assert left(_visit(Visits(), *seen), LEFT, NOON).model.falls == ASSUMED_FALLS


def test_a_plan_expects_the_fall_before_the_vehicle_shows_it() -> None:
    visits = Visits(model=StayModel(falls=ASSUMED_FALLS.learned(POINTS * 9)))
    early = _planned(_visit(visits, _seen(0.3, 20.0)), _seen(0.3, 20.0))
    assert early.taper_per_h == pytest.approx(20000.0 * 2.0 / 40000.0, rel=0.1)
    assert early.taper_w is not None
    # The fall begins where the line meets the present power: at 60 per cent.
    assert 0.3 + (early.taper_w - 20000.0) / early.taper_per_h / 40000.0 == pytest.approx(0.6, abs=0.05)


def test_a_vehicle_above_the_line_is_believed() -> None:
    visits = Visits(model=StayModel(falls=ASSUMED_FALLS.learned(POINTS * 9)))
    late = _planned(_visit(visits, _seen(0.9, 20.0)), _seen(0.9, 20.0))
    assert late.taper_w == pytest.approx(20000.0)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=30))
def test_whatever_is_taught_power_falls_with_the_soc(points: list[tuple[float, float]]) -> None:
    at_zero, fall = ASSUMED_FALLS.learned(points).line()
    assert 0.5 <= fall <= 10.0
    assert -1.0 < at_zero < 12.0
