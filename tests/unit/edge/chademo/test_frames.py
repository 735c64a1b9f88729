"""Golden frames come from recordings and published examples, never from our own encoder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.chademo import codec, v2x
from edge.chademo.frames import (
    BatteryLimits,
    Capability,
    ChargingTime,
    Function,
    StationFlag,
    StationFunctions,
    StationStatus,
    VehicleControl,
    VehicleFault,
    VehicleFlag,
    VehicleFunctions,
)
from powerctl.core.errors import MalformedFrame

ENABLED, OPEN = VehicleFlag.ENABLED, VehicleFlag.CONTACTOR_OPEN
DYNAMIC, DISCHARGE = VehicleFlag.LEGACY_DYNAMIC, VehicleFlag.DISCHARGE

GOLDEN = [
    # cdrs log (tests/vectors/chademo), ZE0-type Leaf and Indra.
    (0x100, "00000000b301f000", BatteryLimits(0, 0, 0, 435, 240)),
    (0x101, "00ff3c0000de0000", ChargingTime(255, 60, 0, 222)),
    (0x102, "029a010000c80300", VehicleControl(2, 410, 0, VehicleFault(0), DISCHARGE | DYNAMIC | OPEN, 3)),
    (0x102, "029a010c00c14900", VehicleControl(2, 410, 12, VehicleFault(0), DISCHARGE | DYNAMIC | ENABLED, 73)),
    (0x108, "01f4010fb3010000", Capability(True, 500, 15, 435)),
    (0x109, "027701080105ff3c", StationStatus(2, 375, 8, True, StationFlag.CHARGING | StationFlag.LOCKED, 255, 60)),
    # F1atline log, ZE1, as quoted in public: 410 V, 31 A, 72 %; first station frame with threshold 500 V.
    (0x102, "029a011f00814800", VehicleControl(2, 410, 31, VehicleFault(0), DISCHARGE | ENABLED, 72)),
    (0x108, "01f40176f4010000", Capability(True, 500, 118, 500)),
    (0x110, "0100000000000000", VehicleFunctions(Function.DYNAMIC_CONTROL, 0)),
    (0x118, "0100000000000000", StationFunctions(Function.DYNAMIC_CONTROL)),
]


@pytest.mark.parametrize(("frame_id", "text", "expected"), GOLDEN)
def test_golden_frames_decode_and_encode(frame_id: int, text: str, expected: codec.VehicleFrame) -> None:
    assert codec.decode(frame_id, bytes.fromhex(text)) == expected
    assert expected.encode() == bytes.fromhex(text)


def test_a_vehicle_that_reports_too_little_current_says_current_deviation() -> None:
    frame = VehicleControl.decode(bytes.fromhex("029a010004c54900"))
    assert frame.faults == VehicleFault.CURRENT_DEVIATION


def test_discharge_currents_travel_inverted() -> None:
    assert v2x.DischargeLimits.decode(bytes.fromhex("ff000000fa00ffff")) == v2x.DischargeLimits(0, 250, 255, 255)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00ff3c0000de0000", 3600), ("00e4500000000000", 2280), ("0000000000f00000", None), ("00ff000000000000", None)],
)
def test_the_maximum_time_is_in_tens_of_seconds_unless_that_field_is_unused(text: str, seconds: int | None) -> None:
    assert ChargingTime.decode(bytes.fromhex(text)).max_s == seconds


@pytest.mark.parametrize("length", [0, 7, 9, 64])
@pytest.mark.parametrize("frame_id", sorted(codec.ALL))
def test_a_frame_of_another_length_than_eight_is_refused(frame_id: int, length: int) -> None:
    with pytest.raises(MalformedFrame, match=f"{length} bytes"):
        codec.decode(frame_id, bytes(length))


def test_an_unknown_identifier_means_nothing() -> None:
    assert codec.decode(0x123, bytes(8)) is None
    assert codec.decode_vehicle(Capability.FRAME_ID, bytes(8)) is None


@given(frame_id=st.sampled_from(sorted(codec.ALL)), data=st.binary(min_size=8, max_size=8))
def test_every_eight_bytes_decode(frame_id: int, data: bytes) -> None:
    assert codec.decode(frame_id, data) is not None


@given(frame_id=st.sampled_from(sorted({**codec.VEHICLE, **codec.STATION})), data=st.binary(min_size=8, max_size=8))
def test_what_is_encoded_decodes_to_the_same_values(frame_id: int, data: bytes) -> None:
    kind = {**codec.VEHICLE, **codec.STATION}[frame_id]
    frame = kind.decode(data)
    assert kind.decode(frame.encode()) == frame
