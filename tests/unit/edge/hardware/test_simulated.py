"""The simulated twins: output, meters and monitor agree with each other and with the plant."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NoReturn

import pytest

from edge.hardware.plant_lines import PlantState
from edge.hardware.ports import NO_OUTPUT
from edge.hardware.simulated_connector import HEALTHY_KOHM, SimulatedConnector
from edge.hardware.simulated_station import AcModel, SimulatedStation
from powerctl.core.clock import ManualClock
from powerctl.core.units import Current, Power, Voltage

MODEL = AcModel(((1000.0, 0.8), (10_000.0, 0.95)), Power(100.0), 50.0, Voltage(230.0))


class MemoryPlant:
    """A plant in this process."""

    def __init__(self) -> None:
        self.state = PlantState()
        self.is_alive = True
        self.orders: dict[str, float] = {}

    def order(self, **values: float | int) -> None:
        self.orders.update(values)

    async def run(self) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError


class Rig:
    """One connector on a plant in memory."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.link = MemoryPlant()
        self.connector = SimulatedConnector(
            lambda _: self.link,
            connector=1,
            max_power=Power(22_000.0),
            folder=folder,
            clock=self.clock,
            on_lines=lambda: None,
        )
        self.station = SimulatedStation([self.connector], MODEL, folder, self.clock)

    def plant(self, state: PlantState) -> None:
        self.link.state = state

    def passes(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.clock.advance(0.02)
            self.station.step()


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


CHARGING = PlantState(k=True, prox=True, contactor=True, inlet=Voltage(400.0))


def test_the_meter_counts_what_flows(rig: Rig) -> None:
    rig.plant(CHARGING)
    rig.connector.stage.command(Voltage(430.0), Current(25.0))
    rig.passes(1.0)
    before = rig.connector.meter.read()
    rig.passes(360.0)
    after = rig.connector.meter.read()
    assert after.energy.wh - before.energy.wh == pytest.approx(1000.0, rel=0.001)
    assert after.serial == before.serial
    assert after.serial.startswith("SIM-")


def test_the_grid_meter_sees_losses_and_auxiliaries(rig: Rig) -> None:
    assert rig.station.read().power == Power(100.0)
    rig.plant(CHARGING)
    rig.connector.stage.command(Voltage(430.0), Current(25.0))
    rig.passes(1.0)
    assert rig.station.read().power.w == pytest.approx(100.0 + 10_000 / 0.95)


def test_input_between_points_is_linear() -> None:
    middle = MODEL.ac_power([Power(5500.0)]).w - 100.0
    assert middle == pytest.approx((1250.0 + 10_000 / 0.95) / 2)
    assert MODEL.ac_power([Power(500.0)]).w - 100.0 == pytest.approx(625.0)
    assert MODEL.ac_power([Power(20_000.0)]).w - 100.0 == pytest.approx(20_000 / 0.95)


def test_a_lost_plant_leaves_no_output(rig: Rig) -> None:
    rig.plant(CHARGING)
    rig.connector.stage.command(Voltage(430.0), Current(25.0))
    rig.passes(1.0)
    rig.link.is_alive = False
    rig.plant(PlantState())
    assert rig.connector.stage.measure() == NO_OUTPUT


def test_an_urgent_off_is_off_at_once(rig: Rig) -> None:
    rig.plant(CHARGING)
    rig.connector.stage.command(Voltage(430.0), Current(25.0))
    rig.passes(1.0)
    rig.connector.stage.off(urgent=True)
    assert rig.connector.stage.measure().current == Current(0.0)


def test_insulation_is_measured_only_with_voltage(rig: Rig) -> None:
    monitor = rig.connector.hardware.insulation
    assert monitor.resistance_kohm() is None
    rig.connector.stage.test_insulation(Voltage(500.0))
    rig.passes(1.0)
    assert monitor.resistance_kohm() == HEALTHY_KOHM
    rig.plant(PlantState(prox=True, insulation_kohm=30.0))
    assert monitor.resistance_kohm() == 30.0


def test_the_lock_answers_for_itself_where_the_plant_does_not(rig: Rig) -> None:
    lines = rig.connector.hardware.lines
    lines.lock(True)
    assert lines.read().lock_feedback
    rig.plant(PlantState(lock_feedback=False))
    assert not lines.read().lock_feedback


def test_a_stall_invents_no_energy(rig: Rig) -> None:
    rig.plant(CHARGING)
    rig.connector.stage.command(Voltage(430.0), Current(25.0))
    rig.passes(1.0)
    before = rig.connector.meter.read().energy.wh
    rig.clock.advance(3600.0)
    rig.station.step()
    assert rig.connector.meter.read().energy.wh - before < 10_000 / 3600 * 1.01


def test_closing_leaves_the_output_off(rig: Rig) -> None:
    rig.plant(CHARGING)
    rig.connector.stage.command(Voltage(430.0), Current(25.0))
    rig.passes(1.0)
    rig.station.close()
    assert rig.connector.stage.measure().current == Current(0.0)


def test_the_plant_hears_the_output_every_step_while_energised(rig: Rig) -> None:
    rig.plant(CHARGING)
    rig.connector.stage.command(Voltage(430.0), Current(25.0))
    rig.passes(1.0)
    assert rig.link.orders == {"v_src": 400.0, "i": 25.0}
