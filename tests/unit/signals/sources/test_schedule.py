"""Caps and prices ahead of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.schedule import Entry, Schedule, ScheduleSource
from powerctl.signals.sources.source import Foreseen

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
CAPS = (None, 11_000, 11_000, 4_200)


def schedule(*caps: float | None) -> Schedule:
    entries = tuple(Entry(None if cap is None else Power(cap), Decimal(n)) for n, cap in enumerate(caps or CAPS))
    return Schedule(LimitSource.OPERATOR, NOON, 900, entries, "EUR")


def at(minutes: float) -> Stamp:
    return Stamp(Monotonic(1000 + 60 * minutes), NOON + timedelta(minutes=minutes))


def source(adopted: Schedule | None = None) -> ScheduleSource:
    made = ScheduleSource()
    made.adopt(adopted or schedule())
    return made


@pytest.mark.parametrize(
    ("minutes", "cap_w"), [(-1, None), (0, None), (14.9, None), (15, 11_000), (45, 4_200), (59.9, 4_200), (60, None)]
)
def test_each_entry_limits_in_its_own_interval_only(minutes: float, cap_w: float | None) -> None:
    caps = [limit.cap for limit in source().contributions(at(minutes))]
    assert caps == ([] if cap_w is None else [Power(cap_w)])


def test_a_limit_is_told_to_last_until_it_changes() -> None:
    (limit,) = source().contributions(at(16))
    assert limit.until == NOON + timedelta(minutes=45)
    assert limit.detail == "The schedule limits the station to 11.0 kW until 12:45 UTC."


@pytest.mark.parametrize(("minutes", "change"), [(-5, 0), (0, 15), (20, 30), (59, 60), (60, None)])
def test_it_is_looked_at_again_when_the_next_entry_begins(minutes: float, change: float | None) -> None:
    assert source().deadline(at(minutes)) == (None if change is None else at(change).now)


def test_a_step_of_the_wall_clock_moves_the_deadline() -> None:
    stepped = Stamp(Monotonic(1000), NOON + timedelta(minutes=14))
    assert source().deadline(stepped) == Monotonic(1060)


def test_caps_and_prices_are_foreseen() -> None:
    made = source()
    assert made.foreseen(NOON + timedelta(minutes=50)) == Foreseen(Power(4_200), Decimal(3), "EUR")
    assert made.foreseen(NOON + timedelta(hours=2)) == Foreseen()


def test_a_new_schedule_replaces_the_old_one_as_a_whole() -> None:
    made = source()
    made.adopt(schedule(3_000))
    assert [c.cap for c in made.contributions(at(1))] == [Power(3_000)]
    made.adopt(None)
    assert list(made.contributions(at(1))) == []
    assert (made.schedule, made.deadline(at(1)), made.foreseen(NOON)) == (None, None, Foreseen())


@pytest.mark.parametrize(("entries", "interval"), [(0, 900), (97, 900), (1, 0)])
def test_a_schedule_that_makes_no_sense_is_none(entries: int, interval: float) -> None:
    with pytest.raises(ValueError, match=r"interval|entries"):
        Schedule(LimitSource.EMS, NOON, interval, (Entry(),) * entries)
