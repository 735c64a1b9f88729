"""The doors of the cabinet: an opening is told at once, a flapping contact fills no disk."""

from __future__ import annotations

import pytest

from edge.control.door import CLOSED, CLOSED_FOR_S, LOOK_EVERY_S, OPENED, UNWATCHED, DoorWatch
from edge.hardware.door import LINE, SimulatedDoor, WiredDoor
from edge.hardware.lines import MemoryLines, check_names
from edge.hardware.plant_lines import PlantState, merge
from powerctl.core.clock import ManualClock
from powerctl.core.errors import ConfigError
from powerctl.core.record import Body, SecurityEvent


class World:
    """A contact and its watch."""

    def __init__(self) -> None:
        self.wires, self.clock = MemoryLines([LINE]), ManualClock()
        self.told: list[Body] = []
        self.watch = DoorWatch(WiredDoor(self.wires), self.told.append, self.clock)

    def passes(self, seconds: float) -> None:
        for _ in range(round(seconds / LOOK_EVERY_S)):
            self.clock.advance(LOOK_EVERY_S)
            self.watch.look()

    @property
    def codes(self) -> list[str]:
        return [body.code for body in self.told if isinstance(body, SecurityEvent)]


def test_an_opening_is_told_at_the_first_look_and_its_end_when_it_lasts() -> None:
    world = World()
    world.passes(60)
    assert world.codes == []
    world.wires.show(door_station=True)
    world.watch.look()
    assert world.codes == [OPENED]
    world.passes(60)
    world.wires.show(door_station=False)
    world.passes(CLOSED_FOR_S)
    assert world.codes == [OPENED]
    world.passes(1)
    assert world.codes == [OPENED, CLOSED]


def test_a_door_that_is_open_at_start_is_told() -> None:
    world = World()
    world.wires.show(door_station=True)
    world.watch.look()
    assert world.codes == [OPENED]


def test_a_contact_that_flaps_is_told_once() -> None:
    world = World()
    for turn in range(600):
        world.wires.show(door_station=turn % 2 == 0)
        world.passes(LOOK_EVERY_S)
    assert world.codes == [OPENED]


def test_a_contact_that_cannot_be_read_is_told_once() -> None:
    world = World()
    world.wires.is_alive = False
    world.passes(10)
    assert world.codes == [UNWATCHED]


def test_without_a_contact_nothing_is_told() -> None:
    told: list[Body] = []
    DoorWatch(None, told.append, ManualClock()).look()
    assert told == []


class Plant:
    """A simulated plant that only has a state."""

    def __init__(self) -> None:
        self.state = PlantState()


def test_a_simulated_plant_opens_the_door() -> None:
    plants = [Plant(), Plant()]
    door = SimulatedDoor(plants)  # type: ignore[arg-type]
    assert door.is_open() is False
    plants[1].state = merge(PlantState(), b'{"door": 1}')
    assert door.is_open() is True


@pytest.mark.parametrize("name", ["1.door", "station.doors"])
def test_only_the_station_has_a_door(name: str) -> None:
    check_names("edge.gpio.lines", [LINE], ())
    with pytest.raises(ConfigError, match="is no line"):
        check_names("edge.gpio.lines", [name], ())
