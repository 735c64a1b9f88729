"""The station sheds by the frequency that it measures itself."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.clock import Monotonic
from powerctl.core.errors import RemoteError
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals.arbitration import Contribution, GridState, arbitrate
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.frequency import (
    FCR_D_DOWN_WITHIN_S,
    FFR_WITHIN_S,
    FrequencyRules,
    FrequencySource,
    Mode,
    Product,
    Response,
    armed,
    droop,
    expired,
    sampled,
    uptake,
)
from tests.unit.signals.station import EPOCH
from tests.unit.signals.test_telemetry import REPORT

DRAWN = Power(20_000)
FFR = FrequencyRules(Product.FFR)
FCR_D = FrequencyRules(Product.FCR_D)


def response(rules: FrequencyRules, *samples: tuple[float, float], on: bool = True) -> Response:
    """The response after samples of (instant, hertz) while the station draws `DRAWN`."""
    made = armed(Response(rules), on=on)
    for at, hz in samples:
        made = sampled(made, hz, DRAWN, Monotonic(at))
    return made


def held(hz: float, start: float, end: float) -> list[tuple[float, float]]:
    return [(start + n / 10, hz) for n in range(round(10 * (end - start)) + 1)]


def test_what_is_not_armed_does_nothing() -> None:
    for rules in (FFR, FCR_D):
        assert response(rules, (0, 48.0), (0.1, 48.0), on=False).cap is None


@pytest.mark.parametrize("threshold", sorted(FFR_WITHIN_S))
def test_ffr_sheds_everything_below_its_threshold_within_two_samples(threshold: float) -> None:
    rules = FrequencyRules(Product.FFR, floor=Power(1_000), ffr_hz=threshold)
    assert response(rules, (0, threshold), (0.1, threshold)).cap is None
    shed = response(rules, (0, threshold - 0.01), (0.1, threshold - 0.01))
    assert (shed.cap, shed.mode) == (Power(1_000), Mode.ACTIVE)


def test_one_low_sample_is_noise() -> None:
    assert response(FFR, (0, 50.0), (0.1, 49.0), (0.2, 50.0), (0.3, 49.0)).cap is None


def test_ffr_holds_for_thirty_seconds_and_until_the_frequency_is_back() -> None:
    shed = [(0.0, 49.6), (0.1, 49.6)]
    assert response(FFR, *shed, *held(50.0, 0.2, 30.0)).mode is Mode.ACTIVE
    assert response(FFR, *shed, *held(49.8, 0.2, 60.0)).mode is Mode.ACTIVE
    back = response(FFR, *shed, *held(50.0, 0.2, 30.2))
    assert (back.mode, back.cap) == (Mode.RECOVERY, None)


def test_ffr_is_ready_again_after_a_quarter_of_an_hour() -> None:
    first = [(0.0, 49.6), (0.1, 49.6), (40.0, 50.0)]
    assert response(FFR, *first, (900, 49.6), (900.1, 49.6)).mode is Mode.RECOVERY
    assert response(FFR, *first, (940, 50.0)).mode is Mode.ARMED
    assert response(FFR, *first, (940, 49.6), (940.1, 49.6)).mode is Mode.ACTIVE


@pytest.mark.parametrize(("hz", "left"), [(50.0, 1.0), (49.9, 1.0), (49.8, 0.74), (49.7, 0.5), (49.5, 0), (49.0, 0)])
def test_fcr_d_leaves_load_in_proportion(hz: float, left: float) -> None:
    # Fingrid's curve is linear from 49.9 to 49.5 Hz; steps of 2 per cent are rounded down.
    assert droop(DRAWN, hz).w == pytest.approx(left * DRAWN.w, abs=0.02 * DRAWN.w)
    assert droop(DRAWN, hz) <= DRAWN * max(0.0, min(1.0, (hz - 49.5) / 0.4)) + Power(1e-6)


def test_fcr_d_follows_down_and_up_from_the_load_at_the_beginning() -> None:
    caps = [response(FCR_D, *held(49.88, 0, 0.1), *[(0.2 + n / 10, hz)]).cap for n, hz in enumerate([49.7, 49.6])]
    assert caps == [Power(10_000), Power(4_800)]
    assert response(FCR_D, (0, 49.6), (1, 49.8)).cap == Power(14_800)
    done = response(FCR_D, (0, 49.6), (1, 49.9))
    assert (done.cap, done.mode) == (None, Mode.ARMED)


DOWN = replace(FCR_D, rating=Power(22_000), down=Power(8_000))


@pytest.mark.parametrize(
    ("hz", "taken_w"), [(50.0, 0), (50.1, 0), (50.18, 1600), (50.3, 4000), (50.5, 8000), (51.0, 8000)]
)
def test_fcr_d_down_takes_up_what_is_held_back_in_proportion(hz: float, taken_w: float) -> None:
    assert uptake(DOWN, hz) == Power(taken_w)
    held = response(DOWN, (0, hz))
    assert held.reserve == (None if taken_w == 8000 else Power(14_000 + taken_w))
    assert held.mode is (Mode.ACTIVE if taken_w else Mode.ARMED)


def arbitrated(made: FrequencySource, at: float, *others: Contribution) -> GridState:
    return arbitrate(Power(22_000), [*others, *made.contributions(Stamp(Monotonic(at), EPOCH))])


def test_what_fcr_d_down_takes_up_stays_under_every_other_cap() -> None:
    made = FrequencySource(DOWN, on=True)
    dso = Contribution(LimitSource.DSO, "…", cap=Power(15_000))
    assert made.sampled(50.0, Monotonic(0)) is False
    assert arbitrated(made, 0).cap == Power(14_000)
    assert made.sampled(50.5, Monotonic(0.1)) is True
    freed = arbitrated(made, 0.1)
    assert (freed.cap, freed.eager) == (Power(22_000), True)
    assert freed.ramp_up_w_s == DOWN.down.w / FCR_D_DOWN_WITHIN_S
    assert arbitrated(made, 0.1, dso).cap == Power(15_000)
    made.sampled(50.0, Monotonic(0.2))
    back = arbitrated(made, 0.2)
    assert (back.cap, back.eager) == (Power(14_000), False)


def test_nothing_is_held_back_unless_it_is_armed_and_measured() -> None:
    made = FrequencySource(DOWN)
    made.sampled(50.5, Monotonic(0))
    assert arbitrated(made, 0).cap == Power(22_000)
    made.arm(on=True)
    made.sampled(50.0, Monotonic(1))
    assert arbitrated(made, 1.4).cap == Power(14_000)
    assert arbitrated(made, 1.5).cap == Power(22_000)


def test_a_fall_through_both_bands_sheds_from_what_is_drawn_then() -> None:
    fallen = response(DOWN, (0, 50.5), (0.1, 49.7))
    assert (fallen.cap, fallen.uptake) == (Power(10_000), Power(0))
    assert response(DOWN, (0, 49.7), (0.1, 50.3)).reserve == Power(18_000)


def test_switching_off_ends_an_activation() -> None:
    off = armed(response(FFR, (0, 49.0), (0.1, 49.0)), on=False)
    assert (off.mode, off.cap) == (Mode.OFF, None)


def test_an_activation_outlasts_the_loss_of_its_samples_by_the_hold_time() -> None:
    shed = response(FFR, (0, 49.0), (0.1, 49.0))
    assert expired(shed, Monotonic(30.0)).cap == Power(0)
    assert expired(shed, Monotonic(30.2)).cap is None


@pytest.mark.parametrize("hz", [0.0, 39.9, 60.1, math.inf, math.nan])
def test_a_frequency_that_no_grid_has_is_refused(hz: float) -> None:
    with pytest.raises(RemoteError):
        response(FFR, (0, hz))


def test_the_source_sheds_from_what_the_station_draws_and_tells_why() -> None:
    source = FrequencySource(FCR_D, on=True)
    source.reported(REPORT, Monotonic(0))
    assert not source.sampled(50.0, Monotonic(0))
    assert source.sampled(49.7, Monotonic(0.1))
    (limit,) = source.contributions(Stamp(Monotonic(0.1), EPOCH))
    assert (limit.source, limit.cap, limit.settle_s) == (LimitSource.FREQUENCY, Power(4_000), 0)
    assert "frequency is low" in limit.detail


def test_the_mode_is_off_while_nobody_measures() -> None:
    source = FrequencySource(FFR, on=True)
    assert source.mode(Monotonic(0)) is Mode.OFF
    source.sampled(50.0, Monotonic(0))
    assert source.mode(Monotonic(0.4)) is Mode.ARMED
    assert source.mode(Monotonic(0.5)) is Mode.OFF
    source.arm(on=False)
    source.sampled(50.0, Monotonic(1))
    assert source.mode(Monotonic(1)) is Mode.OFF


def test_an_activation_without_samples_has_a_deadline() -> None:
    source = FrequencySource(FFR, on=True)
    source.sampled(49.0, Monotonic(0))
    source.sampled(49.0, Monotonic(0.1))
    assert source.deadline(Stamp(Monotonic(0.2), EPOCH)) is None
    assert source.deadline(Stamp(Monotonic(1.0), EPOCH)) == 30.1


@given(st.lists(st.floats(45, 55), min_size=2, max_size=50), st.sampled_from([FFR, FCR_D]))
def test_the_cap_never_rises_while_the_frequency_falls(samples: list[float], rules: FrequencyRules) -> None:
    falling = sorted(samples, reverse=True)
    made, caps = armed(Response(rules), on=True), []
    for number, hz in enumerate(falling):
        made = sampled(made, hz, DRAWN, Monotonic(number / 10))
        caps.append(math.inf if made.cap is None else made.cap.w)
    assert caps == sorted(caps, reverse=True)
