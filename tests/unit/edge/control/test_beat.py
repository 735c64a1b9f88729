"""Deadlines are absolute: late once does not mean late for ever, and a stall makes no burst."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.control.beat import Beat
from powerctl.core.clock import Monotonic


def test_being_late_does_not_move_the_next_deadline() -> None:
    beat, missed = Beat(Monotonic(10.0), 0.1).following(Monotonic(10.03))
    assert round(beat.due, 9) == 10.1
    assert missed == 0
    assert round(beat.remaining(Monotonic(10.03)), 9) == 0.07


def test_a_stall_is_skipped_not_made_up_for() -> None:
    beat, missed = Beat(Monotonic(10.0), 0.1).following(Monotonic(10.47))
    assert missed == 4
    assert round(beat.due, 9) == 10.5


def test_a_deadline_that_has_passed_is_not_waited_for() -> None:
    assert Beat(Monotonic(10.0), 0.1).remaining(Monotonic(11.0)) == 0.0


@given(st.lists(st.floats(0.0, 0.5), min_size=1, max_size=50))
def test_deadlines_stay_on_the_grid_and_in_the_future(delays: list[float]) -> None:
    beat, now = Beat(Monotonic(0.0), 0.1), 0.0
    for delay in delays:
        now = max(now, beat.due) + delay
        beat, _ = beat.following(Monotonic(now))
        assert now < beat.due + 1e-9 <= now + 0.1 + 2e-9
        assert abs(beat.due / 0.1 - round(beat.due / 0.1)) < 1e-6
