"""Caps of the fleet desk: begin, end, random return and ramp."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from powerctl.core.clock import Monotonic
from powerctl.core.order import SetFleetCap
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.fleet_cap import MOST, FleetCaps

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ORDER = SetFleetCap("d-1", Power(5_000.0), None, NOON + timedelta(minutes=30), 600.0, 0.0)


def at(minutes: float) -> Stamp:
    return Stamp(Monotonic(1_000.0 + 60.0 * minutes), NOON + timedelta(minutes=minutes))


def caps_at(source: FleetCaps, minutes: float) -> list[Power | None]:
    return [one.cap for one in source.contributions(at(minutes))]


def test_a_cap_holds_until_a_random_time_after_its_end() -> None:
    source = FleetCaps()
    assert not source.set(ORDER, 0.5, NOON)
    assert caps_at(source, 0) == caps_at(source, 34.9) == [Power(5_000.0)]
    assert caps_at(source, 35.1) == []
    (held,) = source.contributions(at(1))
    assert (held.source, held.until) == (LimitSource.AGGREGATOR, NOON + timedelta(minutes=30))
    assert "after a delay" in source.contributions(at(31))[0].detail
    assert source.deadline(at(0)) == Monotonic(1_000.0 + 1_800.0)
    assert source.deadline(at(31)) == Monotonic(1_000.0 + 2_100.0)
    assert source.deadline(at(36)) is None


def test_one_for_later_is_foreseen_and_does_not_bind_yet() -> None:
    source = FleetCaps()
    source.set(replace(ORDER, start_time=NOON + timedelta(minutes=10)), 0.0, NOON)
    assert caps_at(source, 5) == []
    assert caps_at(source, 10) == [Power(5_000.0)]
    assert source.foreseen(NOON + timedelta(minutes=11)).cap == Power(5_000.0)
    assert source.foreseen(NOON).cap is None


def test_power_returns_on_the_fleets_ramp() -> None:
    source = FleetCaps()
    source.set(replace(ORDER, ramp_up_w_s=50.0), 0.0, NOON)
    (after,) = source.contributions(at(31))
    assert (after.cap, after.ramp_up_w_s) == (None, 50.0)
    assert source.contributions(at(61)) == []


def test_the_same_dispatch_again_keeps_its_place_in_the_return() -> None:
    source = FleetCaps()
    source.set(ORDER, 0.5, NOON)
    source.set(replace(ORDER, cap=Power(4_000.0)), 0.9, NOON)
    assert caps_at(source, 34.9) == [Power(4_000.0)]
    assert caps_at(source, 35.1) == []


def test_ending_it_brings_power_back_as_its_end_does() -> None:
    source = FleetCaps()
    source.set(ORDER, 0.5, NOON)
    source.end("d-1", NOON + timedelta(minutes=2))
    assert caps_at(source, 6.9) == [Power(5_000.0)]
    assert caps_at(source, 7.1) == []
    source.end("unknown", NOON)


def test_one_that_has_not_begun_is_taken_back_without_a_trace() -> None:
    source = FleetCaps()
    source.set(replace(ORDER, start_time=NOON + timedelta(minutes=10)), 0.5, NOON)
    source.end("d-1", NOON)
    assert source.caps == {}


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (replace(ORDER, end_time=NOON), "over"),
        (replace(ORDER, end_time=NOON + timedelta(days=3)), "two days"),
        (replace(ORDER, start_time=NOON + timedelta(hours=1)), "begins before"),
    ],
)
def test_what_makes_no_sense_is_refused(order: SetFleetCap, why: str) -> None:
    assert why in FleetCaps().set(order, 0.0, NOON)


def test_so_many_caps_and_no_more() -> None:
    source = FleetCaps()
    for number in range(MOST):
        assert not source.set(replace(ORDER, dispatch=f"d-{number}"), 0.0, NOON)
    assert source.set(replace(ORDER, dispatch="x"), 0.0, NOON)
