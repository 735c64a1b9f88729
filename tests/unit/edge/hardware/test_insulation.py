"""The insulation monitor's driver against a simulated device on a pseudo terminal, and its values."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import pytest

from edge.hardware import bender, rtu
from edge.hardware.bender import Grade
from edge.hardware.insulation import FRESH_S, BenderMonitor, RtuClient, SerialLine, Watch
from edge.hardware.simulated_bender import BenderOnTerminal, BenderRegisters
from powerctl.core.clock import ManualClock
from powerctl.core.units import Voltage

pytest.importorskip("serial")
WATCH = Watch(warning_kohm=500, bad_kohm=100)


class Bench:
    """A driver and a device."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.device = BenderOnTerminal(BenderRegisters(kohm=1234.0, volts=400.0))
        self.monitor = BenderMonitor(SerialLine(self.device.path, 19200, 3), WATCH, self.clock, connector=1)
        self.monitor.start()

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def close(self) -> None:
        self.monitor.close()
        self.device.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    world = Bench()
    yield world
    world.close()


def test_resistance_and_voltage_arrive(bench: Bench) -> None:
    bench.until(lambda: bench.monitor.resistance_kohm() is not None)
    assert bench.monitor.resistance_kohm() == pytest.approx(1234.0)
    assert bench.monitor.cable() == Voltage(400.0)
    assert bench.monitor.name == "isoCHA425HV-D4-4"


def test_the_device_is_told_to_watch_as_chademo_needs_it(bench: Bench) -> None:
    bench.until(lambda: bench.monitor.resistance_kohm() is not None)
    assert bench.device.registers.written == {3005: 500, 3007: 100, 3023: bender.MODE_CHADEMO}


def test_without_voltage_there_is_no_resistance(bench: Bench) -> None:
    bench.device.registers.volts = 12.0
    bench.until(lambda: bench.monitor.cable() == Voltage(12.0))
    assert bench.monitor.resistance_kohm() is None


def test_a_silent_device_is_no_value(bench: Bench) -> None:
    bench.until(lambda: bench.monitor.cable() is not None)
    bench.device.is_silent = True
    bench.clock.advance(FRESH_S + 1.0)
    time.sleep(0.3)
    bench.clock.advance(FRESH_S + 1.0)
    assert bench.monitor.cable() is None
    assert bench.monitor.resistance_kohm() is None


def test_a_self_test_can_be_asked_for(bench: Bench) -> None:
    bench.monitor.test_soon()
    bench.until(lambda: bench.device.registers.self_tests == 1)


def test_a_simulated_line_can_be_opened_again() -> None:
    device = BenderOnTerminal(BenderRegisters(kohm=900.0, volts=400.0))
    for _ in range(3):  # the controller, then the doctor, then the controller
        client = RtuClient(SerialLine(device.path, 19200, 3))
        assert client.read(bender.R_F, 2)
        client.close()
    device.close()


def test_a_device_that_is_not_there_is_tried_again() -> None:
    monitor = BenderMonitor(SerialLine("/dev/does-not-exist", 19200, 3), WATCH, ManualClock(), connector=1)
    monitor.start()
    assert monitor.cable() is None
    monitor.close()


@pytest.mark.parametrize(("ohm", "kohm"), [(1_234_000.0, 1234.0), (math.inf, bender.MOST_KOHM), (0.0, 0.0)])
def test_ohms_become_kiloohms(ohm: float, kohm: float) -> None:
    registers = (*rtu.registers_of(ohm), 0, 0, 0, 0, 0, 0, *rtu.registers_of(-350.0))
    reading = bender.insulation_from(registers)
    assert reading is not None
    assert (reading.kohm, reading.voltage) == (kohm, Voltage(350.0))


def test_what_is_no_number_is_no_reading() -> None:
    assert bender.insulation_from((0x7FC0, 0, 0, 0, 0, 0, 0, 0, 0, 0)) is None


@pytest.mark.parametrize(("kohm", "expected"), [(99.0, Grade.BAD), (100.0, Grade.WARNING), (500.0, Grade.GOOD)])
def test_grades(kohm: float, expected: Grade) -> None:
    assert bender.grade(kohm, warning_kohm=500, bad_kohm=100) is expected
