from __future__ import annotations

from dataclasses import replace

import pytest

from edge.chademo import effects as fx
from powerctl.core.session import ConnectorState as State
from powerctl.core.session import StopReason
from powerctl.core.setpoint import Command
from tests.scenarios.chademo.rig import ORDERLY, Rig

both = pytest.mark.parametrize("model", ORDERLY)


def reason_of(rig: Rig) -> StopReason:
    (over,) = rig.done(fx.TransactionOver)
    return over.reason


@both
def test_the_driver_stops_in_the_app(model: str) -> None:
    rig = Rig(model).charging().stop().until_state(State.FINISHED, within=10)
    assert reason_of(rig) is StopReason.DRIVER
    assert rig.states()[-2:] == [State.STOPPING, State.FINISHED]
    assert rig.vehicle.faults == 0


@both
def test_everything_is_off_and_released_after_a_stop(model: str) -> None:
    rig = Rig(model).charging().stop().until_state(State.FINISHED)
    assert (rig.d1, rig.d2, rig.locked, rig.vehicle.contactor) == (False, False, False, False)
    assert rig.power.voltage_v < 10.0


@both
def test_the_order_of_the_end_is_current_then_d2_then_d1_then_the_lock(model: str) -> None:
    rig = Rig(model).charging().stop().until_state(State.FINISHED)
    over = next(at for at, effect in rig.effects if isinstance(effect, fx.TransactionOver))
    d2, d1 = rig.at(fx.SwitchD2(on=False)), rig.at(fx.SwitchD1(on=False))
    first_d2 = next(at for at, effect in rig.effects if effect == fx.SwitchD2(on=False))
    assert rig.at(fx.OutputOff(urgent=False)) <= over < first_d2
    assert first_d2 + 0.5 <= d1 + 1e-9
    assert d1 <= rig.at(fx.Lock(on=False))
    assert d2 <= d1


@both
def test_the_end_reading_is_taken_when_no_current_flows(model: str) -> None:
    rig = Rig(model).charging().stop().until_state(State.FINISHED)
    over = next(at for at, effect in rig.effects if isinstance(effect, fx.TransactionOver))
    assert max(watts for at, watts in rig.watt_log if at >= over) <= 500.0
    assert max(watts for at, watts in rig.watt_log if at >= over + 0.1) == 0.0


@both
def test_the_driver_stops_in_the_car(model: str) -> None:
    rig = Rig(model).charging().press_stop_in_car().until_state(State.FINISHED, within=10)
    assert reason_of(rig) is StopReason.VEHICLE
    assert rig.faults == set()


def test_a_car_that_drops_k_gets_no_more_than_5_a_after_half_a_second() -> None:
    rig = Rig().charging().press_stop_in_car().until(lambda rig: not rig.vehicle.k, within=2).passes(0.5)
    assert rig.power.current_a <= 5.0


@both
def test_a_full_battery_ends_the_session(model: str) -> None:
    rig = Rig(model, soc=80).charging().set_battery(99.999).until_state(State.FINISHED, within=30)
    assert reason_of(rig) is StopReason.VEHICLE


@both
def test_the_energy_manager_stops_it(model: str) -> None:
    rig = Rig(model).charging().offer(0, command=Command.STOP, settle=5).until_state(State.FINISHED, within=15)
    assert reason_of(rig) is StopReason.GRID


@both
def test_an_emergency_stop_takes_the_output_off_in_the_same_moment(model: str) -> None:
    rig = Rig(model).charging().emergency()
    assert fx.OutputOff(urgent=True) in rig.done(fx.OutputOff)
    assert rig.passes(0.02).watts == 0.0
    rig.until_state(State.FAULTED, within=15)
    assert reason_of(rig) is StopReason.EMERGENCY
    assert (rig.d1, rig.d2, rig.locked) == (False, False, False)


def test_the_first_frame_after_an_emergency_stop_says_so() -> None:
    rig = Rig().charging().emergency().passes(0.1)
    last = int(rig.flags()[-1])
    assert last & 0x22 == 0x22


def test_an_emergency_stop_holds_until_an_operator_releases_it() -> None:
    rig = Rig().charging().emergency().until_state(State.FAULTED, within=15).passes(60)
    assert rig.start().passes(1).status.state is State.FAULTED
    rig.release_faults()
    assert rig.status.state is State.OCCUPIED
    assert rig.done(fx.FaultGone) == [fx.FaultGone("emergency_stop")]
    rig.start().until_state(State.CHARGING)


def test_the_time_that_the_car_allows_ends_the_session() -> None:
    rig = short_of_time(Rig().charging(), 3.0).until_state(State.FINISHED, within=15)
    assert reason_of(rig) is StopReason.TIME


def test_the_time_that_the_car_allows_does_not_run_while_nothing_flows() -> None:
    rig = short_of_time(Rig().charging(), 5.0).offer(0, command=Command.PAUSE).passes(60)
    assert rig.status.state is State.PAUSED


def short_of_time(rig: Rig, seconds: float) -> Rig:
    rig.station = replace(rig.station, remaining_s=seconds)
    return rig


@both
def test_the_first_reason_stays(model: str) -> None:
    rig = Rig(model).charging().stop(StopReason.OPERATOR).passes(0.2).stop().press_stop_in_car()
    assert reason_of(rig.until_state(State.FINISHED, within=15)) is StopReason.OPERATOR


@both
def test_after_the_plug_is_pulled_the_connector_is_available(model: str) -> None:
    rig = Rig(model).charging().stop().until_state(State.FINISHED).unplug().passes(0.2)
    assert rig.status.state is State.AVAILABLE
    assert rig.status.soc_percent is None
