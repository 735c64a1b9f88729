from __future__ import annotations

from dataclasses import replace

import pytest

from edge.chademo import effects as fx
from edge.chademo.frames import VehicleFault
from edge.chademo.phase import Phase
from powerctl.core.session import ConnectorState as State
from powerctl.core.session import StopReason
from tests.scenarios.chademo.rig import ORDERLY, Rig

both = pytest.mark.parametrize("model", ORDERLY)


def seen(rig: Rig) -> list[str]:
    return [effect.fault.code for effect in rig.done(fx.FaultSeen)]


def ended(rig: Rig) -> list[StopReason]:
    return [effect.reason for effect in rig.done(fx.TransactionOver)]


@both
def test_a_bus_that_goes_silent_for_a_second_ends_the_session(model: str) -> None:
    rig = Rig(model).charging()
    rig.bus_up = False
    rig.passes(0.9)
    assert rig.watts > 5000.0
    rig.passes(0.3)
    assert rig.watts == 0.0
    assert (seen(rig), ended(rig)) == (["vehicle_silent"], [StopReason.FAULT])
    rig.until_state(State.FINISHED, within=15)
    assert rig.faults == set()


@both
def test_a_gap_of_less_than_a_second_is_lived_with(model: str) -> None:
    rig = Rig(model).charging()
    rig.bus_up = False
    rig.passes(0.6)
    rig.bus_up = True
    assert rig.passes(5).status.state is State.CHARGING


@both
def test_a_pulled_plug_takes_the_output_off_at_once(model: str) -> None:
    rig = Rig(model).charging().unplug()
    assert rig.passes(0.02).watts == 0.0
    assert (rig.d1, rig.d2) == (False, False)
    rig.until_state(State.AVAILABLE, within=15)
    assert ended(rig) == [StopReason.UNPLUGGED]
    assert rig.locked is False


@both
def test_a_lost_link_to_the_pilot_lines_is_a_pulled_plug(model: str) -> None:
    rig = Rig(model).charging().lose_plant().passes(0.02)
    assert rig.watts == 0.0
    assert rig.vehicle.contactor is False
    assert ended(rig.until_state(State.AVAILABLE, within=15)) == [StopReason.UNPLUGGED]


@pytest.mark.parametrize("phase", [Phase.WAKING, Phase.AGREEING, Phase.LOCKING, Phase.TESTING, Phase.CLOSING])
def test_a_plug_pulled_during_the_start_leaves_nothing_on(phase: Phase) -> None:
    rig = Rig().plug().offer(22).start().until(lambda rig: rig.station.phase is phase, within=30)
    rig.unplug().until_state(State.AVAILABLE, within=15)
    assert (rig.d1, rig.d2, rig.locked) == (False, False, False)
    assert ended(rig) == []


@both
def test_a_fault_that_the_car_reports_stops_at_once_and_names_it(model: str) -> None:
    rig = Rig(model).charging()
    rig.vehicle = replace(rig.vehicle, faults=VehicleFault.CURRENT_DEVIATION)
    rig.passes(0.2)
    assert rig.watts == 0.0
    (fault,) = [effect.fault for effect in rig.done(fx.FaultSeen)]
    assert fault.code == "vehicle_fault"
    assert "current deviation" in fault.detail
    rig.until_state(State.FINISHED, within=15)


def test_insulation_that_falls_while_charging_stops_and_bars_the_connector() -> None:
    rig = Rig().charging()
    rig.insulation_kohm = 40.0
    rig.passes(0.1)
    assert rig.watts == 0.0
    rig.until_state(State.FAULTED, within=15)
    rig.insulation_kohm = 900.0
    assert rig.passes(60).status.state is State.FAULTED
    assert rig.unplug().passes(1).status.state is State.FAULTED
    assert rig.release_faults().passes(0.2).status.state is State.AVAILABLE


def test_bad_insulation_never_lets_the_contactor_close() -> None:
    rig = Rig(insulation_kohm=40.0).plug().offer(22).start().until_state(State.FAULTED)
    assert fx.SwitchD2(on=True) not in rig.done(fx.SwitchD2)
    assert seen(rig) == ["insulation"]


def test_an_insulation_monitor_without_values_never_lets_the_contactor_close() -> None:
    rig = Rig(insulation_kohm=None).plug().offer(22).start().until_state(State.FINISHED)
    assert fx.SwitchD2(on=True) not in rig.done(fx.SwitchD2)
    assert seen(rig) == ["insulation_test"]


def test_a_monitor_that_falls_silent_while_charging_ends_it_after_ten_seconds() -> None:
    rig = Rig().charging()
    rig.insulation_kohm = None
    assert rig.passes(9).status.state is State.CHARGING
    rig.passes(1.5)
    assert seen(rig) == ["insulation_monitor"]


def test_a_missing_earth_stops_and_clears_when_it_is_back() -> None:
    rig = Rig().charging()
    rig.pe = False
    assert rig.passes(0.1).watts == 0.0
    rig.until_state(State.FAULTED, within=15)
    rig.pe = True
    assert rig.passes(0.2).status.state is State.OCCUPIED


def test_a_lock_that_opens_while_charging_stops() -> None:
    rig = Rig().charging()
    rig.lock_works = False
    assert rig.passes(0.1).watts == 0.0
    assert seen(rig) == ["lock"]


def test_a_lock_that_does_not_close_ends_the_start() -> None:
    rig = Rig(lock_works=False).plug().offer(22).start().until_state(State.FINISHED, within=30)
    assert seen(rig) == ["lock"]
    assert rig.done(fx.TestInsulation) == []


def test_a_car_that_never_answers_ends_the_start() -> None:
    rig = Rig(bus_up=False).plug().offer(22).start().passes(5.9)
    assert rig.status.state is State.STARTING
    assert seen(rig.until_state(State.FINISHED, within=3)) == ["wake_timeout"]


@pytest.mark.parametrize(
    ("change", "code"),
    [("permit_s", "permit_timeout"), ("close_s", "contactor_timeout"), ("request_s", "request_timeout")],
)
def test_a_car_that_gets_stuck_ends_the_start(change: str, code: str) -> None:
    rig = Rig().set_car(**{change: 60.0}).plug().offer(22).start().until_state(State.FINISHED, within=60)
    assert seen(rig) == [code]
    assert (rig.d1, rig.d2, rig.locked) == (False, False, False)
    assert rig.done(fx.TransactionBegan) == []


def test_a_battery_with_too_high_a_voltage_is_refused_as_incompatible() -> None:
    rig = Rig().set_car(target_voltage_v=700, max_voltage_v=750).plug().offer(22).start()
    rig.until(lambda rig: bool(rig.sent), within=5)
    rig.vehicle = replace(rig.vehicle, k=True, enabled=True)
    rig.until_state(State.FINISHED, within=30)
    assert seen(rig) == ["incompatible"]
    assert any(int(flag) & 0x08 for flag in rig.flags())


def test_a_welded_contactor_keeps_the_plug_locked_until_the_voltage_is_gone() -> None:
    rig = Rig().charging()
    rig.welded = True
    rig.stop().until_state(State.FAULTED, within=30).passes(30)
    assert rig.locked is True
    assert rig.faults == {"contactor_welded"}
    rig.welded = False
    rig.passes(3)
    assert (rig.locked, rig.status.state) == (False, State.FAULTED)


def test_voltage_on_the_inlet_before_the_test_is_a_welded_contactor() -> None:
    rig = Rig(welded=True).plug().offer(22).start()
    rig.until(lambda rig: "contactor_welded" in rig.faults, within=30)
    assert rig.done(fx.TestInsulation) == []


def test_a_car_that_does_not_open_its_contactor_is_told_so() -> None:
    rig = Rig().set_car(weld_s=60.0).charging().stop().until_state(State.FAULTED, within=30)
    assert seen(rig) == ["contactor_welded"]
    assert rig.locked is False


def test_a_battery_at_its_highest_voltage_ends_charging() -> None:
    rig = Rig().charging().set_car(open_voltage=((0.0, 440.0), (100.0, 450.0))).passes(0.3)
    assert "over_voltage" in seen(rig)
    assert rig.watts == 0.0


def test_a_power_stage_that_gives_more_than_it_was_told_is_tripped() -> None:
    rig = Rig().charging(kw=4)
    rig.runaway_a = 40.0
    rig.passes(0.9)
    assert rig.faults == set()
    rig.passes(0.4)
    assert seen(rig) == ["power_stage"]
