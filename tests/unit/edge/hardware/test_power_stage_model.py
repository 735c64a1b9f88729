"""Simulated modules fall fast, rise within bounds, and leave no voltage behind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.hardware.power_stage_model import (
    NO_LOAD,
    Load,
    Mode,
    StageState,
    advanced,
    ordered,
    tripped,
)
from powerctl.core.clock import Monotonic
from powerctl.core.units import Current, Power, Voltage

BATTERY = Load(True, Voltage(360.0))
RATING = Power(22_000.0)


def run(state: StageState, load: Load, seconds: float) -> StageState:
    for step in range(1, round(seconds / 0.02) + 1):
        state = advanced(state, load, Monotonic(step * 0.02), RATING)
    return StageState(Monotonic(0.0), state.mode, state.ceiling_v, state.order_a, state.voltage_v, state.current_a)


def charging(amperes: float = 50.0) -> StageState:
    state = ordered(StageState(Monotonic(0.0)), Mode.CHARGE, Voltage(420.0), Current(amperes))
    return run(state, BATTERY, 2.0)


def test_the_current_follows_the_order_into_a_battery() -> None:
    state = charging(50.0)
    assert state.output.current == Current(50.0)
    assert state.output.voltage == BATTERY.voltage


def test_the_current_falls_at_a_hundred_amperes_a_second_or_faster() -> None:
    state = run(ordered(charging(50.0), Mode.CHARGE, Voltage(420.0), Current(10.0)), BATTERY, 0.4)
    assert state.current_a == 10.0


def test_a_trip_ends_the_current_at_once() -> None:
    assert tripped(charging()).current_a == 0.0


def test_an_open_contactor_ends_the_current() -> None:
    assert run(charging(), NO_LOAD, 0.02).current_a == 0.0


def test_the_insulation_test_raises_the_open_cable_without_current() -> None:
    state = run(ordered(StageState(Monotonic(0.0)), Mode.TEST, Voltage(500.0), Current(0.0)), NO_LOAD, 0.6)
    assert state.output.voltage == Voltage(500.0)
    assert state.current_a == 0.0


@pytest.mark.parametrize("seconds", [1.0])
def test_the_cable_is_discharged_below_ten_volts_within_a_second(seconds: float) -> None:
    state = StageState(Monotonic(0.0), voltage_v=500.0)
    assert run(state, NO_LOAD, seconds).voltage_v < 10.0


def test_a_closed_contactor_shows_the_battery_even_when_off() -> None:
    assert run(StageState(Monotonic(0.0)), BATTERY, 0.1).output.voltage == BATTERY.voltage


def test_the_modules_give_no_more_than_their_rating() -> None:
    state = charging(200.0)
    assert state.output.power.w <= RATING.w + 1e-6


def test_at_the_ceiling_the_current_fades() -> None:
    state = ordered(StageState(Monotonic(0.0)), Mode.CHARGE, Voltage(361.0), Current(50.0))
    assert run(state, BATTERY, 2.0).current_a == pytest.approx(25.0)
    above = ordered(state, Mode.CHARGE, Voltage(355.0), Current(50.0))
    assert run(above, BATTERY, 2.0).current_a == 0.0


def test_time_does_not_run_backwards() -> None:
    state = StageState(Monotonic(5.0), voltage_v=100.0)
    assert advanced(state, NO_LOAD, Monotonic(4.0), RATING) == state


@given(
    st.lists(st.tuples(st.sampled_from(list(Mode)), st.floats(0, 600), st.floats(0, 300), st.booleans()), max_size=30)
)
def test_the_output_never_exceeds_what_was_ordered_or_was_there(
    orders: list[tuple[Mode, float, float, bool]],
) -> None:
    state, now, highest = StageState(Monotonic(0.0)), 0.0, 0.0
    for mode, volts, amperes, connected in orders:
        highest = max(highest, amperes)
        state = ordered(state, mode, Voltage(volts), Current(amperes))
        now += 0.05
        state = advanced(state, BATTERY if connected else NO_LOAD, Monotonic(now), RATING)
        assert 0.0 <= state.current_a <= highest
        assert 0.0 <= state.voltage_v <= 600.0
