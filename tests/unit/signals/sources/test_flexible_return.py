"""Power comes back late, spread and slowly; it goes down at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from powerctl.signals.arbitration import Contribution, arbitrate
from powerctl.signals.sources.flexible_return import Return, ReturnRules, commanded, contributions, followed

RATING = Power(22_000)
FULL = Return(RATING, RATING)
RULES = ReturnRules(delay_s=60, random_s=600, ramp_s=100)


def story(*steps: tuple[float, float], rules: ReturnRules = RULES, fraction: float = 0.5) -> list[float]:
    """The level after each step of (instant, what the sources permit)."""
    state, levels = FULL, []
    for at, goal in steps:
        state = followed(state, Power(goal), rules, fraction, Monotonic(at))
        levels.append(state.level.w)
    return levels


def test_a_decrease_is_never_delayed() -> None:
    assert story((0, 4_200), (1, 0)) == [4_200, 0]


def test_an_increase_waits_for_the_delay_and_its_random_part() -> None:
    assert story((0, 4_200), (10, 22_000), (369, 22_000), (370, 22_000)) == [4_200, 4_200, 4_200, 22_000]


def test_without_rules_an_increase_is_immediate() -> None:
    assert story((0, 4_200), (10, 22_000), rules=ReturnRules()) == [4_200, 22_000]


def test_a_decrease_while_waiting_counts_and_the_next_increase_waits_anew() -> None:
    levels = story((0, 9_000), (10, 22_000), (100, 4_200), (110, 22_000), (380, 22_000), (470, 22_000))
    assert levels == [9_000, 9_000, 4_200, 4_200, 4_200, 22_000]


def test_a_lower_goal_while_waiting_is_where_it_returns_to() -> None:
    assert story((0, 4_200), (10, 22_000), (20, 11_000), (370, 11_000)) == [4_200, 4_200, 4_200, 11_000]


def test_while_it_waits_the_level_is_a_cap_and_the_ramp_holds_at_all_times() -> None:
    waiting = Return(Power(4_200), RATING, Monotonic(100))
    (cap,) = contributions(waiting, RATING, RULES, Monotonic(99))
    assert (cap.cap, cap.source, cap.ramp_up_w_s) == (Power(4_200), LimitSource.RAMP, 220)
    (ramp,) = contributions(FULL, RATING, RULES, Monotonic(99))
    assert (ramp.cap, ramp.ramp_up_w_s) == (None, 220)
    assert contributions(FULL, RATING, ReturnRules(), Monotonic(99)) == []


def test_only_what_many_stations_get_at_once_is_spread() -> None:
    meter = Contribution(LimitSource.SITE_METER, "", cap=Power(1_000))
    frequency = Contribution(LimitSource.FREQUENCY, "", cap=Power(2_000))
    assert commanded(RATING, [meter, frequency]) == RATING
    assert commanded(RATING, [meter, Contribution(LimitSource.DSO, "", cap=Power(4_200))]) == Power(4_200)
    assert commanded(RATING, [Contribution(LimitSource.DSO, "", command=Command.PAUSE)]) == Power(0)


caps = st.integers(0, 30_000).map(Power)


@given(st.lists(st.tuples(st.floats(0, 1000), caps), min_size=1), st.floats(0, 1))
def test_the_level_is_never_above_what_the_sources_permit(steps: list[tuple[float, Power]], fraction: float) -> None:
    state, at = FULL, 0.0
    for wait, goal in steps:
        at += wait
        state = followed(state, min(goal, RATING), RULES, fraction, Monotonic(at))
        assert state.level <= min(goal, RATING)
        extra = contributions(state, RATING, RULES, Monotonic(at))
        dso = Contribution(LimitSource.DSO, "", cap=goal)
        assert arbitrate(RATING, [dso, *extra]).cap <= arbitrate(RATING, [dso]).cap
