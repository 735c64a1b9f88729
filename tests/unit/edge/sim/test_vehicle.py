"""The car alone, against a station made of single frames. Whole sessions are in `tests/scenarios/chademo`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.chademo.codec import decode
from edge.chademo.frames import (
    BatteryLimits,
    Capability,
    ChargingTime,
    StationFlag,
    StationStatus,
    VehicleControl,
    VehicleFault,
    VehicleFlag,
)
from edge.sim.models import MODELS
from edge.sim.speech import frames_due
from edge.sim.vehicle import (
    Frame,
    Plug,
    PressStop,
    SetSoc,
    Stage,
    Supply,
    Tick,
    Vehicle,
    Wires,
    advance,
    parked,
)
from powerctl.core.clock import Monotonic

IDLE = StationFlag.STOP
CHARGING = StationFlag.CHARGING | StationFlag.LOCKED


class Lot:
    """A car, a clock, and a station that says what it is told to say."""

    def __init__(self, model: str = "leaf40", soc: float = 40.0) -> None:
        self.car: Vehicle = parked(MODELS[model], soc)
        self.now = 0.0
        self.flags: StationFlag | None = IDLE
        self.available_a = 50
        self.minutes = 60
        self.follows = True
        """The station delivers what the car asks for."""

    def do(self, *events: object) -> Lot:
        for event in events:
            self.car = advance(self.car, event, Monotonic(self.now))  # type: ignore[arg-type]
        return self

    def passes(self, seconds: float) -> Lot:
        for _ in range(round(seconds / 0.1)):
            self.now += 0.1
            if self.flags is not None:
                self.do(_capability(self.available_a), _status(self.flags, self.minutes))
            if self.follows and self.car.contactor:
                self.do(Supply(self.car.battery.voltage_v, self.car.request_a))
            self.do(Tick())
        return self

    def started(self) -> Lot:
        """In charging, the request up."""
        self.do(Plug(on=True), Wires(d1=True, d2=False)).passes(4.5)
        self.do(Wires(d1=True, d2=True)).passes(3.2)
        self.flags = CHARGING
        return self.passes(8)

    @property
    def control(self) -> VehicleControl:
        frame = self.frames()[0x102]
        assert isinstance(frame, VehicleControl)
        return frame

    def frames(self) -> dict[int, object]:
        return {frame_id: decode(frame_id, data) for frame_id, data in frames_due(self.car, Monotonic(self.now))}


def _capability(available_a: int) -> Frame:
    return Frame(Capability.FRAME_ID, Capability(True, 500, available_a, 435).encode())


def _status(flags: StationFlag, minutes: int) -> Frame:
    tens = 255 if minutes else 0
    return Frame(StationStatus.FRAME_ID, StationStatus(2, 0, 0, False, flags, tens, minutes).encode())


def test_a_car_sleeps_until_d1_and_speaks_soon_after() -> None:
    lot = Lot().do(Plug(on=True)).passes(5)
    assert lot.frames() == {}
    lot.do(Wires(d1=True, d2=False)).passes(0.6)
    assert sorted(lot.frames()) == [0x100, 0x101, 0x102, 0x110, 0x700]


def test_a_car_without_0x110_does_not_send_it() -> None:
    lot = Lot("outlander").do(Plug(on=True), Wires(d1=True, d2=False)).passes(1.5)
    assert sorted(lot.frames()) == [0x100, 0x101, 0x102]


def test_the_first_values_mean_nothing_as_in_a_real_car() -> None:
    lot = Lot(soc=72.0).do(Plug(on=True), Wires(d1=True, d2=False))
    while not lot.frames():
        lot.passes(0.1)
    first = lot.frames()
    lot.passes(1)
    second = lot.control.charged_rate
    lot.passes(2)
    assert isinstance(first[0x100], BatteryLimits)
    assert first[0x100].rate_reference == 240
    assert isinstance(first[0x102], VehicleControl)
    assert (first[0x102].charged_rate, second, lot.control.charged_rate) == (3, 1, 72)


def test_the_maximum_time_comes_later_and_is_generous() -> None:
    lot = Lot().do(Plug(on=True), Wires(d1=True, d2=False)).passes(1.0)
    time = lot.frames()[0x101]
    assert isinstance(time, ChargingTime)
    assert time.max_s is None
    time = lot.passes(3).frames()[0x101]
    assert isinstance(time, ChargingTime)
    assert time.max_s is not None
    assert time.max_s >= 3600


def test_permission_comes_by_line_and_by_frame_together() -> None:
    lot = Lot().do(Plug(on=True), Wires(d1=True, d2=False)).passes(3)
    assert (lot.car.k, lot.car.enabled) == (False, False)
    lot.passes(1.5)
    assert lot.car.k is True
    assert VehicleFlag.ENABLED in lot.control.flags


def test_a_silent_station_gets_no_permission() -> None:
    lot = Lot()
    lot.flags = None
    assert lot.do(Plug(on=True), Wires(d1=True, d2=False)).passes(20).car.k is False


def test_a_station_with_too_little_voltage_is_a_fault() -> None:
    lot = Lot()
    lot.car = replace(lot.car, model=replace(lot.car.model, target_voltage_v=600))
    lot.do(Plug(on=True), Wires(d1=True, d2=False)).passes(6)
    assert VehicleFlag.SYSTEM_FAULT in lot.control.flags


def test_the_contactor_closes_after_d2_and_shows_it() -> None:
    lot = Lot().do(Plug(on=True), Wires(d1=True, d2=False)).passes(4.5)
    assert VehicleFlag.CONTACTOR_OPEN in lot.control.flags
    lot.do(Wires(d1=True, d2=True)).passes(1.5)
    assert lot.car.contactor is True
    assert VehicleFlag.CONTACTOR_OPEN not in lot.control.flags
    assert lot.car.inlet_v == pytest.approx(lot.car.battery.open_v)


def test_voltage_at_the_inlet_refuses_the_contactor() -> None:
    lot = Lot().do(Plug(on=True), Wires(d1=True, d2=False)).passes(4.5)
    lot.do(Supply(400.0, 0.0), Wires(d1=True, d2=True)).passes(2)
    assert lot.car.contactor is False
    assert lot.control.faults == VehicleFault.VOLTAGE_DEVIATION


def test_the_request_rises_at_the_cars_slope_to_what_is_available() -> None:
    lot = Lot().started()
    assert lot.control.requested_current_a == 50
    lot.available_a = 60
    assert lot.passes(0.2).control.requested_current_a == 54


@pytest.mark.parametrize(("model", "after_half_a_second"), [("leaf40", 20), ("outlander", 45)])
def test_the_request_follows_less_as_this_car_does(model: str, after_half_a_second: int) -> None:
    lot = Lot(model).started()
    lot.available_a = 20
    assert lot.passes(0.5).control.requested_current_a == after_half_a_second


def test_the_battery_fills_with_what_flows_and_its_voltage_rises_with_it() -> None:
    lot = Lot().started()
    before = lot.car.battery
    lot.passes(60)
    assert lot.car.battery.soc_percent > before.soc_percent
    assert lot.car.inlet_v > lot.car.battery.open_v


def stops(lot: Lot) -> str:
    lot.passes(1)
    assert lot.car.k is False
    assert VehicleFlag.ENABLED not in lot.control.flags
    lot.flags = IDLE if lot.flags is not None else None
    lot.do(Supply(0.0, 0.0)).passes(3)
    assert lot.car.contactor is False
    return lot.car.why


def test_the_driver_presses_stop() -> None:
    assert stops(Lot().started().do(PressStop())) == "The driver ended charging in the car."


def test_the_station_says_stop() -> None:
    lot = Lot().started()
    lot.flags = CHARGING | StationFlag.STOP
    assert stops(lot) == "The station ended charging."


def test_the_station_reports_a_fault() -> None:
    lot = Lot().started()
    lot.flags = CHARGING | StationFlag.MALFUNCTION
    assert stops(lot) == "The station reports a fault."


def test_the_station_falls_silent() -> None:
    lot = Lot().started()
    lot.flags = None
    assert stops(lot.passes(1)) == "The station fell silent."


def test_the_time_is_over() -> None:
    lot = Lot().started()
    lot.minutes = 0
    assert stops(lot) == "The charging time is over."


def test_the_battery_is_full() -> None:
    assert stops(Lot().started().do(SetSoc(100.0))) == "The battery is full."


def test_the_station_never_begins() -> None:
    lot = Lot().do(Plug(on=True), Wires(d1=True, d2=False)).passes(4.5)
    assert stops(lot.do(Wires(d1=True, d2=True)).passes(5.6)) == "The station did not begin."


def test_nothing_flows_for_too_long() -> None:
    lot = Lot().started()
    lot.available_a = 0
    assert lot.passes(350).car.stage is Stage.CHARGING
    assert stops(lot.passes(15)) == "No current for too long."


def test_a_current_that_is_far_from_the_request_is_a_deviation() -> None:
    lot = Lot().started()
    lot.follows = False
    lot.do(Supply(380.0, 25.0)).passes(4)
    assert lot.car.stage is Stage.CHARGING
    lot.passes(2)
    assert lot.control.faults == VehicleFault.CURRENT_DEVIATION


@pytest.mark.parametrize("wires", [Wires(d1=True, d2=False), Wires(d1=False, d2=True), Wires(d1=False, d2=False)])
def test_without_current_in_its_coils_the_contactor_opens(wires: Wires) -> None:
    assert Lot().started().do(wires).car.contactor is False


def test_a_car_whose_d1_fell_can_be_woken_again() -> None:
    lot = Lot().started().do(Wires(d1=False, d2=False)).passes(1)
    assert (lot.car.stage, lot.car.plugged, lot.frames()) == (Stage.ASLEEP, True, {})
    lot.flags = IDLE
    assert lot.started().car.stage is Stage.CHARGING


def test_a_pulled_plug_ends_everything_and_keeps_the_charge() -> None:
    lot = Lot().started()
    soc = lot.car.battery.soc_percent
    lot.do(Plug(on=False))
    assert (lot.car.k, lot.car.contactor, lot.car.plugged, lot.frames()) == (False, False, False, {})
    assert lot.car.battery.soc_percent == soc


def test_a_reported_voltage_that_does_not_fall_is_a_fault_to_an_outlander() -> None:
    lot = Lot("outlander").started().do(PressStop())
    told = StationStatus(2, 320, 0, False, StationFlag.LOCKED | StationFlag.STOP, 0, 0)
    lot.flags = None
    for _ in range(50):
        lot.do(Frame(StationStatus.FRAME_ID, told.encode())).passes(0.1)
    assert VehicleFlag.SYSTEM_FAULT in lot.control.flags
    assert lot.car.why == "The reported voltage does not fall."


def test_a_firm_car_keeps_its_request_whatever_is_available() -> None:
    lot = Lot("leaf-ze0").started()
    before = lot.control.requested_current_a
    lot.available_a = 10
    assert lot.passes(3).control.requested_current_a == before


def test_a_car_that_ignores_stops_goes_on_until_its_lines_are_off() -> None:
    lot = Lot("stubborn").started()
    lot.flags = CHARGING | StationFlag.STOP
    assert lot.passes(10).car.stage is Stage.CHARGING
    assert lot.do(Wires(d1=False, d2=False)).car.contactor is False


def test_a_contactor_opens_soon_after_the_end_and_is_reported_when_tested() -> None:
    lot = Lot().started().do(PressStop()).passes(0.4)
    lot.flags = IDLE
    lot.do(Supply(0.0, 0.0)).passes(0.6)
    assert lot.car.contactor is False
    assert VehicleFlag.CONTACTOR_OPEN not in lot.control.flags
    assert VehicleFlag.CONTACTOR_OPEN in lot.passes(2.5).control.flags


def test_frames_that_are_not_the_stations_mean_nothing() -> None:
    lot = Lot().started()
    before = lot.car
    lot.do(Frame(0x102, bytes(8)), Frame(0x109, bytes(3)), Frame(0x555, bytes(8)))
    assert lot.car == before
