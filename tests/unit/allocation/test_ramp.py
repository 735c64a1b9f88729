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
