from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.allocation.stay import StayModel, Visit, forecast, from_json, learned, to_json
from powerctl.core.errors import RemoteError

VISIT = Visit(10000.0, soc=0.4, capacity_wh=38000.0, power_w=22000.0)


def _taught(count: int, *, full_after_s: float = math.inf, stated: float | None = None, seed: int = 1) -> StayModel:
    """A site at which a stay is 20 minutes and two for each kilowatt hour, give or take a fifth."""
    random, model = Random(seed), StayModel()
    for _ in range(count):
        need_wh = random.uniform(2000, 25000)
        stay_s = (1200.0 + 120.0 * need_wh / 1000.0) * math.exp(random.gauss(0.0, 0.2))
        said_s = None if stated is None else stay_s * stated
        visit = Visit(need_wh, random.uniform(0.1, 0.3), 38000.0, 22000.0, said_s)
        model = learned(model, visit, min(stay_s, full_after_s), ended=stay_s <= full_after_s)
    return model


def test_a_new_site_is_not_sure_and_one_that_has_seen_visits_is() -> None:
    assert not forecast(StayModel(), VISIT).confident
    assert forecast(_taught(20), VISIT).confident


def test_stays_are_learnt_from_the_need() -> None:
    model = _taught(300)
    for need_wh in (4000.0, 10000.0, 20000.0):
        expected = forecast(model, Visit(need_wh, 0.2, 38000.0, 22000.0))
        assert expected.median_s == pytest.approx(1200.0 + 0.12 * need_wh, rel=0.15)
        rests = expected.remaining_s(0.0, 10)
        assert 0.15 < math.log(rests[8] / rests[1]) / 2.56 < 0.35


def test_one_that_is_seen_only_until_it_is_full_teaches_that_stays_are_longer() -> None:
    visit = Visit(10000.0, 0.2, 38000.0, 22000.0)
    cut = _taught(300, full_after_s=2400.0)
    assert forecast(cut, visit).median_s == pytest.approx(2400.0, rel=0.25)
    naive = StayModel()
    for _ in range(300):
        naive = learned(naive, visit, 1500.0, ended=False)
    assert forecast(naive, visit).median_s > 1500.0


def test_true_statements_are_believed_soon_and_wild_ones_never() -> None:
    booked = replace(VISIT, stated_s=5000.0)
    assert forecast(_taught(5, stated=1.0), booked).sigma < 0.02
    assert forecast(_taught(5, stated=1.0), booked).median_s == pytest.approx(5000.0, rel=0.02)
    wild = _taught(50, stated=10.0)
    assert forecast(wild, booked).mean == pytest.approx(forecast(wild, VISIT).mean, abs=0.1)


def test_a_statement_is_no_ground_to_act_before_one_has_come_true() -> None:
    said = replace(VISIT, stated_s=9000.0)
    assert not forecast(StayModel(), said).confident
    assert forecast(learned(StayModel(), said, 9010.0, ended=True), said).confident
    assert not forecast(learned(StayModel(), said, 5000.0, ended=True), said).confident


def test_who_has_stayed_long_is_expected_to_stay_less_long() -> None:
    expected = forecast(_taught(100), VISIT)
    rests = [expected.remaining_s(elapsed_s, 8) for elapsed_s in (0.0, 1200.0, 1e5)]
    assert sum(rests[0]) > sum(rests[1])
    assert all(rest > 0.0 for row in rests for rest in row)


def test_calibration_is_kept() -> None:
    assert _taught(400).covered == pytest.approx(0.8, abs=0.12)


def test_what_was_learnt_survives_a_restart() -> None:
    model = _taught(10, stated=1.1)
    assert from_json(to_json(model)) == model


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", to_json(StayModel()).replace("0.8,", '"x",'), '{"mean": [1]}']
)
def test_a_damaged_file_is_refused(text: str) -> None:
    with pytest.raises(RemoteError):
        from_json(text)


@given(
    st.lists(
        st.tuples(
            st.floats(1, 1e5), st.floats(0, 1) | st.none(), st.floats(-10, 1e6), st.booleans(), st.floats(0, 1e5)
        ),
        max_size=12,
    )
)
def test_whatever_is_taught_a_forecast_is_a_number(
    lessons: list[tuple[float, float | None, float, bool, float]],
) -> None:
    model = StayModel()
    for need_wh, soc, stay_s, ended, stated_s in lessons:
        model = learned(model, Visit(need_wh, soc, 38000.0, None, stated_s), stay_s, ended=ended)
    expected = forecast(model, VISIT)
    assert math.isfinite(expected.median_s)
    assert 0.0 < expected.sigma < 10.0
    assert from_json(to_json(model)) == model
    rests = expected.remaining_s(600.0, 8)
    assert list(rests) == sorted(rests)


def _at_a_site_where_all_take_what_they_need(count: int) -> StayModel:
    """Nobody leaves before 1.15 of the shortest charging time has passed; then most do soon."""
    random, model = Random(3), StayModel()
    for _ in range(count):
        need_wh = random.uniform(3000, 30000)
        stay_s = 1.15 * need_wh / 22000.0 * 3600.0 + 300.0 * math.exp(random.gauss(0.0, 0.8))
        model = learned(model, Visit(need_wh, None, None, 22000.0), stay_s, ended=True)
    return model


def test_a_site_teaches_whether_vehicles_leave_before_they_could_be_full() -> None:
    visit = Visit(22000.0, None, None, 22000.0)
    waits_for_it = forecast(_at_a_site_where_all_take_what_they_need(60), visit)
    assert waits_for_it.floor_s >= 3600.0
    assert min(waits_for_it.remaining_s(0.0, 8)) >= 3600.0
    random, model = Random(4), StayModel()
    for _ in range(60):
        model = learned(model, visit, 1200.0 * math.exp(random.gauss(0.0, 0.3)), ended=True)
    assert forecast(model, visit).floor_s == 0.0


def test_a_statement_that_is_true_counts_although_it_ends_before_the_floor() -> None:
    model = _at_a_site_where_all_take_what_they_need(40)
    for _ in range(20):
        model = learned(model, Visit(3000.0, None, None, 22000.0, stated_s=2000.0), 2000.0, ended=True)
    assert forecast(model, Visit(22000.0, None, None, 22000.0, stated_s=900.0)).median_s == pytest.approx(900, rel=0.05)
