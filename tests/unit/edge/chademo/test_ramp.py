from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.chademo.ramp import (
    LEAD_S,
    MODULE_FALL_A_S,
    Bounds,
    Due,
    Ramp,
    kicked,
    offered,
    output_a,
    resting,
    stepped,
    wanted_a,
)
from powerctl.core.clock import Monotonic

AT_400 = Bounds(voltage_v=400.0, max_a=125.0, floor_a=6.0, request_a=125.0, lower_a_s=10.0, raise_a_s=20.0)
NOW = Monotonic(50.0)
FULL = Ramp(limit_w=20000.0, ceiling_w=20000.0, available_a=50.0)


def run(ramp: Ramp, bounds: Bounds, seconds: float, start: Monotonic = NOW) -> list[Ramp]:
    """The ramp after each of the periods that follow."""
    ramps = []
    for period in range(1, round(seconds * 10) + 1):
        ramp = stepped(ramp, bounds, Monotonic(start + period * 0.1), 0.1)
        ramps.append(ramp)
    return ramps


def test_available_current_is_power_over_voltage_rounded_up_and_the_output_is_exact() -> None:
    ramp = resting(Ramp(4200.0, 4200.0, 0.0), AT_400)
    assert ramp.announced_a == 11
    assert output_a(ramp, AT_400) == 10.5


def test_below_the_floor_nothing_is_announced() -> None:
    assert wanted_a(2400.0, AT_400) == 6.0
    assert wanted_a(2300.0, AT_400) == 0.0


def test_a_minimum_survives_a_little_more_voltage() -> None:
    assert wanted_a(2400.0, replace(AT_400, voltage_v=410.0)) > 0.0


def test_hold_min_announces_the_floor_whatever_is_on_offer() -> None:
    assert wanted_a(20000.0, replace(AT_400, hold_min=True)) == 6.0


def test_a_decrease_without_settle_time_is_there_at_once() -> None:
    ramp = kicked(offered(FULL, 4000.0, None, NOW), AT_400, NOW, was_falling=False)
    assert (ramp.announced_a, ramp.ceiling_w, output_a(ramp, AT_400)) == (10, 4000.0, 10.0)


def test_a_decrease_with_time_shows_in_the_next_frame_and_falls_at_the_slope() -> None:
    ramp = kicked(offered(FULL, 4000.0, Monotonic(NOW + 10), NOW), AT_400, NOW, was_falling=False)
    assert ramp.announced_a == 49
    assert [step.announced_a for step in run(ramp, AT_400, 0.5)] == [48, 47, 46, 45, 44]


def test_the_output_has_settled_when_the_time_is_over_whatever_the_slope() -> None:
    by = Monotonic(NOW + 2.0)
    steps = run(offered(FULL, 4000.0, by, NOW), AT_400, 2.0)
    clamped = next(index for index, step in enumerate(steps) if step.ceiling_w <= 4000.0)
    before_a = output_a(steps[clamped - 1], AT_400)
    assert NOW + (clamped + 1) * 0.1 + (before_a - 10.0) / MODULE_FALL_A_S <= by
    assert NOW + (clamped + 1) * 0.1 >= by - LEAD_S - 0.1 - (before_a - 10.0) / MODULE_FALL_A_S


def test_a_renewal_does_not_put_a_decrease_off() -> None:
    ramp = offered(FULL, 4000.0, Monotonic(NOW + 2), NOW)
    renewed = offered(ramp, 4000.0, Monotonic(NOW + 3), Monotonic(NOW + 1))
    assert renewed.dues == (Due(4000.0, Monotonic(NOW + 2)),)


def test_a_further_decrease_keeps_the_deadline_of_the_first() -> None:
    ramp = offered(FULL, 10000.0, Monotonic(NOW + 2), NOW)
    lower = offered(ramp, 4000.0, Monotonic(NOW + 6), Monotonic(NOW + 1))
    assert lower.dues == (Due(10000.0, Monotonic(NOW + 2)), Due(4000.0, Monotonic(NOW + 6)))


def test_an_increase_in_the_middle_of_a_decrease_only_lowers_its_depth() -> None:
    ramp = offered(FULL, 4000.0, Monotonic(NOW + 2), NOW)
    higher = offered(ramp, 8000.0, Monotonic(NOW + 6), Monotonic(NOW + 1))
    assert higher.dues == (Due(8000.0, Monotonic(NOW + 2)),)


def test_an_increase_is_promised_at_once_and_announced_on_a_ramp() -> None:
    low = Ramp(4000.0, 4000.0, 10.0)
    ramp = offered(low, 20000.0, None, NOW)
    assert ramp.ceiling_w == 20000.0
    assert [step.announced_a for step in run(ramp, AT_400, 0.3)] == [12, 14, 16]


def test_a_vehicle_that_asks_for_less_is_not_walked_down_from_the_top() -> None:
    modest = replace(AT_400, request_a=20.0)
    ramp = kicked(offered(FULL, 4000.0, Monotonic(NOW + 5), NOW), modest, NOW, was_falling=False)
    assert ramp.announced_a == 19


def test_a_vehicle_that_takes_no_change_keeps_its_announcement_until_the_clamp() -> None:
    firm = replace(AT_400, dynamic=False)
    steps = run(offered(FULL, 4000.0, Monotonic(NOW + 2), NOW), firm, 2.0)
    assert {step.announced_a for step in steps} == {50, 10}


def test_many_different_decreases_are_remembered_in_bounded_space() -> None:
    ramp = FULL
    for index in range(100):
        ramp = offered(ramp, 19000.0 - index * 100, Monotonic(NOW + 5 + index), NOW)
    assert len(ramp.dues) <= 8
    assert min(due.limit_w for due in ramp.dues) == 19000.0 - 9900.0


offers = st.tuples(
    st.floats(0.0, 25000.0), st.one_of(st.none(), st.floats(0.0, 8.0)), st.integers(0, 30), st.floats(300.0, 420.0)
)


@settings(deadline=None)
@given(
    story=st.lists(offers, min_size=1, max_size=8),
    lower_a_s=st.floats(5.0, 20.0),
    request_a=st.floats(0.0, 130.0),
    dynamic=st.booleans(),
)
def test_the_promise_holds_in_every_story(
    story: list[tuple[float, float | None, int, float]], lower_a_s: float, request_a: float, dynamic: bool
) -> None:
    """The promise never rises without a higher offer, the output never exceeds it, and each deadline is kept."""
    ramp, now = FULL, float(NOW)
    standing: list[tuple[float, float]] = []
    for limit_w, settle_s, periods, voltage_v in story:
        bounds = replace(AT_400, voltage_v=voltage_v, lower_a_s=lower_a_s, request_a=request_a, dynamic=dynamic)
        by = None if settle_s is None else Monotonic(now + settle_s)
        promised_w = ramp.ceiling_w
        ramp = offered(ramp, limit_w, by, Monotonic(now))
        assert ramp.ceiling_w <= max(promised_w, limit_w)
        standing = [(max(limit, limit_w), at) for limit, at in standing]
        standing.append((limit_w, now if by is None else by))
        for _ in range(periods):
            before_w, now = ramp.ceiling_w, now + 0.1
            ramp = stepped(ramp, bounds, Monotonic(now), 0.1)
            watts = output_a(ramp, bounds) * voltage_v
            assert ramp.ceiling_w <= before_w + 1e-6
            assert watts <= ramp.ceiling_w + 1e-6
            assert output_a(ramp, bounds) <= min(request_a, ramp.announced_a)
            assert all(watts <= limit + 1e-6 for limit, at in standing if now >= at)
