from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from powerctl.allocation.ramp import Ramp, followed
from powerctl.core.clock import Monotonic


def test_down_at_once_and_up_on_the_ramp() -> None:
    ramp = followed(Ramp(22000.0, Monotonic(0.0)), 4200.0, 1000.0, Monotonic(0.0))
    assert ramp.cap_w == 4200.0
    assert followed(ramp, 22000.0, 1000.0, Monotonic(3.0)).cap_w == 7200.0
    assert followed(ramp, 22000.0, 1000.0, Monotonic(30.0)).cap_w == 22000.0


def test_an_infinite_rate_needs_no_time_but_some() -> None:
    ramp = Ramp(4200.0, Monotonic(0.0))
    assert followed(ramp, 22000.0, math.inf, Monotonic(0.0)).cap_w == 4200.0
    assert followed(ramp, 22000.0, math.inf, Monotonic(0.001)).cap_w == 22000.0


@given(st.lists(st.tuples(st.floats(0, 30000), st.floats(0, 10)), max_size=20), st.floats(1, 1e6))
def test_never_above_the_cap_and_never_faster_than_the_rate(steps: list[tuple[float, float]], rate: float) -> None:
    ramp, now = followed(None, 22000.0, rate, Monotonic(0.0)), 0.0
    for cap_w, seconds in steps:
        now += seconds
        after = followed(ramp, cap_w, rate, Monotonic(now))
        assert after.cap_w <= min(cap_w, ramp.cap_w + rate * seconds + 1e-6)
        ramp = after


def _flapped(seconds: int, *, calm_s: float) -> tuple[int, list[Ramp]]:
    """How often the ramp changed under a cap that flaps between 9 and 10 kW each second, seen ten times a second."""
    ramp, changes, seen = Ramp(22000.0, Monotonic(0.0)), 0, []
    for tick in range(10 * seconds):
        now = Monotonic(tick / 10)
        cap_w = 9000.0 if tick // 10 % 2 else 10000.0
        before, ramp = ramp, followed(ramp, cap_w, 2200.0, now, calm_s=calm_s)
        assert ramp.cap_w <= cap_w
        changes += before.cap_w != ramp.cap_w
        seen.append(ramp)
    return changes, seen


def test_a_flapping_cap_moves_the_station_a_bounded_number_of_times() -> None:
    restless, _ = _flapped(60, calm_s=0.0)
    calm, _ = _flapped(60, calm_s=5.0)
    assert restless > 150
    assert calm <= 12 * 7


def test_a_fall_never_waits_for_calm() -> None:
    _, seen = _flapped(20, calm_s=5.0)
    assert followed(seen[-1], 4200.0, 2200.0, Monotonic(20.0), calm_s=5.0).cap_w == 4200.0


def test_a_single_dip_is_no_flapping() -> None:
    ramp = followed(Ramp(22000.0, Monotonic(0.0)), 4200.0, 1e6, Monotonic(1.0), calm_s=5.0)
    assert followed(ramp, 22000.0, 1e6, Monotonic(2.0), calm_s=5.0).cap_w == 22000.0


def test_after_the_calm_power_comes_back() -> None:
    _, seen = _flapped(20, calm_s=5.0)
    ramp = followed(seen[-1], 22000.0, 1e6, Monotonic(40.0), calm_s=5.0)
    assert followed(ramp, 22000.0, 1e6, Monotonic(41.0), calm_s=5.0).cap_w == 22000.0
