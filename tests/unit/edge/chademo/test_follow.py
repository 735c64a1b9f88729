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


def test_a_request_that_goes_down_with_the_announcement_follows_it() -> None:
    follow = UNSEEN
    for step in range(8):
        follow = observed(follow, 40 - step, 40 - step, Monotonic(10.0 + step * 0.1))
    assert (follow.slope_a_s, follow.obeys) == (None, True)


def test_a_request_that_stands_above_the_announcement_for_five_seconds_does_not_follow() -> None:
    assert watched([40] * 50, announced_a=10).obeys is None
    assert watched([40] * 60, announced_a=10).obeys is False


def test_one_that_moves_late_after_all_follows_slowly() -> None:
    follow = watched([40] * 60 + [30, 10], announced_a=10)
    assert follow.obeys is True
    assert follow.reaction_s is not None
    assert follow.reaction_s > 5.0


def test_reaction_is_the_time_to_the_first_fall() -> None:
    follow = watched([40, 40, 40, 20], announced_a=10)
    assert follow.reaction_s is not None
    assert abs(follow.reaction_s - 0.3) < 1e-6
