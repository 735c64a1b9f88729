"""SunSpec's own controls on virtual time: set-point with reversion, permission, return, operation."""

from __future__ import annotations

from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from powerctl.signals import controls
from powerctl.signals.arbitration import Contribution, arbitrate
from powerctl.signals.controls import Commissioned
from powerctl.signals.pdu import Code, Refused
from powerctl.signals.sources.flexible_return import ReturnRules
from tests.unit.signals.station import RATING

COMMISSIONED = Commissioned(RATING, 0, address=3, source=LimitSource.DSO, settle_s=2.0)


class Story:
    """What a client writes, what time does, and what the controls then ask for."""

    def __init__(self, commissioned: Commissioned = COMMISSIONED, **saved: int) -> None:
        self.now = 0.0
        self.controls = controls.opened(commissioned, saved)

    def writes(self, model: int, **points: int) -> Self:
        values = {f"{model}.{name}": value for name, value in points.items()}
        self.controls = controls.written(self.controls, values, Monotonic(self.now))
        return self

    def passes(self, seconds: float) -> Self:
        self.now += seconds
        self.controls = controls.expired(self.controls, Monotonic(self.now))
        return self

    @property
    def asked(self) -> list[Contribution]:
        return list(controls.contributions(self.controls))

    def draws(self, watts: float | None) -> Self:
        wishes = [c.setpoint.w for c in self.asked if c.setpoint is not None]
        assert wishes == ([] if watts is None else [watts])
        return self

    def shows(self, path: str, value: int) -> Self:
        assert controls.readback(self.controls, Monotonic(self.now))[path] == value
        return self


def test_nothing_is_asked_for_at_start() -> None:
    assert Story().asked == []


def test_a_set_point_counts_while_it_is_enabled() -> None:
    Story().writes(704, WSet=-8000).draws(None).writes(704, WSetEna=1).draws(8000).writes(704, WSetEna=0).draws(None)


def test_a_set_point_speaks_for_the_source_that_may_write_it() -> None:
    (asked,) = Story().writes(704, WSet=-8000, WSetEna=1).asked
    assert (asked.source, asked.settle_s) == (LimitSource.DSO, 2.0)
    assert asked.detail == "The grid operator asks the station to draw 8.0 kW."


def test_rev_1_a_set_point_reverts_when_nobody_renews_it() -> None:
    story = Story().writes(704, WSet=-8000, WSetRvrt=-4000, WSetEnaRvrt=1, WSetRvrtTms=60, WSetEna=1)
    story.passes(59.9).draws(8000).passes(0.1).draws(4000)
    story.shows("704.WSet", -4000).shows("704.WSetEna", 1).shows("704.WSetRvrtRem", 0)


def test_a_reversion_may_end_the_set_point() -> None:
    story = Story().writes(704, WSet=-8000, WSetEnaRvrt=0, WSetRvrtTms=60, WSetEna=1)
    story.passes(60).draws(None).shows("704.WSetEna", 0)


def test_rev_2_the_remaining_time_counts_down_and_a_write_extends_it() -> None:
    story = Story().writes(704, WSet=-8000, WSetRvrtTms=60, WSetEna=1)
    story.passes(20).shows("704.WSetRvrtRem", 40)
    story.writes(704, WSetRvrtTms=60).shows("704.WSetRvrtRem", 60).passes(59).draws(8000).passes(1).draws(None)


def test_rev_3_writing_0_cancels_the_reversion() -> None:
    story = Story().writes(704, WSet=-8000, WSetRvrtTms=60, WSetEna=1).writes(704, WSetRvrtTms=0)
    story.shows("704.WSetRvrtRem", 0).passes(1e6).draws(8000)


@pytest.mark.parametrize("point", [{"WSet": -7000}, {"WSetEna": 1}, {"WSetRvrt": -1}, {"WSetMod": 1}])
def test_a_write_to_any_of_its_points_renews_the_set_point(point: dict[str, int]) -> None:
    story = Story().writes(704, WSet=-8000, WSetRvrtTms=60, WSetEna=1).passes(50).writes(704, **point)
    story.shows("704.WSetRvrtRem", 60)


def test_a_write_elsewhere_does_not_renew_it() -> None:
    story = Story().writes(704, WSet=-8000, WSetRvrtTms=60, WSetEna=1).passes(50)
    story.writes(715, ControllerHb=9).writes(702, WChaRteMax=22_000).shows("704.WSetRvrtRem", 10)


def test_no_timer_runs_while_the_set_point_is_disabled() -> None:
    story = Story().writes(704, WSetRvrtTms=60)
    assert controls.deadline(story.controls) is None
    assert controls.deadline(story.writes(704, WSetEna=1).controls) == Monotonic(60)


def test_a_station_without_a_control_slot_takes_no_set_point() -> None:
    nobody = Commissioned(RATING, 0)
    assert Story(nobody).writes(704, WSet=-8000, WSetEna=1).asked == []


def test_without_permission_nothing_is_drawn() -> None:
    (asked,) = Story().writes(703, ES=0).asked
    assert (asked.cap, asked.command) == (Power(0), Command.PAUSE)
    assert Story().writes(703, ES=0).writes(703, ES=1).asked == []


def test_the_times_of_the_return_are_those_of_703() -> None:
    story = Story().writes(703, ESDlyTms=30, ESRndTms=600, ESRmpTms=60)
    assert story.controls.return_rules == ReturnRules(30, 600, 60)


def test_operation_stops_and_starts() -> None:
    (asked,) = Story().writes(715, OpCtl=controls.STOP).asked
    assert (asked.cap, asked.command) == (Power(0), Command.PAUSE)
    assert Story().writes(715, OpCtl=controls.STOP).writes(715, OpCtl=controls.START).asked == []
    assert Story().writes(715, OpCtl=controls.ENTER_STANDBY).writes(715, OpCtl=controls.EXIT_STANDBY).asked == []


@pytest.mark.parametrize("command", [controls.ENTER_STANDBY, controls.EXIT_STANDBY])
def test_only_a_start_ends_a_stop(command: int) -> None:
    stopped = Story().writes(715, OpCtl=controls.STOP)
    with pytest.raises(Refused) as refused:
        stopped.writes(715, OpCtl=command)
    assert refused.value.code is Code.ILLEGAL_VALUE
    stopped.shows("715.OpCtl", controls.STOP)


def test_the_persistent_cap_binds_below_the_rating() -> None:
    (asked,) = Story().writes(702, WChaRteMax=11_000).asked
    assert (asked.cap, asked.source) == (Power(11_000), LimitSource.HARDWARE)
    with pytest.raises(Refused):
        Story().writes(702, WChaRteMax=22_001)


def test_what_persists_comes_back_and_the_rest_does_not() -> None:
    story = Story().writes(715, OpCtl=controls.STOP).writes(703, ESRndTms=600).writes(704, WSet=-1, WSetEna=1)
    again = Story(COMMISSIONED, **controls.persistent(story.controls))
    again.shows("715.OpCtl", controls.STOP).shows("703.ESRndTms", 600).shows("704.WSetEna", 0).shows("1.DA", 3)


def test_a_saved_cap_beyond_the_rating_is_the_rating() -> None:
    saved = {controls.CHARGE_RATE: 99_999}
    assert Story(COMMISSIONED, **saved).shows(controls.CHARGE_RATE, 22_000).asked == []


def test_a_connector_has_a_cap_and_a_priority() -> None:
    story = Story().writes(64302, **{"Con.1.LimW": 7000, "Con.0.Pri": 1})
    (cap,) = story.controls.connector_caps.values()
    assert (cap.limit, cap.source) == (Power(7000), LimitSource.DSO)
    assert cap.detail == "The grid operator limits this connector to 7.0 kW."
    assert list(story.controls.connector_caps) == [2]
    assert story.controls.connector_priorities == {1: 1, 2: controls.LOWEST_PRIORITY}
    with pytest.raises(Refused):
        story.writes(64302, **{"Con.0.LimW": 22_001})


def test_larger_stations_count_in_larger_units() -> None:
    large = Story(Commissioned(Power(150_000), 1, source=LimitSource.EMS))
    large.shows(controls.CHARGE_RATE, 15_000).writes(704, WSet=-5000, WSetEna=1).draws(50_000)


@given(
    st.integers(-0x7FFFFFFF, 0),
    st.integers(0, 22_000),
    st.sampled_from([0, 1]),
    st.sampled_from([0, 1, 2]),
    st.booleans(),
)
def test_no_control_lifts_the_cap_of_another(
    set_point: int, charge_rate: int, permit: int, operation: int, enabled: bool
) -> None:
    story = Story().writes(702, WChaRteMax=charge_rate).writes(703, ES=permit)
    story.writes(704, WSet=set_point, WSetEna=int(enabled)).writes(715, OpCtl=operation)
    cap = arbitrate(RATING, story.asked).cap.w
    bounds = [float(charge_rate), 22_000.0 * permit, 22_000.0 * (operation == controls.START)]
    assert cap == min([*bounds, *([float(-set_point)] if enabled else [])])
