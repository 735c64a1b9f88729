from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.allocation.plan_problem import STEPS, PlanProblem, PlanSession, grid
from powerctl.allocation.plan_split import split

ONE = PlanSession(1, need_wh=10000.0, max_w=22000.0, stay_s=3600.0, min_w=1500.0)
TWO = replace(ONE, connector=2)


def _split(*sessions: PlanSession, cap_w: float = 22000.0) -> dict[int, float]:
    return split(PlanProblem(grid(), (cap_w,) * STEPS, sessions))


def test_equals_share_evenly() -> None:
    assert _split(ONE, TWO) == pytest.approx({1: 11000.0, 2: 11000.0})
    assert _split(*(replace(s, stays_s=(600.0, 1800.0, 4000.0)) for s in (ONE, TWO))) == pytest.approx(
        {1: 11000.0, 2: 11000.0}, rel=0.05
    )


def test_one_who_must_leave_goes_first_and_the_other_keeps_its_minimum() -> None:
    shares = _split(replace(ONE, stay_s=10000.0), replace(TWO, need_wh=6800.0, stay_s=1200.0))
    assert shares[1] == pytest.approx(1500.0, abs=200.0)
    assert sum(shares.values()) == pytest.approx(22000.0)


def test_a_minimum_that_costs_the_other_its_energy_is_not_kept() -> None:
    urgent = replace(TWO, need_wh=9000.0, stay_s=1200.0, now_w=4000.0)
    assert _split(replace(ONE, stay_s=20000.0), urgent, cap_w=5000.0) == {1: 0.0, 2: 5000.0}


def test_a_pause_must_be_worth_it_and_a_wait_goes_on_while_it_is() -> None:
    urgent = replace(TWO, need_wh=6880.0, stay_s=1200.0, now_w=20000.0)
    patient = replace(ONE, need_wh=20000.0, stay_s=4500.0)
    assert _split(replace(patient, now_w=1500.0), urgent)[1] > 0.0
    assert _split(replace(patient, now_w=0.0), urgent)[1] == 0.0


def test_where_only_one_minimum_fits_the_one_that_leaves_first_runs() -> None:
    shares = _split(replace(ONE, stay_s=20000.0), replace(TWO, stay_s=1200.0), cap_w=2000.0)
    assert shares == {1: 0.0, 2: 2000.0}
    assert _split(ONE, TWO, cap_w=1000.0) == {}


def test_what_is_as_good_stays_as_it_is() -> None:
    shares = _split(replace(ONE, stay_s=7200.0, now_w=14000.0), replace(TWO, stay_s=7200.0, now_w=8000.0))
    assert shares == pytest.approx({1: 14000.0, 2: 8000.0})


def test_too_little_for_both_is_shared_by_need() -> None:
    shares = _split(replace(ONE, stay_s=1800.0, served_wh=8000.0, need_wh=2000.0), replace(TWO, stay_s=1800.0))
    assert shares[2] > shares[1]


def test_enough_for_both_and_guesses_without_ground_divide_nothing() -> None:
    assert _split(replace(ONE, max_w=10000.0), replace(TWO, max_w=9000.0)) == {}
    assert _split(ONE, replace(TWO, confident=False)) == {}
    assert _split(ONE) == {}


watts = st.floats(0, 25000)
sessions = st.builds(
    PlanSession,
    st.just(1),
    need_wh=st.floats(20, 60000),
    max_w=st.floats(100, 22000),
    stay_s=st.floats(30, 30000),
    served_wh=st.floats(0, 30000),
    min_w=st.sampled_from([0.0, 500.0, 1500.0]),
    now_w=watts,
    taper_w=st.none() | watts,
    taper_per_h=st.floats(0, 5),
    stays_s=st.just(()) | st.lists(st.floats(30, 30000), min_size=2, max_size=4).map(lambda s: tuple(sorted(s))),
)


@given(sessions, sessions, watts)
def test_a_division_is_never_more_than_there_is(one: PlanSession, two: PlanSession, cap_w: float) -> None:
    shares = _split(one, replace(two, connector=2), cap_w=cap_w)
    assert all(share >= -1e-6 for share in shares.values())
    assert sum(shares.values()) <= cap_w + 1e-6


def test_one_that_takes_its_last_does_not_make_the_other_wait() -> None:
    assert _split(replace(ONE, now_w=11000.0), replace(TWO, need_wh=10.0, now_w=1500.0))[1] > 20000.0
