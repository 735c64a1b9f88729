"""The eight rules for announcing less current while charging, each as a story."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from edge.chademo import effects as fx
from edge.chademo.vehicles import VehicleRule
from edge.sim.models import MODELS
from powerctl.core.session import ConnectorState as State
from powerctl.core.session import Flexibility
from powerctl.core.units import Current
from tests.scenarios.chademo.rig import CONFIG, ORDERLY, PERIOD, Rig

orderly = pytest.mark.parametrize("model", ORDERLY)


def commands(rig: Rig, since: float = 0.0) -> list[float]:
    return [effect.current.a for at, effect in rig.effects if isinstance(effect, fx.CommandOutput) and at >= since]


@orderly
def test_rule_1_the_output_is_the_least_of_request_announcement_and_power_and_rises_at_20_a_s(model: str) -> None:
    rig = Rig(model).plug().offer(15).start().until_state(State.CHARGING)
    for _ in range(60):
        rig.passes(0.1)
        assert rig.station.commanded_a <= rig.station.heard.request_a
        assert rig.station.commanded_a <= rig.announced()[-1][1]
        assert rig.watts <= 15000.0 * 1.001
    assert max(after - before for before, after in pairwise(commands(rig))) <= 2.0 + 1e-9


@orderly
def test_rule_2_the_announcement_goes_first_and_at_10_a_s_until_the_vehicle_has_shown_more(model: str) -> None:
    rig = Rig(model).charging()
    begun, asked_a = rig.now, rig.station.heard.request_a
    rig.offer(4, settle=6)
    for _ in range(40):
        rig.passes(0.1)
        assert abs(rig.station.heard.request_a - rig.power.current_a) <= 10.0
    falling = [(before[1], after[1]) for before, after in pairwise(rig.announced()) if after[0] > begun]
    assert max(min(before, asked_a) - after for before, after in falling) <= 2
    assert rig.vehicle.faults == 0


@orderly
def test_rule_2_an_urgent_decrease_takes_output_and_announcement_down_in_the_same_cycle(model: str) -> None:
    rig = Rig(model).charging().offer(4, settle=None)
    assert rig.station.commanded_a * rig.station.voltage_v <= 4000.0 * 1.001
    rig.passes(0.1)
    assert rig.announced()[-1][1] <= 14


@orderly
def test_rule_3_the_announcement_rises_at_20_a_s_at_most(model: str) -> None:
    rig = Rig(model).charging(kw=4)
    begun = rig.now
    rig.offer(20).passes(8)
    steps = [after[1] - before[1] for before, after in pairwise(rig.announced()) if after[0] > begun]
    assert 0 < max(steps) <= 2


@orderly
def test_rule_4_what_is_measured_is_reported_as_it_is(model: str) -> None:
    rig = Rig(model).charging().until(lambda rig: rig.steps % PERIOD == 0, within=1).offer(5, settle=3)
    for _ in range(30):
        rig.passes(0.1)
        assert rig.station.output.current_a == pytest.approx(rig.power.current_a)
    rig.runaway_a = 3.0
    rig.passes(0.1)
    assert rig.sent[-1][1].current_a == round(rig.power.current_a + 3.0)  # type: ignore[union-attr]


@orderly
def test_rule_5_below_the_smallest_current_there_is_a_pause_and_never_less(model: str) -> None:
    rig = Rig(model).charging()
    floor_a = rig.station.floor_a
    assert floor_a >= max(MODELS[model].min_current_a, 1)
    for kw in (6.0, 3.0, 2.0, 1.5, 0.9):
        rig.offer(kw, settle=3).passes(5)
        announced = rig.announced()[-1][1]
        assert announced == 0 or announced >= floor_a * 0.97


@pytest.mark.parametrize("fault", ["no-follow", "over-asks"])
def test_rule_6_a_request_above_the_announcement_is_clamped_and_no_reason_to_end(fault: str) -> None:
    rig = Rig("leaf40", faulty=(fault,)).set_car(deviation_a=500.0).charging(kw=15).offer(8, settle=2).passes(60)
    assert rig.status.state is State.CHARGING
    assert rig.watts <= 8000.0 * 1.001
    assert rig.station.heard.request_a > rig.announced()[-1][1]


@orderly
def test_rule_7_the_first_announcement_is_what_the_connector_can_really_give(model: str) -> None:
    rig = Rig(model).plug().offer(10).start().until(lambda rig: len(rig.sent) > 20, within=6)
    amperes = {ampere for _, ampere in rig.announced()[5:]}
    target_v = MODELS[model].target_voltage_v
    assert amperes == {-(-10000 // target_v)}


def test_rule_8_a_kind_of_vehicle_can_be_excepted_from_changes() -> None:
    rule = VehicleRule("jdemo", max_voltage_v=MODELS["jdemo"].max_voltage_v, flexibility=Flexibility.FIRM)
    rig = Rig("jdemo", config=replace(CONFIG, rules=(rule,))).charging()
    begun = rig.now
    rig.offer(10, settle=5).passes(4)
    assert len({ampere for at, ampere in rig.announced() if at > begun}) == 1
    assert (rig.status.flexibility, rig.status.rule, rig.status.pause_s) == (Flexibility.FIRM, "jdemo", 0.0)
    assert rig.passes(1.0).watts <= 10000.0 * 1.001


def test_rule_8_leaves_all_other_vehicles_alone() -> None:
    rule = VehicleRule("jdemo", max_voltage_v=410, flexibility=Flexibility.FIRM)
    rig = Rig("leaf40", config=replace(CONFIG, rules=(rule,))).charging().offer(10, settle=5).passes(1)
    assert rig.status.available_current < Current(55.0)
