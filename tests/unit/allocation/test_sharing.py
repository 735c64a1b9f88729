from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.allocation.sharing import fill

Parties = list[tuple[float, float, float]]
"""Floor, room above the floor, weight."""
parties = st.lists(st.tuples(st.floats(0, 5000), st.floats(0, 30000), st.floats(0.05, 20.0)), max_size=8)


def _filled(available_w: float, some: Parties) -> list[float]:
    return fill(available_w, [f for f, _, _ in some], [f + room for f, room, _ in some], [w for _, _, w in some])


@pytest.mark.parametrize(
    ("available", "some", "expected"),
    [
        (22.0, [(2.4, 30.0, 1.0), (2.4, 30.0, 1.0)], [11.0, 11.0]),
        (22.0, [(2.4, 2.6, 1.0), (2.4, 30.0, 1.0)], [5.0, 17.0]),
        (22.0, [(2.4, 30.0, 3.0), (2.4, 30.0, 1.0)], [16.5, 5.5]),
        (5.0, [(2.4, 30.0, 100.0), (2.4, 30.0, 1.0)], [2.6, 2.4]),
        (22.0, [(1.0, 2.0, 1.0)], [3.0]),
        (22.0, [], []),
    ],
)
def test_shares(available: float, some: Parties, expected: list[float]) -> None:
    assert _filled(available, some) == pytest.approx(expected)


@given(parties, st.floats(0, 60000))
def test_nothing_is_wasted_and_nothing_is_exceeded(some: Parties, room_w: float) -> None:
    available_w = sum(floor for floor, _, _ in some) + room_w
    ceilings = [floor + room for floor, room, _ in some]
    given_w = _filled(available_w, some)
    assert sum(given_w) == pytest.approx(min(available_w, sum(ceilings)), abs=1e-6)
    for share, (floor, _, _), ceiling in zip(given_w, some, ceilings, strict=True):
        assert floor - 1e-9 <= share <= ceiling + 1e-9


@given(parties, st.floats(0, 60000))
def test_no_one_envies_an_unbounded_neighbour(some: Parties, room_w: float) -> None:
    """Whoever is not at a ceiling has at least the level of everybody who is above the floor."""
    given_w = _filled(sum(floor for floor, _, _ in some) + room_w, some)
    levels = [
        share / weight
        for share, (floor, room, weight) in zip(given_w, some, strict=True)
        if floor + 1e-6 < share < floor + room - 1e-6
    ]
    assert not levels or max(levels) == pytest.approx(min(levels), rel=1e-6)
