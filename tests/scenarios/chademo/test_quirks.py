"""What real vehicles and stations are known to do. The name of each test says which one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.chademo import effects as fx
from edge.chademo import events as ev
from edge.chademo.frames import Capability, Maker, StationFlag, StationStatus, VehicleControl
from edge.chademo.phase import BEFORE_D2, Phase
from edge.chademo.session import frames_due, idle
from edge.chademo.table import Code
from edge.chademo.timing import ANSWER_S
from edge.sim import vehicle as car
from powerctl.core.clock import Monotonic
from powerctl.core.session import ConnectorState as State
from powerctl.core.session import Flexibility, StopReason
from powerctl.core.setpoint import Command
from tests.scenarios.chademo.rig import CONFIG, ORDERLY, Rig


def codes(rig: Rig) -> list[str]:
    return [effect.fault.code for effect in rig.done(fx.FaultSeen)]


def class_of(rig: Rig) -> Flexibility:
    return rig.status.flexibility


def statuses(rig: Rig) -> list[tuple[float, StationStatus]]:
    return [(at, frame) for at, frame in rig.sent if isinstance(frame, StationStatus)]


@pytest.mark.parametrize("model", ORDERLY)
def test_every_vehicle_may_change_its_values_until_k(model: str) -> None:
    rig = Rig(model).plug().offer(22).start().until(lambda rig: rig.station.phase is Phase.AGREEING, within=5)
    rig.set_car(max_voltage_v=300).passes(1)
    rig.set_car(max_voltage_v=420).until_state(State.CHARGING)
    pact = rig.station.pact
    assert pact is not None
    assert pact.threshold_v == 420
    rig.set_car(max_voltage_v=390).passes(2)
    assert [frame.threshold_voltage_v for _, frame in rig.sent if isinstance(frame, Capability)][-1] == 420


def test_leaf_starts_with_a_state_of_charge_that_means_nothing() -> None:
    rig = Rig("leaf40", soc=72).plug().offer(22).start()
    rig.until(lambda rig: len(rig.heard) > 25, within=10)
    assert {frame.charged_rate for _, frame in rig.heard} >= {3, 1, 72}
    assert rig.status.soc_percent is None
    assert rig.until_state(State.CHARGING).status.soc_percent == 72


def test_leaf_sends_0x700_for_ever_and_that_starts_nothing() -> None:
    rig = Rig("leaf40").plug().passes(0.2)
    for _ in range(50):
        rig._feed(ev.FrameReceived(Maker.FRAME_ID, Maker(1).encode()))
        rig.passes(0.1)
    assert rig.status.state is State.OCCUPIED
    assert frames_due(rig.station) == ()
    rig.offer(22).start().until_state(State.CHARGING)
    assert rig.station.heard.maker == 1


def test_leaf_refuses_voltage_at_its_inlet_and_never_finds_any() -> None:
    rig = Rig("leaf40").plug().offer(22).start().until(lambda rig: rig.vehicle.stage is car.Stage.CLOSING, within=30)
    assert rig.power.voltage_v <= 20.0
    assert rig.until_state(State.CHARGING).vehicle.faults == 0


def test_leaf_ends_after_six_minutes_without_current_and_that_is_remembered() -> None:
    rig = Rig("leaf40").charging()
    assert rig.status.pause_s == 360.0
    rig.set_car(idle_limit_s=30.0).offer(0, command=Command.PAUSE).until_state(State.FINISHED, within=45)
    rig.set_car(idle_limit_s=360.0).start().offer(22).until_state(State.CHARGING)
    assert rig.status.pause_s == pytest.approx(30.0, abs=2.0)


def test_leaf_ze0_is_never_offered_to_discharge() -> None:
    """Its own flag for discharging hangs a second start when a station takes it up."""
    rig = Rig("leaf24").charging().stop().until_state(State.FINISHED).start().until_state(State.CHARGING)
    assert {frame.discharge for _, frame in statuses(rig)} == {False}
    assert {frame_id for frame_id, _ in frames_due(rig.station)} == {0x108, 0x109}


def test_leaf_ze0_shows_its_state_of_charge_as_it_says_it() -> None:
    assert Rig("leaf24", soc=55).charging().status.soc_percent == pytest.approx(55, abs=1)


def test_env200_sets_the_stop_bit_at_random_and_goes_on() -> None:
    rig = Rig("env200").charging().passes(30)
    assert any(frame.flags & 0x10 for _, frame in rig.heard)
    assert rig.status.state is State.CHARGING


def test_env200_states_one_volt_for_its_lowest_voltage() -> None:
    rig = Rig("env200").charging()
    assert rig.station.heard.limits is not None
    assert rig.station.heard.limits.min_voltage_v == 1
    assert rig.faults == set()


def test_outlander_sees_the_reported_voltage_fall_after_the_end() -> None:
    rig = Rig("outlander").charging().stop().until(lambda rig: rig.station.phase is Phase.OPENING, within=5)
    begun = rig.now
    rig.until_state(State.FINISHED, within=15)
    opened = min(at for at, frame in statuses(rig) if at > begun and frame.voltage_v < 300)
    told = {round(at - opened, 2): frame.voltage_v for at, frame in statuses(rig) if at >= opened}
    assert max(volts for since_s, volts in told.items() if since_s >= 1.0) <= 82
    assert max(volts for since_s, volts in told.items() if since_s >= 2.0) <= 10
    assert rig.vehicle.flags == 0


def test_imiev_asks_for_an_ampere_before_its_contactor_is_closed() -> None:
    rig = Rig("imiev").plug().offer(22).start().until(lambda rig: rig.station.phase is Phase.CLOSING, within=30)
    assert rig.station.heard.request_a == 1
    assert rig.passes(0.5).station.phase is Phase.CLOSING
    assert {frame.current_a for _, frame in statuses(rig)} == {0}
    rig.until_state(State.CHARGING)
    assert rig.vehicle.contactor is True
    assert rig.passes(10).watts > 15000.0


def test_imiev_with_too_little_current_for_its_coils_ends_with_a_sentence() -> None:
    rig = Rig("imiev", faulty=("never-closes",)).plug().offer(22).start().until_state(State.FINISHED, within=40)
    assert codes(rig) == ["contactor_timeout"]


def test_xpeng_raises_its_target_once_the_contactor_is_closed() -> None:
    rig = Rig("leaf40", faulty=("raises-target",)).charging()
    assert rig.station.heard.control is not None
    assert rig.station.heard.control.target_voltage_v == 430
    assert rig.done(fx.CommandOutput)[-1].voltage.v == 410.0


def test_jdemo_gets_its_answer_in_time() -> None:
    rig = Rig("jdemo").charging()
    requested = next(at for at, frame in rig.heard if frame.requested_current_a > 0)
    answered = next(at for at, frame in statuses(rig) if frame.flags & StationFlag.CHARGING)
    assert answered - requested <= ANSWER_S
    assert answered - rig.at(fx.SwitchD2(on=True)) <= 2.0


def test_jdemo_leaves_when_less_is_available_and_is_firm_after_two_such_ends() -> None:
    rig = Rig("jdemo").charging()
    assert class_of(rig) is Flexibility.SLOW
    for _ in range(2):
        rig.offer(10, settle=5).until_state(State.FINISHED, within=15)
        rig.offer(22).start().until_state(State.CHARGING).passes(5)
    assert class_of(rig) is Flexibility.FIRM
    assert rig.status.pause_s == 0.0


def test_jdemo_is_firm_from_the_start_after_a_restart_of_the_controller() -> None:
    rig = Rig("jdemo").charging()
    for _ in range(2):
        rig.offer(10, settle=5).until_state(State.FINISHED, within=15)
        rig.offer(22).start().until_state(State.CHARGING).passes(5)
    told = [effect.lessons for _, effect in rig.effects if isinstance(effect, fx.LessonsLearnt)]
    assert [[lesson.strikes for lesson in lessons] for lessons in told] == [[1], [2]]
    fresh = Rig("jdemo")
    fresh.station = idle(fresh.config, lessons=told[-1])
    fresh.plug().offer(22).start().until_state(State.CHARGING).passes(5)
    assert class_of(fresh) is Flexibility.FIRM


def test_leaf_ze0_that_is_firm_shows_it_by_a_fault_and_is_treated_so_from_then_on() -> None:
    rig = Rig("leaf-ze0").charging()
    assert class_of(rig) is Flexibility.SLOW
    rig.offer(5, settle=5).until(lambda rig: "vehicle_fault" in rig.faults, within=20)
    rig.until_state(State.FINISHED, within=15).offer(22).start().until_state(State.CHARGING).passes(5)
    assert class_of(rig) is Flexibility.FIRM
    before = rig.announced()[-1][1]
    rig.offer(20, settle=5).passes(2)
    assert rig.announced()[-1][1] == before


def test_jld505_sends_each_identifier_every_225_ms_and_is_heard() -> None:
    rig = Rig("kit225").charging()
    gaps = [later - before for (before, _), (later, _) in zip(rig.heard, rig.heard[1:], strict=False)]
    assert max(gaps) == pytest.approx(0.225)
    rig.passes(60)
    assert (rig.status.state, rig.faults) == (State.CHARGING, set())


def test_jld505_asks_for_one_ampere_less_and_comes_down_at_nine_per_second() -> None:
    rig = Rig("kit225").charging().offer(4, settle=None).passes(8)
    assert rig.status.requested_current.a == rig.status.available_current.a - 1
    assert rig.status.slope_a_s == pytest.approx(9.0, rel=0.2)
    assert class_of(rig) is Flexibility.SLOW


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("never-closes", "contactor_timeout"),
        ("never-requests", "request_timeout"),
        ("extended-ids", "wake_timeout"),
        ("never-permits", "permit_timeout"),
    ],
)
def test_zombieverter_conversions_get_stuck_and_leave_nothing_on(fault: str, code: str) -> None:
    rig = Rig("kit225", faulty=(fault,)).plug().offer(22).start().until_state(State.FINISHED, within=60)
    assert codes(rig) == [code]
    assert (rig.d1, rig.d2, rig.locked) == (False, False, False)


def test_zombieverter_frames_in_the_wrong_order_do_not_matter() -> None:
    rig = Rig("leaf40", faulty=("wrong-order@0",)).charging().passes(20)
    assert (rig.status.state, rig.faults) == (State.CHARGING, set())


def test_dunedin_a_request_that_equals_what_is_available_is_right() -> None:
    rig = Rig("leaf40").charging(kw=10)
    assert rig.status.requested_current == rig.status.available_current
    assert rig.passes(30).faults == set()


def test_sgte_a_station_that_never_sets_its_stop_bit_can_still_charge_our_cars() -> None:
    """Only of use on the vehicle's side: our station always sets it."""
    frames = (Capability(True, 500, 50, 435), StationStatus(2, 0, 0, False, StationFlag(0), 255, 60))
    vehicle = car.advance(Rig("leaf40").vehicle, car.Plug(on=True), Monotonic(0.0))
    vehicle = car.advance(vehicle, car.Wires(d1=True, d2=False), Monotonic(0.0))
    for period in range(60):
        now = Monotonic(period * 0.1)
        for frame in frames:
            vehicle = car.advance(vehicle, car.Frame(frame.FRAME_ID, frame.encode()), now)
        vehicle = car.advance(vehicle, car.Tick(), now)
    assert vehicle.k is True


def test_f1atline_a_glitch_in_the_first_sample_is_neither_reported_nor_a_fault() -> None:
    rig = Rig("leaf40").plug().offer(22).start().until_state(State.CHARGING)
    rig.until(lambda rig: rig.steps % 4 == 3 and rig.power.current_a > 0, within=2)
    rig.runaway_a = 19.0
    rig.passes(0.025)
    assert statuses(rig)[-1][1].current_a < 19
    rig.runaway_a = 0.0
    assert rig.passes(5).faults == set()


def test_ccs_adapters_report_late_and_ours_reports_what_is_measured() -> None:
    rig = Rig("leaf40").charging()
    rig.runaway_a = -6.0
    rig.passes(0.2)
    assert statuses(rig)[-1][1].current_a == round(rig.power.current_a - 6.0)


def test_setec_no_voltage_is_commanded_before_the_battery_is_on_the_cable() -> None:
    """A contactor that closes onto an empty cable sees inrush; the output follows the battery's voltage from there."""
    rig = Rig("leaf-ze0").charging()
    first = next(at for at, effect in rig.effects if isinstance(effect, fx.CommandOutput))
    volts = next(frame.voltage_v for at, frame in statuses(rig) if at >= first)
    assert volts == pytest.approx(rig.vehicle.battery.voltage_v, abs=15)
    assert next(effect for effect in rig.done(fx.CommandOutput)).current.a <= 2.0


@pytest.mark.parametrize("number", [0, 1])
def test_leaf_at_a_station_of_protocol_0_9_never_reports_its_contactor(number: int) -> None:
    rig = Rig("leaf40", config=replace(CONFIG, protocol_number=number)).charging()
    assert {bool(frame.flags & 0x08) for _, frame in rig.heard} == {False}
    assert rig.status.soc_percent == pytest.approx(40, abs=1)
    assert rig.status.capacity is None
    assert 0x118 not in {frame_id for frame_id, _ in frames_due(rig.station)}
    rig.stop().until(lambda rig: rig.station.phase is Phase.OPENING, within=5)
    begun = rig.now
    rig.until(lambda rig: rig.station.phase is Phase.PARTING, within=5)
    assert rig.now - begun == pytest.approx(4.0, abs=0.15)
    assert rig.until_state(State.FINISHED, within=5).faults == set()


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 255])
def test_no_vehicle_is_rejected_for_its_protocol_number_alone(number: int) -> None:
    rig = Rig("leaf40").set_car(protocol_number=number, says_open_first=number >= 2).charging()
    assert rig.station.pact is not None
    assert rig.station.pact.protocol_number == min(number, 2)
    rig.stop().until_state(State.FINISHED, within=15)
    assert rig.faults == set()


def test_stubborn_vehicle_that_ignores_a_stop_loses_current_first_and_then_d2() -> None:
    rig = Rig("stubborn").charging().stop()
    asked = rig.now
    rig.until(lambda rig: rig.power.current_a == 0.0, within=3)
    rig.until(lambda rig: not rig.d2, within=6)
    assert rig.now - asked == pytest.approx(4.0, abs=0.2)
    rig.until_state(State.FINISHED, within=10)
    assert codes(rig) == ["stop_ignored"]
    assert (rig.vehicle.contactor, rig.locked) == (False, False)


def test_a_vehicle_that_sends_extended_identifiers_is_not_heard() -> None:
    rig = Rig("extended").plug().offer(22).start().until_state(State.FINISHED, within=15)
    assert codes(rig) == ["wake_timeout"]
    assert rig.sent == []


@pytest.mark.parametrize(
    ("fault", "reason", "expected"),
    [
        ("drops-k@5", StopReason.VEHICLE, []),
        ("withdraws@5", StopReason.VEHICLE, []),
        ("leaves-park@5", StopReason.VEHICLE, []),
        ("system-fault@5", StopReason.FAULT, ["vehicle_fault"]),
        ("deviation@5", StopReason.FAULT, ["vehicle_fault"]),
        ("over-voltage@5", StopReason.FAULT, ["vehicle_fault"]),
        ("hot@5", StopReason.FAULT, ["vehicle_fault"]),
        ("silent@5", StopReason.FAULT, ["vehicle_silent"]),
        ("short-frames@5", StopReason.FAULT, ["vehicle_silent"]),
        ("unplugs@5", StopReason.UNPLUGGED, []),
    ],
)
def test_each_trigger_of_a_stop_ends_charging(fault: str, reason: StopReason, expected: list[str]) -> None:
    rig = Rig("leaf40", faulty=(fault,)).plug().offer(15).start().until_state(State.CHARGING)
    rig.until(lambda rig: bool(rig.done(fx.TransactionOver)), within=15)
    assert [over.reason for over in rig.done(fx.TransactionOver)] == [reason]
    assert codes(rig) == expected
    assert rig.passes(20).watts == 0.0
    assert (rig.d1, rig.d2, rig.locked) == (False, False, False)


@pytest.mark.parametrize("fault", ["stutters", "garbage", "slow-ids", "stray-stop-bit", "asks-for-255", "over-asks"])
def test_what_is_merely_odd_does_not_end_charging(fault: str) -> None:
    rig = Rig("leaf40", faulty=(fault,)).charging(kw=15).passes(30)
    assert (rig.status.state, rig.faults) == (State.CHARGING, set())
    assert rig.watts <= 15000.0 * 1.001


def test_a_welded_contactor_keeps_the_connector_locked_and_out_of_service() -> None:
    rig = Rig("leaf40", faulty=("welded",)).charging().stop().until_state(State.FAULTED, within=40)
    assert (rig.locked, rig.power.voltage_v > 60.0) == (True, True)
    assert rig.faults == {"contactor_welded"}


@pytest.mark.parametrize("fault", ["drops-k", "unplugs"])
def test_nothing_is_locked_or_energised_before_the_vehicle_permits(fault: str) -> None:
    rig = Rig("leaf40", faulty=(fault,)).plug().offer(22).start()
    rig.until(lambda rig: rig.station.phase is Phase.AGREEING, within=5)
    assert rig.station.phase in BEFORE_D2
    assert (rig.locked, rig.d2, rig.power.voltage_v) == (False, False, 0.0)


def test_a_request_that_stays_too_high_is_a_fault_where_it_is_commissioned() -> None:
    plain = Rig("leaf40", faulty=("over-asks",)).charging(kw=10).passes(30)
    assert plain.faults == set()
    strict = Rig("leaf40", faulty=("over-asks",), config=replace(CONFIG, excess_request_a=10.0))
    strict.plug().offer(10).start().until_state(State.CHARGING).passes(13)
    assert strict.faults == set()
    strict.until(lambda rig: "request_excess" in codes(rig), within=10)


def test_a_korean_stations_list_of_faults_has_its_codes_here() -> None:
    theirs = {
        "initial CAN time-out": Code.WAKE_TIMEOUT,
        "charging-enable time-out": Code.PERMIT_TIMEOUT,
        "vehicle contact abnormal": Code.CONTACTOR_WELDED,
        "relay (c) on time-out": Code.CONTACTOR_TIMEOUT,
        "relay (c) off time-out": Code.CONTACTOR_WELDED,
        "current-request time-out": Code.REQUEST_TIMEOUT,
        "current-stop time-out": Code.STOP_IGNORED,
        "CAN terminated": Code.VEHICLE_SILENT,
        "insulation: voltage mismatch or short": Code.INSULATION_TEST,
        "vehicle started before system ready": Code.CONTACTOR_WELDED,
        "connector lock released": Code.LOCK,
        "leakage": Code.INSULATION,
        "request exceeds available": Code.REQUEST_EXCESS,
    }
    assert all(code in Code for code in theirs.values())


def test_a_control_frame_decodes_whatever_its_bits() -> None:
    for value in range(256):
        data = bytes((value, value, 1, value, value, value, value, value))
        assert VehicleControl.decode(data).protocol_number == value
