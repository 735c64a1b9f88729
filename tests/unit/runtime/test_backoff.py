"""Waits are spread over an exponential bound that has a ceiling."""

from __future__ import annotations

from powerctl.runtime.backoff import full_jitter


def test_the_bound_doubles_up_to_the_ceiling() -> None:
    bounds = [full_jitter(attempt, base_s=1, cap_s=10, random=lambda: 1.0) for attempt in range(6)]
    assert bounds == [1, 2, 4, 8, 10, 10]


def test_the_wait_is_anywhere_below_the_bound() -> None:
    assert full_jitter(3, random=lambda: 0.0) == 0.0
    assert full_jitter(3, random=lambda: 0.25) == 2.0


def test_a_very_long_outage_does_not_overflow() -> None:
    assert full_jitter(10_000, random=lambda: 1.0) == 120.0
