from __future__ import annotations

import pytest

from edge.chademo.frames import VehicleControl
from edge.sim.mischief import MISCHIEF, advance, afflicted, planned, spoken
from edge.sim.models import MODELS
from edge.sim.vehicle import Plug, Stage, Tick, Vehicle, Wires, parked
from powerctl.core.clock import Monotonic


def speaking(model: str = "leaf40", *faults: str) -> Vehicle:
    plans = [planned(text) for text in faults]
    vehicle = parked(afflicted(MODELS[model], plans), 50.0)
    for event in (Plug(on=True), Wires(d1=True, d2=False)):
        vehicle = advance(vehicle, event, Monotonic(0.0), plans)
    for step in range(20):
        vehicle = advance(vehicle, Tick(), Monotonic(step * 0.1), plans)
    return vehicle


def test_every_fault_says_what_it_is_and_does_one_thing() -> None:
    for one in MISCHIEF.values():
        assert one.meaning
        assert sum((bool(one.model), one.deed is not None, one.spoils is not None)) == 1


@pytest.mark.parametrize(("text", "after_s"), [("hot", 10.0), ("hot@3.5", 3.5), ("silent@0", 0.0)])
def test_a_fault_is_written_with_the_seconds_of_charging_before_it(text: str, after_s: float) -> None:
    assert planned(text).after_s == after_s


@pytest.mark.parametrize("text", ["tired", "hot@soon", "hot@-1", "hot@inf", ""])
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text differs
        planned(text)


def test_extended_identifiers_are_on_the_bus_as_such() -> None:
    frames = spoken(speaking("leaf40", "extended-ids"), Monotonic(2.0))
    assert frames
    assert all(frame.extended for frame in frames)


def test_one_identifier_after_the_other_comes_round_in_225_ms() -> None:
    vehicle = speaking("kit225")
    assert vehicle.spoke_at is not None
    late = (0.0, 0.02, -0.02, 0.0, 0.03, -0.03)
    turns = [spoken(vehicle, Monotonic(vehicle.spoke_at + turn * 0.075 + late[turn])) for turn in range(6)]
    assert [[frame.frame_id for frame in frames] for frames in turns] == [[0x100], [0x101], [0x102]] * 2


def test_a_deed_waits_for_its_time() -> None:
    vehicle = speaking("leaf40", "silent@5")
    assert vehicle.stage is Stage.AWAKE
    assert len(spoken(vehicle, Monotonic(100.0), [planned("silent@5")])) == 5


def test_a_model_without_faults_is_left_as_it_is() -> None:
    assert afflicted(MODELS["leaf40"], []) == MODELS["leaf40"]


def test_frames_of_every_model_decode() -> None:
    for name in MODELS:
        for frame in spoken(speaking(name), Monotonic(3.0)):
            assert len(frame.data) == 8
            if frame.frame_id == VehicleControl.FRAME_ID:
                assert VehicleControl.decode(frame.data).protocol_number == MODELS[name].protocol_number
