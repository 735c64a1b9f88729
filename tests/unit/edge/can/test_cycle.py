"""Repeating frames in time while they are renewed, and falling silent when they are not."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from edge.can.cycle import LIVES, MARGIN_S, PERIOD_S, Cycle
from edge.can.frame import Frame
from powerctl.core.clock import Monotonic

A, B = (Frame(0x108, bytes(8)),), (Frame(0x108, bytes([1, *bytes(7)])),)


def at(seconds: float) -> Monotonic:
    return Monotonic(seconds)


def test_nothing_is_due_before_anything_was_shown() -> None:
    assert Cycle().wait_s(at(0)) is None
    assert Cycle().taken(at(5)) == (Cycle(), ())


def test_deadlines_are_a_period_apart_and_do_not_drift() -> None:
    cycle = Cycle().shown(A, at(10))
    for period in range(100):
        due = 10 + MARGIN_S + period * PERIOD_S
        assert abs(due - (cycle.due or 0)) < 1e-6
        late = at(due + 0.001 + 0.03 * (period % 3))
        cycle, frames = cycle.taken(late)
        assert frames == A
        cycle = cycle.shown(A, late)


def test_an_hour_of_late_wakes_adds_up_to_nothing() -> None:
    cycle, late, now = Cycle().shown(A, at(10)), Random(7), 0.0
    for _ in range(36_000):
        assert cycle.due is not None
        now = cycle.due + late.uniform(0.0, 0.09)
        cycle, frames = cycle.shown(B, at(now)).taken(at(now))
        assert frames == B
    assert abs((cycle.due or 0.0) - (10 + MARGIN_S + 3600.0)) < 1e-6


def test_new_values_wait_for_the_deadline() -> None:
    cycle, _ = Cycle().shown(A, at(0)).taken(at(0.01))
    cycle = cycle.shown(B, at(0.05))
    assert cycle.taken(at(0.06))[1] == ()
    assert cycle.taken(at(0.11))[1] == B


def test_frames_that_nobody_renews_end() -> None:
    cycle, sent = Cycle().shown(A, at(0)), 0
    for period in range(10):
        cycle, frames = cycle.taken(at(0.05 + period * PERIOD_S))
        sent += len(frames)
    assert sent == LIVES
    assert cycle.due is None


def test_showing_nothing_ends_at_once() -> None:
    assert Cycle().shown(A, at(0)).shown((), at(0.05)).due is None


def test_missed_periods_are_skipped_and_not_made_up() -> None:
    cycle, frames = Cycle().shown(A, at(0)).taken(at(0.35))
    assert frames == A
    assert cycle.taken(at(0.36))[1] == ()
    assert abs((cycle.due or 0) - (0.4 + MARGIN_S)) < 1e-6


@given(st.lists(st.tuples(st.floats(0, 0.5), st.booleans()), max_size=60))
def test_never_two_in_less_than_a_period_of_the_grid(story: list[tuple[float, bool]]) -> None:
    cycle, now = Cycle().shown(A, at(0)), 0.0
    slots = []
    for step, renew in story:
        now += step
        before = cycle.due
        cycle, frames = cycle.taken(at(now))
        if frames and before is not None:
            slots.append(round((now - MARGIN_S) // PERIOD_S))
        if renew and cycle.due is not None:
            cycle = cycle.shown(B, at(now))
    assert len(slots) == len(set(slots))
