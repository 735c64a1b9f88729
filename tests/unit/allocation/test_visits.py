from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from powerctl.allocation.visits import Statement, Visits, followed, left
from powerctl.core.session import ConnectorState
from powerctl.core.units import Energy, Power
from tests.unit.allocation.station import LEFT, NOON, report

RATED_W = 22000.0
LATER = NOON + timedelta(minutes=40)
CAR = replace(report(1), capacity=Energy(40000.0), soc_percent=50.0)


def test_a_visit_ends_when_the_plug_comes_out_and_teaches_its_length() -> None:
    visits = followed(Visits(), CAR, RATED_W, NOON)
    gone = followed(visits, report(1, ConnectorState.AVAILABLE), RATED_W, LATER)
    assert gone.present == {}
    assert gone.model.visits > visits.model.visits


def test_the_next_vehicle_ends_the_visit_before() -> None:
    visits = followed(followed(Visits(), CAR, RATED_W, NOON), report(1, session="next"), RATED_W, LATER)
    assert visits.present[LEFT].session == "next"
    assert visits.model.visits > 0.5


def test_who_was_lost_from_sight_teaches_less() -> None:
    visits = followed(Visits(), CAR, RATED_W, NOON)
    minutes = NOON + timedelta(minutes=5)
    assert left(visits, LEFT, minutes, seen=False).model.visits < left(visits, LEFT, minutes).model.visits


def test_a_vehicle_that_told_nothing_teaches_nothing() -> None:
    silent = replace(CAR, soc_percent=None)
    visits = followed(Visits(), silent, RATED_W, NOON)
    assert left(visits, LEFT, LATER).model == visits.model


def test_the_state_of_charge_at_arrival_is_reckoned_back() -> None:
    late = replace(CAR, session_energy=Energy(4000.0))
    visit = followed(Visits(), late, RATED_W, NOON, Statement(need_wh=9000.0)).present[LEFT].visit
    assert visit.soc == pytest.approx(0.4)
    assert visit.need_wh == pytest.approx(9000.0)


def test_a_taper_is_learnt_from_requests_that_we_do_not_hold_back() -> None:
    visits = Visits()
    for taken_wh, target_kw in [(0.0, 22.0), (1000.0, 18.0), (1200.0, 17.6), (2000.0, 16.0)]:
        one = replace(CAR, session_energy=Energy(taken_wh), target=Power.from_kw(target_kw))
        visits = followed(visits, one, RATED_W, NOON)
    taper = visits.present[LEFT].taper
    assert taper is not None
    assert taper.per_h == pytest.approx(2.0)
    held = replace(CAR, session_energy=Energy(3000.0), target=Power.from_kw(5.0), wants_more=True)
    assert followed(visits, held, RATED_W, NOON).present[LEFT].taper == taper
