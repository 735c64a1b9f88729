from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sim.battery import Battery
from edge.sim.models import MODELS, on_curve

LEAF = MODELS["leaf40"]


def test_an_hour_at_one_tenth_of_the_capacity_adds_ten_per_cent() -> None:
    battery = Battery(LEAF, 40.0, 38.0)
    amperes = 3800.0 / battery.open_v
    for _ in range(360):
        battery = battery.charged(amperes, 10.0)
    assert battery.soc_percent == pytest.approx(50.0, abs=0.2)


@pytest.mark.parametrize(
    ("name", "percent", "kilowatts"),
    [("leaf40", 62, 45.0), ("leaf40", 100, 15.0), ("outlander", 75, 22.0), ("outlander", 100, 3.7)],
)
def test_the_wish_follows_the_published_curve(name: str, percent: float, kilowatts: float) -> None:
    model = MODELS[name]
    battery = Battery(model, percent, model.usable_kwh)
    assert battery.wish_a() * battery.voltage_v == pytest.approx(kilowatts * 1000, rel=0.001)


def test_near_the_target_voltage_the_wish_is_what_holds_it() -> None:
    model = replace(LEAF, open_voltage=((0.0, 300.0), (100.0, 409.0)))
    battery = Battery(model, 100.0, 38.0)
    assert battery.wish_a() == pytest.approx(1.0 / 0.08)


@given(name=st.sampled_from(sorted(MODELS)), soc=st.floats(0, 100), amperes=st.floats(0, 130), dt_s=st.floats(0, 3600))
def test_charging_never_loses_charge_and_never_passes_full(name: str, soc: float, amperes: float, dt_s: float) -> None:
    battery = Battery(MODELS[name], soc, MODELS[name].usable_kwh)
    assert soc <= battery.charged(amperes, dt_s).soc_percent <= 100.0


@given(x=st.floats(-50, 150))
def test_a_curve_is_flat_beyond_its_ends_and_between_its_points_otherwise(x: float) -> None:
    curve = ((0.0, 10.0), (100.0, 20.0))
    assert on_curve(curve, x) == pytest.approx(10.0 + min(100.0, max(0.0, x)) / 10.0)
