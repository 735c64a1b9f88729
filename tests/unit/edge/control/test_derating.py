"""A power stage that can do less: the offer falls, the lease's own demands are never deferred."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.control.derating import Derating, bounded, derating, is_news
from edge.control.lease import Grant
from edge.hardware.ports import StageCapability
from powerctl.core.clock import Monotonic
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Current, Power, Voltage
from tests.unit.edge.control.rig import ConnectorStory, in_virtual_time

NOW = Monotonic(10.0)
HALF = StageCapability(Power(11_000.0), Current(30.0), "1 of 2 power modules work.")
VOLTS = Voltage(360.0)


def a_grant(limit_w: float, settle_by: float | None = None) -> Grant:
    return Grant(Power(limit_w), Command.RUN, None if settle_by is None else Monotonic(settle_by), (), True)


def test_power_and_current_both_bound() -> None:
    assert derating(HALF, VOLTS, NOW) == Derating(Power(10_800.0), HALF.detail, None)
    low = StageCapability(Power(5000.0), Current(30.0), "x.", settle_s=5.0)
    assert derating(low, VOLTS, NOW) == Derating(Power(5000.0), "x.", Monotonic(15.0))


def test_a_stage_that_is_whole_bounds_nothing() -> None:
    assert derating(None, VOLTS, NOW) is None
    assert derating(StageCapability(Power(22_000.0), Current(60.0), ""), VOLTS, NOW) is None


def test_only_what_changes_the_offer_is_news() -> None:
    here = Derating(Power(10_800.0), "x.", None)
    assert is_news(None, here)
    assert is_news(here, None)
    assert not is_news(here, Derating(Power(10_805.0), "y.", None))
    assert is_news(here, Derating(Power(10_800.0), "x.", NOW))
    assert not is_news(None, None)


@given(st.floats(0, 22_000), st.none() | st.floats(0, 30), st.floats(0, 22_000), st.none() | st.floats(0, 30))
def test_a_derating_never_raises_or_defers_what_the_lease_demands(
    grant_w: float, grant_by: float | None, own_w: float, own_by: float | None
) -> None:
    present = Derating(Power(own_w), "x.", None if own_by is None else Monotonic(own_by))
    limit, settle_by = bounded(a_grant(grant_w, grant_by), present, Power(22_000.0))
    assert limit.w <= min(grant_w, max(own_w, 0.0)) + 1e-9 or limit.w == grant_w <= own_w
    if grant_w < 22_000.0 and grant_by is None:
        assert settle_by is None
    if grant_by is not None and settle_by is not None:
        assert settle_by <= max(grant_by, own_by or 0.0)


def test_a_lease_that_is_kept_already_leaves_the_stage_its_own_time() -> None:
    present = Derating(Power(11_000.0), "x.", Monotonic(15.0))
    assert bounded(a_grant(22_000, None), present, Power(22_000.0)) == (Power(11_000.0), Monotonic(15.0))
    assert bounded(a_grant(5_000, None), present, Power(22_000.0)) == (Power(5_000.0), None)


def test_a_lost_module_lowers_the_offer_and_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with ConnectorStory(tmp_path) as world:
            await world.charges_at_will()
            monkeypatch.setattr(world.hardware.stage, "capability", lambda: HALF)
            await world.passes(1.0)
            snapshot = world.connector.snapshot()
            assert snapshot.max_power <= Power(11_000.0)
            assert snapshot.reasons[0].source is LimitSource.MODULES
            assert "1 of 2 power modules work" in snapshot.reasons[0].detail
            await world.passes(10.0)
            assert world.power_w <= 11_200.0
            assert world.connector.state is ConnectorState.CHARGING
            monkeypatch.setattr(world.hardware.stage, "capability", lambda: None)
            await world.passes(10.0)
            assert world.power_w > 15_000.0

    in_virtual_time(story())


def test_with_too_few_modules_nothing_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with ConnectorStory(tmp_path) as world:
            gone = StageCapability(Power(0.0), Current(0.0), "module 1 does not answer.")
            monkeypatch.setattr(world.hardware.stage, "capability", lambda: gone)
            world.plug()
            await world.passes(0.5)
            world.grants(22_000)
            assert world.connector.start("c-1") == "The power stage cannot charge now: module 1 does not answer."

    in_virtual_time(story())


def test_an_output_that_nobody_knows_ends_the_session_and_keeps_the_plug_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with ConnectorStory(tmp_path) as world:
            await world.charges_at_will()
            monkeypatch.setattr(type(world.hardware.stage), "is_measured", property(lambda _: False))
            await world.passes(2.0)
            assert world.connector.state in (ConnectorState.STOPPING, ConnectorState.FAULTED)
            assert world.power_w == 0.0
            world.connector.switch_off()
            assert world.plant.orders["lock"] == 1

    in_virtual_time(story())
