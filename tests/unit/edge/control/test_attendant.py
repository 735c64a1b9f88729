"""Buttons and lights: what is pressed happens once; the light says what the connector does."""

from __future__ import annotations

import pytest

from edge.control.attendant import EMERGENCY, PRESSED, PanelDesk
from edge.hardware.lines import MemoryLines
from edge.hardware.panel import LIGHTS, Buttons, Light, Panel, light_of
from powerctl.core.clock import ManualClock
from powerctl.core.ids import ConnectorId
from powerctl.core.session import ConnectorState, StopReason

ONE = ConnectorId(1)
NAMES = ("1.start", "1.stop", "1.emergency", "1.green", "1.blue", "1.red", "station.emergency")


class Connector:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.state = ConnectorState.OCCUPIED
        self.told: list[str] = []

    def start(self, command_id: str) -> str | None:
        assert command_id.startswith("local-")
        self.told.append("start")
        return None

    def stop(self, reason: StopReason, detail: str) -> str | None:
        assert (reason, detail) == (StopReason.DRIVER, PRESSED)
        self.told.append("stop")
        return None

    def emergency(self, detail: str) -> None:
        assert detail == EMERGENCY
        if "emergency" not in self.told:  # said again while it stands, nothing changes
            self.told.append("emergency")


class World:
    """A panel, a connector and a desk."""

    def __init__(self, *, may_start: bool = True) -> None:
        self.wires, self.connector, self.clock = MemoryLines(NAMES), Connector(), ManualClock()
        panels = {ONE: Panel(self.wires, ONE)}
        self.desk = PanelDesk(panels, {ONE: self.connector}, self.clock, may_start=may_start)

    def press(self, **buttons: bool) -> list[str]:
        self.wires.show(**buttons)
        self.desk.look()
        self.desk.look()
        told, self.connector.told = self.connector.told, []
        return told


def test_a_button_that_is_held_counts_once() -> None:
    world = World()
    assert world.press(start_1=True) == ["start"]
    assert world.press(start_1=False) == []
    assert world.press(start_1=True) == ["start"]


def test_the_start_button_does_nothing_where_the_installer_has_not_allowed_it() -> None:
    assert World(may_start=False).press(start_1=True) == []


def test_stop_wins_over_start_and_emergency_over_both() -> None:
    assert World().press(start_1=True, stop_1=True) == ["stop"]
    assert World().press(emergency_1=True, start_1=True)[0] == "emergency"


def test_an_emergency_button_for_the_station_counts_for_each_connector() -> None:
    world = World()
    world.wires.switch("station.emergency", True)
    world.desk.look()
    assert world.connector.told == ["emergency"]


def test_a_release_does_not_outlive_a_button_that_is_still_pressed() -> None:
    world = World()
    world.wires.is_alive = False
    assert world.press() == ["emergency"]
    world.connector.told.clear()
    assert world.press() == ["emergency"]


def test_lines_that_cannot_be_read_are_an_emergency_where_there_is_such_a_button() -> None:
    world = World()
    world.wires.is_alive = False
    assert world.press() == ["emergency"]
    bare = Panel(MemoryLines(("1.start",)), ONE)
    assert bare.read() == Buttons()


@pytest.mark.parametrize("state", list(ConnectorState))
def test_every_state_has_a_light(state: ConnectorState) -> None:
    assert light_of(state, emergency=False) is LIGHTS[state]
    assert light_of(state, emergency=True) is Light.EMERGENCY


def test_a_light_blinks_and_shows_one_colour() -> None:
    world = World()
    world.desk.look()
    lit = [world.wires.sense("1.green")]
    for _ in range(3):
        world.clock.advance(0.5)
        world.desk.look()
        lit.append(world.wires.sense("1.green"))
    assert lit == [True, False, True, False]
    world.connector.state = ConnectorState.CHARGING
    world.desk.look()
    assert [world.wires.sense(f"1.{lamp}") for lamp in ("green", "blue", "red")] == [False, True, False]
