"""A lower limit, and every kind of vehicle: who can be lowered is lowered in time and goes on, the rest is clamped."""

from __future__ import annotations

import pytest

from edge.sim.models import MODELS
from powerctl.core.session import ConnectorState as State
from powerctl.core.session import Flexibility
from tests.scenarios.chademo.rig import ORDERLY, Rig

SETTLE_S = 5.0
HEARD = tuple(name for name, model in MODELS.items() if not model.extended_ids)
STIFF = ("jdemo", "leaf-ze0")


def test_the_zoo_is_complete() -> None:
    assert set(MODELS) == {*ORDERLY, *STIFF, "stubborn", "extended"}


@pytest.mark.parametrize("kw", [12.0, 6.0, 3.0])
@pytest.mark.parametrize("model", [*ORDERLY, "stubborn"])
def test_who_can_be_lowered_is_lowered_within_the_settle_time_without_a_fault(model: str, kw: float) -> None:
    rig = Rig(model, soc=30).charging().offer(kw, settle=SETTLE_S).passes(SETTLE_S)
    assert rig.watts <= kw * 1001.0
    rig.passes(30)
    assert (rig.status.state, rig.faults, rig.vehicle.faults) == (State.CHARGING, set(), 0)
    assert rig.gives(kw * 1000.0)
    assert rig.station.heard.request_a <= rig.announced()[-1][1]
    assert rig.status.obeys is not False


@pytest.mark.parametrize("model", STIFF)
def test_who_cannot_be_lowered_is_clamped_when_the_settle_time_ends(model: str) -> None:
    rig = Rig(model, soc=30).charging().offer(6, settle=SETTLE_S).passes(SETTLE_S)
    assert rig.watts <= 6000.0 * 1.001
    rig.until_state(State.FINISHED, within=30)
    assert (rig.d1, rig.d2, rig.locked) == (False, False, False)


@pytest.mark.parametrize("model", HEARD)
def test_measured_current_falls_within_the_modules_own_slope_after_an_emergency(model: str) -> None:
    rig = Rig(model, soc=30).charging()
    before = rig.power.current_a
    rig.offer(4, settle=None).passes(0.4)
    assert before > 30.0
    assert rig.watts <= 4000.0 * 1.001


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("leaf40", Flexibility.FAST),
        ("leaf24", Flexibility.FAST),
        ("env200", Flexibility.FAST),
        ("outlander", Flexibility.FAST),
        ("imiev", Flexibility.SLOW),
        ("kit225", Flexibility.SLOW),
        ("jdemo", Flexibility.SLOW),
        ("leaf-ze0", Flexibility.SLOW),
    ],
)
def test_flexibility_before_anything_was_seen_is_what_the_vehicle_declares(model: str, expected: Flexibility) -> None:
    assert Rig(model).charging().status.flexibility is expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("leaf40", Flexibility.FAST),
        ("imiev", Flexibility.FAST),
        ("outlander", Flexibility.FAST),
        ("kit225", Flexibility.SLOW),
        ("leaf-ze0", Flexibility.SLOW),
    ],
)
def test_flexibility_after_a_step_is_what_the_vehicle_has_shown(model: str, expected: Flexibility) -> None:
    rig = Rig(model, soc=30).set_car(deviation_a=500.0).charging().offer(6, settle=None).passes(8)
    assert rig.status.flexibility is expected
    assert rig.status.obeys is (model != "leaf-ze0")


@pytest.mark.parametrize("model", ORDERLY)
def test_a_whole_charge_follows_the_published_curve_to_its_end(model: str) -> None:
    rig = Rig(model, soc=96).set_car(full_percent=97.0).charging()
    rig.until_state(State.FINISHED, within=900)
    assert rig.vehicle.why == "The battery is full."
    assert rig.faults == set()
