from __future__ import annotations

import pytest

from edge.chademo.profile import broken, holds

STATIONS = {
    "Indra": (500, 505),
    "F1atline": (500, 492),
    "GeniePoint": (500, 499),
    "ABB": (500, 502),
    "EVgo": (500, 506),
    "EA, lowest": (500, 434),
    "EA, highest": (500, 512),
    "AV50": (505, 490),
    "efacec": (500, 481),
}
"""Announced and highest test voltage of recorded stations."""


@pytest.mark.parametrize("name", sorted(STATIONS))
def test_the_test_of_a_recorded_station_is_not_taken_for_a_broken_one(name: str) -> None:
    announced_v, peak_v = STATIONS[name]
    assert not broken(float(peak_v), 0.4, float(announced_v))
    assert holds(float(peak_v), float(announced_v)) is (name != "EA, lowest")


def test_a_voltage_far_above_the_order_or_a_current_ends_the_test() -> None:
    assert broken(560.0, 0.0, 500.0)
    assert broken(120.0, 3.0, 500.0)
