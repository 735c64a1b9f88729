"""Named wires: the pilot circuit, the relay with its discharge, the matrix."""

from __future__ import annotations

import pytest

from edge.hardware.lines import MemoryLines, WiredContactors, WiredPilotLines, WiredRelay, check_names
from edge.hardware.ports import Lines
from powerctl.core.errors import ConfigError
from powerctl.core.ids import ConnectorId

ONE = ConnectorId(1)
WHOLE = ("1.d1", "1.d2", "1.lock", "1.k", "1.prox")


def test_inputs_are_read_by_role() -> None:
    wires = MemoryLines((*WHOLE, "1.pe", "1.lock_feedback"))
    wires.show(k_1=True, prox_1=True, pe_1=True)
    assert WiredPilotLines(wires, ONE).read() == Lines(k=True, prox=True, lock_feedback=False, pe=True)


def test_a_lock_without_feedback_answers_for_itself_and_earth_without_a_line_is_whole() -> None:
    pilot = WiredPilotLines(MemoryLines(WHOLE), ONE)
    pilot.lock(True)
    assert pilot.read() == Lines(k=False, prox=False, lock_feedback=True, pe=True)


def test_lines_that_cannot_be_read_are_no_vehicle_and_no_earth() -> None:
    wires = MemoryLines(WHOLE)
    wires.show(k_1=True, prox_1=True)
    wires.is_alive = False
    assert WiredPilotLines(wires, ONE).read() == Lines(k=False, prox=False, lock_feedback=False, pe=False)


def test_relay_and_discharge_are_never_both_closed() -> None:
    wires = MemoryLines((*WHOLE, "1.relay", "1.discharge"))
    relay = WiredRelay(wires, ONE)
    for on in (False, True, True, False):
        relay.connect(on)
    assert wires.history == [
        ("1.discharge", True),
        ("1.discharge", False),
        ("1.relay", True),
        ("1.relay", False),
        ("1.discharge", True),
    ]


def test_a_module_leaves_one_connector_before_it_joins_the_other() -> None:
    names = [f"module.{address}.{connector}" for address in (1, 2) for connector in (1, 2)]
    wires = MemoryLines(names)
    matrix = WiredContactors(wires, {1: ONE, 2: ConnectorId(2)})
    matrix.connect(2, ONE)
    assert wires.history[-2:] == [("module.2.2", False), ("module.2.1", True)]
    matrix.connect(2, None)
    assert wires.history[-1] == ("module.2.1", False)


@pytest.mark.parametrize("name", ["1.d3", "d1", "x.k", "station.k", "module.1"])
def test_a_name_that_means_nothing_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"is no line"):
        check_names("edge.gpio.lines", (*WHOLE, name), (1,))


def test_a_pilot_circuit_that_is_not_whole_is_refused() -> None:
    check_names("edge.gpio.lines", (*WHOLE, "station.emergency", "module.1.2"), (1,))
    with pytest.raises(ConfigError, match=r"2\.d1: is missing"):
        check_names("edge.gpio.lines", WHOLE, (1, 2))
