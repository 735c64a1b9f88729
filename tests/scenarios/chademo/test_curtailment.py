"""A lower limit while charging: on the bus in the next period, in the power stage in time, never above the promise."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from edge.chademo import effects as fx
from edge.sim.models import MODELS
from powerctl.core.session import ConnectorState as State
from powerctl.core.session import Flexibility
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from tests.scenarios.chademo.rig import CONFIG, ORDERLY, Rig

both = pytest.mark.parametrize("model", ORDERLY)


def amperes(rig: Rig, since: float) -> list[int]:
    return [ampere for at, ampere in rig.announced() if at > since]


@both
def test_a_decrease_shows_in_the_next_frame(model: str) -> None:
    rig = Rig(model).charging()
    before = rig.announced()[-1][1]
    rig.offer(8, settle=5).passes(0.1)
    assert rig.announced()[-1][1] < before


@both
def test_a_decrease_has_settled_when_its_time_is_over_and_the_car_goes_on(model: str) -> None:
    rig = Rig(model).charging().offer(4.2, settle=2).passes(2.0)
    assert rig.watts <= 4200.0 * 1.001
    assert rig.passes(20).status.state is State.CHARGING
    assert rig.vehicle.faults == 0
    assert rig.gives(4200)


@both
def test_with_five_seconds_the_announcement_falls_no_faster_than_the_car_follows(model: str) -> None:
    rig = Rig(model).charging()
    begun = rig.now
    rig.offer(8, settle=5).passes(2)
    falling = amperes(rig, begun)
    assert max(before - after for before, after in pairwise(falling)) <= 2


@both
def test_an_urgent_decrease_is_in_the_power_stage_before_anything_else_happens(model: str) -> None:
    rig = Rig(model).charging().offer(4.2, settle=None)
    commands = rig.done(fx.CommandOutput)
    assert commands[-1].current.a * rig.power.voltage_v <= 4200.0 * 1.001
    assert rig.passes(0.4).watts <= 4200.0 * 1.001
    assert rig.passes(20).status.state is State.CHARGING


@both
def test_the_promise_falls_along_the_ramp_and_is_never_exceeded(model: str) -> None:
    rig = Rig(model).charging()
    promises = [rig.status.committed.w]
    rig.offer(5, settle=5)
    for _ in range(60):
        rig.passes(0.1)
        promises.append(rig.status.committed.w)
        assert rig.watts <= max(promises[-1], promises[max(0, len(promises) - 2)]) + 200.0
    assert promises == sorted(promises, reverse=True)
    assert promises[-1] == 5000.0


@both
def test_a_lifted_limit_rises_on_a_ramp(model: str) -> None:
    rig = Rig(model).charging(kw=4)
    begun = rig.now
    rig.offer(20).passes(10)
    rising = amperes(rig, begun)
    assert max(after - before for before, after in pairwise(rising)) <= 2
    assert rig.watts == pytest.approx(20000, rel=0.02)


@both
def test_a_pause_keeps_the_session_and_ends_with_the_next_offer(model: str) -> None:
    rig = Rig(model).charging().offer(0, command=Command.PAUSE, settle=5).until_state(State.PAUSED, within=6)
    assert rig.passes(30).watts == 0.0
    assert rig.announced()[-1][1] == 0
    rig.offer(10).passes(10)
    assert rig.status.state is State.CHARGING
    assert rig.gives(10000)
    assert rig.done(fx.TransactionOver) == []


def test_a_pause_that_lasts_longer_than_the_car_likes_ends_as_the_cars_decision() -> None:
    rig = Rig().set_car(idle_limit_s=60.0).charging().offer(0, command=Command.PAUSE)
    rig.until_state(State.FINISHED, within=90)
    assert [over.reason.value for over in rig.done(fx.TransactionOver)] == ["vehicle"]


@both
def test_hold_min_is_the_smallest_current_that_the_car_takes(model: str) -> None:
    rig = Rig(model).charging().offer(22, command=Command.HOLD_MIN).passes(8)
    floor = max(MODELS[model].min_current_a, 3) - MODELS[model].margin_a
    assert rig.status.requested_current.a == floor
    assert rig.status.state is State.CHARGING


def test_an_emergency_command_takes_the_power_off_at_once_and_the_session_stays() -> None:
    rig = Rig().charging().offer(0, command=Command.EMERGENCY)
    assert rig.done(fx.CommandOutput)[-1].current.a == 0.0
    assert rig.passes(5).status.state is State.PAUSED


def test_less_than_the_cars_minimum_is_a_pause() -> None:
    rig = Rig().charging().offer(1.5, settle=5).passes(8)
    assert rig.status.state is State.PAUSED
    assert rig.watts == 0.0


def test_what_the_car_needs_at_least_is_reported() -> None:
    status = Rig().charging().status
    assert status.min_power == Power(6 * 410.0)
    rig = Rig().charging().offer(status.min_power.kw, settle=5).passes(10)
    assert rig.status.state is State.CHARGING


def test_a_renewed_limit_does_not_put_the_decrease_off() -> None:
    rig = Rig().charging()
    for _ in range(5):
        rig.offer(4, settle=2).passes(0.5)
    assert rig.watts <= 4000.0 * 1.001


def test_a_taper_is_the_cars_wish_and_not_our_limit() -> None:
    rig = Rig("outlander", soc=90).charging()
    status = rig.status
    assert rig.watts == pytest.approx(11000, rel=0.05)
    assert status.own_limits[0].source is LimitSource.VEHICLE
    assert status.target.w == pytest.approx(rig.watts, rel=0.02)
    assert status.available_current > status.requested_current


def test_a_car_that_takes_no_change_is_firm() -> None:
    rig = Rig(config=replace(CONFIG, dynamic_current=False)).charging()
    assert rig.status.flexibility is Flexibility.FIRM
    begun = rig.now
    rig.offer(10, settle=5).passes(3)
    assert len(set(amperes(rig, begun))) == 1
    assert rig.passes(2).watts <= 10000.0 * 1.001


@pytest.mark.parametrize(("model", "expected"), [("leaf40", 20.0), ("outlander", 10.0)])
def test_the_slope_that_the_car_follows_is_learnt(model: str, expected: float) -> None:
    rig = Rig(model).charging().offer(5, settle=None).passes(6)
    assert rig.status.slope_a_s == pytest.approx(expected, rel=0.15)
    assert rig.status.flexibility is Flexibility.FAST
