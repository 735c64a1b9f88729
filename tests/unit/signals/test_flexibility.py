"""What could be shifted, what was curtailed, and what is known ahead."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from powerctl.core.clock import Monotonic
from powerctl.core.session import Flexibility
from powerctl.core.units import Energy, Power
from powerctl.runtime import clock_quality
from powerctl.runtime.clock_quality import Quality
from powerctl.signals.flexibility import (
    MAX_STEP_S,
    Curtailed,
    ahead,
    baseline,
    counted,
    departures,
    needed_wh,
    needs,
    next_cap,
    response,
)
from powerctl.signals.sources.flexible_return import ReturnRules
from powerctl.signals.sources.schedule import Entry, Schedule
from tests.unit.signals.slot_story import EPOCH, SlotStory
from tests.unit.signals.station import SLOT_0, Station, play
from tests.unit.signals.test_telemetry import CAR, NOON, RATING, REPORT, state

LEAF = replace(CAR, capacity=Energy(40_000), soc_percent=75.0)
NEXT = 40576 + 5


def test_a_vehicle_needs_what_is_missing_to_full() -> None:
    assert needed_wh(LEAF) == 10_000
    assert needed_wh(CAR) is None
    assert needed_wh(replace(LEAF, session=None)) is None


def test_a_firm_session_cannot_wait() -> None:
    values = needs(replace(REPORT, connectors=(replace(LEAF, flexibility=Flexibility.FIRM),)))
    assert (values["64301.ReqWh"], values["64301.FlexWh"], values["64302.Con.1.ReqWh"]) == (10_000, None, 10_000)


def test_the_baseline_is_what_vehicles_take_at_most_the_rating() -> None:
    assert baseline(REPORT, RATING) == Power(11_000)
    assert baseline(REPORT, Power(5_000)) == Power(5_000)
    assert baseline(None, RATING) == Power(0)


def test_the_time_to_follow_is_that_of_the_source_and_of_the_return() -> None:
    values = response(state(5_000), REPORT, RATING, ReturnRules(30, 600, 60))
    assert (values["64301.FlexDnMs"], values["64301.FlexUpMs"], values["64301.BaseW"]) == (2_000, 690_000, 11_000)


def count(cap_w: float, drawn_w: float, seconds: float) -> float:
    report = replace(REPORT, ac_power=Power(drawn_w))
    start = counted(Curtailed(), report, state(cap_w), RATING, Monotonic(0))
    return counted(start, report, state(cap_w), RATING, Monotonic(seconds)).wh


def test_what_the_cap_keeps_from_the_vehicles_is_curtailed() -> None:
    assert count(5_000, 5_000, 3.6) == pytest.approx(6.0)


def test_what_the_vehicles_do_not_take_is_not_curtailed() -> None:
    assert count(22_000, 3_000, 3.6) == 0


def test_a_gap_in_the_reports_is_not_counted() -> None:
    assert count(5_000, 5_000, 3_600) == pytest.approx(6_000 * MAX_STEP_S / 3_600)


def known(story: SlotStory, schedule: Schedule | None = None) -> tuple[float, float] | None:
    found = next_cap([story.box], schedule, [], RATING, story.stamp)
    return None if found is None else (found[0].w, (found[1] - story.stamp.utc).total_seconds())


def test_the_end_of_a_limit_is_known_ahead() -> None:
    assert known(SlotStory().beats().limits(9_000, DurTms=30)) == (22_000, 30)


def test_a_reversion_is_known_ahead() -> None:
    assert known(SlotStory().beats().limits(9_000, RvrtW=7_000, RvrtEna=1, RvrtTms=30)) == (7_000, 30)


def test_a_limit_that_begins_later_is_known_ahead() -> None:
    story = SlotStory().beats()
    assert known(story.limits(9_000, StrTms=story.utc_in(60))) == (9_000, 60)


def test_silence_is_not_foreseen() -> None:
    assert known(SlotStory().beats().limits(9_000)) is None
    assert known(SlotStory(heartbeat_timeout_s=10).beats().limits(9_000, DurTms=30)) == (22_000, 30)


def test_a_schedule_is_known_ahead_and_lifts_nothing() -> None:
    entries = (Entry(Power(5_000)), Entry(Power(20_000)))
    schedule = Schedule(state(1).source, EPOCH - timedelta(seconds=840), 900, entries)
    assert known(SlotStory().beats().limits(9_000), schedule) == (9_000, 60)


def test_nothing_known_is_not_implemented() -> None:
    assert ahead(None) == {"64301.NxtW": None, "64301.NxtTms": None}


def test_what_is_ahead_is_shown(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(SLOT_0 + 15, 0)
        await peer.write(SLOT_0 + 8, 0, 30)
        await peer.write(SLOT_0, 9_000)
        await peer.write(SLOT_0 + 21, 1)
        began = EPOCH.timestamp() + asyncio.get_running_loop().time()
        await asyncio.sleep(2)
        watts, high, low = await peer.read(NEXT, 3)
        assert (watts, abs((high << 16 | low) - began - 30) <= 1) == (22_000, True)
        await asyncio.sleep(30)
        assert await peer.read(NEXT, 3) == (0xFFFF, 0xFFFF, 0xFFFF)

    play(story, tmp_path)


def test_the_clock_is_as_good_as_the_kernel_says() -> None:
    assert clock_quality.clock_quality() in set(Quality)


def test_where_the_kernel_does_not_say_the_clock_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_quality, "_library", lambda: None)
    assert clock_quality.clock_quality() is Quality.UNKNOWN


def test_an_expected_departure_is_shown_for_a_vehicle_that_is_there() -> None:
    leaves = NOON + timedelta(minutes=40)
    shown = departures(REPORT, {CAR.connector: leaves})
    assert shown == {"64302.Con.1.DepTms": round(leaves.timestamp())}
    empty = replace(REPORT, connectors=(replace(CAR, session=None),))
    assert departures(empty, {CAR.connector: leaves}) == {"64302.Con.1.DepTms": None}
    assert departures(REPORT, {}) == {"64302.Con.1.DepTms": None}
