"""Days of a station: energy, sessions and utilisation, also over midnight and where a day has 23 or 25 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.domain.station_day import StationDay, bounds, station_days
from cloud.domain.summary import QUARTER, Slot, Summary
from powerctl.core.ids import StationId

HELSINKI = ZoneInfo("Europe/Helsinki")
STATION = StationId("demo-1")
DAY = date(2026, 3, 2)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
Quarters = list[tuple[Slot, Summary]]


def quarter(session: str, after: int, wh: float, kw: float = 10.0, connector: int = 1) -> tuple[Slot, Summary]:
    """The register of a session so many quarters of an hour after midnight."""
    return Slot(STATION, connector, session, MIDNIGHT + after * QUARTER), Summary(1, kw * 1e3, kw * 1e3, wh, None)


def one_day(quarters: Quarters, before: dict[str, float] | None = None, hours: float = 24) -> StationDay:
    now = MIDNIGHT + timedelta(hours=hours)
    (found,) = station_days([DAY], quarters, before or {}, zone=UTC, connectors=2, now=now)
    return found


def test_energy_is_what_the_registers_rose_by() -> None:
    day = one_day([quarter("a", 40, 1_000.0), quarter("a", 41, 3_500.0, 20.0), quarter("b", 41, 500.0, connector=2)])
    assert (day.energy_wh, day.sessions, day.power_max_w) == (4_000.0, 2, 20_000.0)
    assert day.utilisation == 3 / (2 * 96)


def test_a_session_over_midnight_counts_on_both_days_with_its_part() -> None:
    quarters = [quarter("a", 95, 8_000.0), quarter("a", 96, 9_000.0)]
    now = MIDNIGHT + timedelta(days=2)
    days = [DAY + timedelta(days=1), DAY]
    after, before = station_days(days, quarters, {"a": 7_000.0}, zone=UTC, connectors=2, now=now)
    assert (before.energy_wh, after.energy_wh) == (1_000.0, 1_000.0)
    assert (before.sessions, after.sessions) == (1, 1)


def test_who_is_plugged_in_without_power_uses_nothing() -> None:
    day = one_day([quarter("a", 10, 500.0, kw=0.0), quarter("a", 11, 500.0, kw=0.0)], {"a": 500.0})
    assert (day.energy_wh, day.sessions, day.utilisation) == (0.0, 0, 0.0)


def test_a_day_that_is_not_over_is_counted_so_far() -> None:
    used = [quarter("a", number, 100.0 * number) for number in range(4)]
    assert one_day(used, hours=1).utilisation == 4 / (2 * 4)
    assert one_day(used[:1], hours=0.1).utilisation == 1 / 2
    assert one_day([], hours=0).utilisation == 0.0


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (DAY, 24)])
def test_a_day_is_as_long_as_its_time_zone_says(day: date, hours: int) -> None:
    start, end = bounds(day, HELSINKI)
    assert end - start == timedelta(hours=hours)
    quarters = [
        (Slot(STATION, 1, "a", start), Summary(1, 1.0, 1.0, 1.0, None)),
        (Slot(STATION, 1, "a", end - QUARTER), Summary(1, 1.0, 1.0, 2.0, None)),
    ]
    (found,) = station_days([day], quarters, {}, zone=HELSINKI, connectors=1, now=end + QUARTER)
    assert (found.energy_wh, found.utilisation) == (2.0, 2 / (hours * 4))


@given(st.lists(st.floats(0, 500), max_size=300), st.floats(0, 1e5))
def test_whatever_is_sold_is_counted_once(steps: list[float], begun: float) -> None:
    register, quarters = begun, []
    for number, step in enumerate(steps):
        register += step
        quarters.append(quarter("a", number, register))
    days = [DAY + timedelta(days=number) for number in range(4)]
    found = station_days(days, quarters, {"a": begun}, zone=UTC, connectors=1, now=MIDNIGHT + timedelta(days=4))
    assert sum(day.energy_wh for day in found) == pytest.approx(register - begun, abs=1e-3)
    assert all(0 <= day.utilisation <= 1 for day in found)
