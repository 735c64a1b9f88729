from __future__ import annotations

from edge.chademo.follow import UNSEEN, Follow, observed
from powerctl.core.clock import Monotonic


def watched(requests: list[int], announced_a: int) -> Follow:
    follow = UNSEEN
    for index, request_a in enumerate(requests):
        follow = observed(follow, request_a, announced_a, Monotonic(10.0 + index * 0.1))
    return follow


def test_a_vehicle_that_drops_in_one_step_follows_as_steep_as_is_ever_asked() -> None:
    assert watched([40, 40, 10], announced_a=10).slope_a_s == 20.0


def test_a_vehicle_that_creeps_is_asked_for_no_more_than_it_does() -> None:
    slope_a_s = watched([40, 39, 38], announced_a=10).slope_a_s
    assert slope_a_s is not None
    assert abs(slope_a_s - 10.0) < 1e-6


def test_a_request_that_rides_on_the_announcement_says_nothing() -> None:
    assert watched([11, 10, 9], announced_a=10).slope_a_s is None


def test_a_taper_says_nothing() -> None:
    assert watched([40, 39, 35], announced_a=50).slope_a_s is None


def test_reaction_time_is_no_slope() -> None:
    assert watched([40, 40, 40], announced_a=10).slope_a_s is None
