from __future__ import annotations

from dataclasses import replace

import pytest

from edge.chademo.codec import decode
from edge.chademo.events import LinesRead, StopRequested, Tick
from edge.chademo.frames import BatteryLimits, Capability, ChargingTime, StationFlag, StationStatus, VehicleFunctions
from edge.chademo.session import frames_due
from edge.chademo.state import Session
from powerctl.core.session import StopReason
from tests.unit.edge.chademo.story import CONFIG, LIMITS, NOW, TIME, charging, control, fed, frame, measured, waking


def told(session: Session) -> tuple[Capability, StationStatus]:
    (first, data), (second, more) = frames_due(session)[:2]
    capability, status = decode(first, data), decode(second, more)
    assert isinstance(capability, Capability)
    assert isinstance(status, StationStatus)
    return capability, status


def agreeing(*vehicle: BatteryLimits | ChargingTime) -> Session:
    return fed(waking(), frame(control()), *(frame(value) for value in vehicle), Tick())[0]


def test_nothing_is_sent_before_the_vehicle_has_spoken() -> None:
    assert frames_due(waking()) == ()


def test_the_first_frames_say_what_the_station_can() -> None:
    capability, status = told(agreeing())
    assert capability == Capability(True, 500, 54, 500)
    assert status == StationStatus(2, 0, 0, False, StationFlag.STOP, 255, 255)


def test_the_threshold_is_the_lower_of_both_highest_voltages() -> None:
    assert told(agreeing(LIMITS))[0].threshold_voltage_v == 435
    assert told(agreeing(BatteryLimits(0, 0, 0, 600, 100)))[0].threshold_voltage_v == 500


def test_the_vehicles_time_is_mirrored_as_soon_as_it_is_stated() -> None:
    status = told(agreeing(ChargingTime(0, 0, 0, 0)))[1]
    assert (status.remaining_10s, status.remaining_min) == (255, 255)
    status = told(agreeing(TIME))[1]
    assert (status.remaining_10s, status.remaining_min) == (255, 60)


@pytest.mark.parametrize(
    ("seconds", "tens", "minutes"), [(3599, 255, 60), (61, 255, 2), (60, 255, 1), (59, 6, 0), (1, 1, 0), (0, 0, 0)]
)
def test_remaining_time_is_zero_only_when_it_is_over(seconds: float, tens: int, minutes: int) -> None:
    status = told(replace(charging(), remaining_s=seconds))[1]
    assert (status.remaining_10s, status.remaining_min) == (tens, minutes)


def test_remaining_time_is_zero_once_the_session_ends() -> None:
    session, _ = fed(charging(), measured(400.0, 20.0), StopRequested(StopReason.DRIVER))
    status = told(session)[1]
    assert (status.remaining_10s, status.remaining_min) == (0, 0)
    assert status.flags == StationFlag.CHARGING | StationFlag.LOCKED | StationFlag.STOP


def test_the_measured_current_is_reported_unfiltered() -> None:
    session, _ = fed(replace(charging(), commanded_a=20.0), measured(391.6, 17.4))
    status = told(session)[1]
    assert (status.voltage_v, status.current_a) == (392, 17)


def test_f1atline_a_single_high_sample_of_the_first_amperes_is_not_reported() -> None:
    session, _ = fed(replace(charging(), commanded_a=10.0), measured(390.0, 29.0))
    assert told(session)[1].current_a == 10
    session, _ = fed(session, measured(390.0, 29.0), now=NOW + 0.1)
    assert told(session)[1].current_a == 29


def test_i_miev_no_current_is_reported_before_charging_whatever_the_meter_shows() -> None:
    session, _ = fed(waking(), frame(control(1)), measured(0.0, 0.8))
    assert told(session)[1].current_a == 0


def test_values_beyond_the_field_are_cut_and_never_wrap() -> None:
    session, _ = fed(replace(charging(), commanded_a=300.0), measured(400.0, 300.0))
    assert told(session)[1].current_a == 255
    session, _ = fed(charging(), measured(400.0, -3.0))
    assert told(session)[1].current_a == 0


def test_0x118_goes_only_to_a_vehicle_that_sends_0x110() -> None:
    assert [frame_id for frame_id, _ in frames_due(charging())] == [0x108, 0x109]
    functions = VehicleFunctions.decode(bytes((1, 0, 0, 0, 0, 0, 0, 0)))
    session = replace(charging(), heard=replace(charging().heard, functions=functions))
    assert [frame_id for frame_id, _ in frames_due(session)] == [0x108, 0x109, 0x118]
    firm = replace(session, config=replace(CONFIG, dynamic_current=False))
    assert [data[0] for _, data in frames_due(firm)[2:]] == [0]


def test_charging_stays_announced_after_a_trip_until_the_current_is_low() -> None:
    session, _ = fed(charging(), measured(400.0, 40.0))
    session, _ = fed(session, LinesRead(k=True, prox=True, lock_feedback=True, pe=False), now=NOW)
    expected = StationFlag.CHARGING | StationFlag.LOCKED | StationFlag.STOP | StationFlag.MALFUNCTION
    assert told(session)[1].flags == expected
    session, _ = fed(session, measured(400.0, 3.0), Tick())
    assert told(session)[1].flags == expected & ~StationFlag.CHARGING
