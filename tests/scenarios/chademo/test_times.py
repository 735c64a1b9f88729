"""Our duties from the table of times, each measured on the wire with every kind of car that keeps its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.chademo import effects as fx
from edge.chademo.frames import StationFlag, StationStatus
from edge.chademo.phase import Phase
from edge.chademo.timing import TIMES, Kind, Time
from edge.sim.models import MODELS
from powerctl.core.session import ConnectorState as State
from tests.scenarios.chademo.rig import CONFIG, ORDERLY, PERIOD, STEP_S, Rig

orderly = pytest.mark.parametrize("model", ORDERLY)
BEAT_S = PERIOD * STEP_S


def limit(time: Time) -> float:
    return TIMES[time].seconds


def told(rig: Rig, since: float) -> list[tuple[float, StationStatus]]:
    return [(at - since, frame) for at, frame in rig.sent if isinstance(frame, StationStatus) and at > since]


def test_every_duty_of_ours_is_measured_here_or_in_the_start_or_where_times_are_set_back() -> None:
    duties = {time for time, limit in TIMES.items() if limit.kind is Kind.STATION}
    assert duties == {
        Time.K_TO_D2,
        Time.ANSWER,
        Time.FALL,
        Time.COLLAPSE,
        Time.BARE,
        Time.PART,
        Time.UNPLUGGED,
        Time.EARTH,
        Time.RESET,
    }


@orderly
def test_cars_of_the_zoo_keep_their_own_duties(model: str) -> None:
    car = MODELS[model]
    assert car.close_s <= limit(Time.CLOSE_DUTY)
    assert car.react_s <= limit(Time.WITHDRAW_DUTY)
    assert car.weld_s <= limit(Time.OPEN_DUTY)


@pytest.mark.parametrize("hold_s", [0.5, 6.0])
def test_k_to_d2_is_kept_with_the_longest_test_that_can_be_commissioned(hold_s: float) -> None:
    rig = Rig(config=replace(CONFIG, test_hold_s=hold_s)).plug().offer(22).start()
    permitted = rig.until(lambda rig: rig.station.phase is Phase.LOCKING, within=10).now
    rig.until_state(State.CHARGING)
    assert rig.at(fx.SwitchD2(on=True)) - permitted <= limit(Time.K_TO_D2)


@orderly
def test_fall_at_most_5_a_flow_half_a_second_after_k(model: str) -> None:
    rig = Rig(model).charging().press_stop_in_car().until(lambda rig: not rig.vehicle.k, within=2)
    assert rig.passes(limit(Time.FALL)).power.current_a <= 5.0


@orderly
def test_collapse_and_bare_the_cable_loses_its_voltage_once_the_contactor_is_open(model: str) -> None:
    rig = Rig(model).charging()
    before_v = rig.power.voltage_v
    rig.stop().until(lambda rig: not rig.vehicle.contactor, within=5)
    opened = rig.now
    assert rig.passes(limit(Time.COLLAPSE)).power.voltage_v <= before_v / 4
    assert rig.passes(limit(Time.BARE) - limit(Time.COLLAPSE)).power.voltage_v <= 10.0
    late = [frame.voltage_v for at, frame in told(rig, opened) if at >= limit(Time.COLLAPSE) + BEAT_S]
    assert max(late) <= before_v / 4


@orderly
def test_part_d1_goes_half_a_second_after_d2(model: str) -> None:
    rig = Rig(model).charging().stop().until_state(State.FINISHED, within=15)
    first_d2 = next(at for at, effect in rig.effects if effect == fx.SwitchD2(on=False))
    assert limit(Time.PART) <= rig.at(fx.SwitchD1(on=False)) - first_d2 + 1e-9 <= limit(Time.PART) + BEAT_S


@orderly
def test_unplugged_at_most_60_v_are_left_a_second_after_the_plug_was_torn_out(model: str) -> None:
    assert Rig(model).charging().unplug().passes(limit(Time.UNPLUGGED)).power.voltage_v <= 60.0


@orderly
def test_earth_a_lost_earth_is_off_in_the_next_cycle(model: str) -> None:
    rig = Rig(model).charging()
    rig.pe = False
    assert rig.passes(BEAT_S).watts == 0.0


@orderly
def test_a_fault_of_ours_is_told_in_the_next_frame_and_charging_ends_with_the_current(model: str) -> None:
    rig = Rig(model).charging()
    rig.pe = False
    begun = rig.now
    rig.passes(2 * BEAT_S)
    assert told(rig, begun)[0][1].flags & (StationFlag.MALFUNCTION | StationFlag.STOP) == 0x22
    assert not told(rig, begun)[-1][1].flags & StationFlag.CHARGING
