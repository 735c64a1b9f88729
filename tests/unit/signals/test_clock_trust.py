"""What starts at a time of day waits for a clock that can be trusted, and what limits does not wait."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from powerctl.runtime.clock_quality import HOLDOVER_S, Quality, Trust, seen
from powerctl.signals.arbitration import arbitrate
from powerctl.signals.mailbox import Stamp
from powerctl.signals.settings import GridSettings
from powerctl.signals.sources.openadr import OpenAdrRules, OpenAdrSource
from powerctl.signals.sources.source import Foreseen
from tests.unit.signals.sources.test_openadr_events import NOON, event
from tests.unit.signals.station import RATING, SLOT_0, Station, grid_settings, play
from tests.unit.signals.test_schedule_over_the_wire import NO_PRICE, REQUEST, RESULT, in_touch, load, long

START, DURATION, ENA, STATE = SLOT_0 + 6, SLOT_0 + 8, SLOT_0 + 21, SLOT_0 + 30
PRICE, UTC_QUALITY = 40576 + 42, 40576 + 39
RULES = OpenAdrRules(RATING, (None, Power(11_000), Power(4_200), Power(0)), emergency=Power(0))


def doubted(**slot: Any) -> GridSettings:
    """A station whose clock nobody vouches for."""
    return grid_settings(port=5020, **slot).model_copy(update={"trust_clock": False})


@pytest.mark.parametrize(
    ("quality", "later_s", "trusted"),
    [
        (Quality.UNKNOWN, 0, False),
        (Quality.FREE_RUNNING, 0, False),
        (Quality.NTP, 0, True),
        (Quality.GNSS, HOLDOVER_S, True),
        (Quality.NTP, HOLDOVER_S + 1, False),
    ],
)
def test_a_clock_is_trusted_while_it_is_synchronised_and_a_day_beyond(
    quality: Quality, later_s: float, trusted: bool
) -> None:
    assert seen(Trust(), quality, Monotonic(0)).holds(Monotonic(later_s)) is trusted
    assert Trust(always=True).holds(Monotonic(later_s))


def test_a_schedule_waits_for_the_clock_and_applies_when_it_is_trusted_again(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await in_touch(station)
        await load(peer, 0, (9000, 120), (5000, NO_PRICE))
        await peer.write(REQUEST, 1)
        assert await peer.read(RESULT) == (1,)
        await asyncio.sleep(2)
        assert station.cap_w == 22_000
        assert await peer.read(PRICE) == (NO_PRICE,)
        assert await peer.read(UTC_QUALITY) == (Quality.FREE_RUNNING,)
        assert station.signals.foreseen(station.signals._stamp().utc) == Foreseen()
        station.quality = Quality.NTP
        await asyncio.sleep(1.25)
        assert (station.cap_w, station.states[-1].source) == (9000, LimitSource.SCHEDULE)
        assert await peer.read(PRICE) == (120,)
        station.quality = Quality.FREE_RUNNING
        await asyncio.sleep(60)
        assert station.cap_w == 5000

    play(story, tmp_path, doubted())


async def dim_later(station: Station, start_s: float, duration_s: int) -> Any:
    peer = await in_touch(station)
    start = int((station.signals._stamp().utc + timedelta(seconds=start_s)).timestamp())
    await peer.write(START, *long(start), *long(duration_s))
    await peer.write(SLOT_0, 6000)
    return peer


@pytest.mark.parametrize("start_s", [3600, -3600])
def test_a_limit_with_a_start_holds_at_once_while_the_clock_cannot_be_trusted(tmp_path: Path, start_s: float) -> None:
    async def story(station: Station) -> None:
        await dim_later(station, start_s, 60)
        assert station.cap_w == 6000
        await asyncio.sleep(120)
        assert station.cap_w == 6000

    play(story, tmp_path, doubted())


@pytest.mark.parametrize(("start_s", "cap_w", "state"), [(3600, 22_000, 1), (-10, 6000, 2), (-3600, 22_000, 1)])
def test_its_own_time_holds_as_soon_as_the_clock_is_trusted(
    tmp_path: Path, start_s: float, cap_w: float, state: int
) -> None:
    async def story(station: Station) -> None:
        peer = await dim_later(station, start_s, 60)
        station.quality = Quality.NTP
        await asyncio.sleep(1.25)
        assert station.cap_w == cap_w
        assert await peer.read(STATE) == (state,)
        await asyncio.sleep(3580)
        assert station.cap_w == 22_000
        await asyncio.sleep(32)
        assert station.cap_w == (6000 if start_s > 0 else 22_000)

    play(story, tmp_path, doubted())


def openadr(trusted: bool, **head: Any) -> OpenAdrSource:
    made = OpenAdrSource(RULES, lambda: 0.5)
    limits = event(("IMPORT_CAPACITY_LIMIT", 9), **head)
    assert made.received([limits, event(("ALERT_GRID_EMERGENCY", "x")) | {"id": "later"}], stamp(0, trusted)) == []
    return made


def stamp(minutes: float, trusted: bool) -> Stamp:
    return Stamp(Monotonic(60 * minutes), NOON + timedelta(minutes=minutes), trusted)


def test_intervals_of_openadr_wait_for_the_clock_and_an_emergency_does_not() -> None:
    made = openadr(trusted=False)
    doubtful = made.contributions(stamp(1, trusted=False))
    assert [one.command for one in doubtful] == [Command.EMERGENCY]
    assert made.foreseen(NOON + timedelta(minutes=1)) == Foreseen()
    made = openadr(trusted=True)
    assert arbitrate(RATING, made.contributions(stamp(16, trusted=True))).cap == RATING
    assert made.foreseen(NOON + timedelta(minutes=1)).cap == Power(9000)


@pytest.mark.parametrize("start", [{}, {"start": "0001-01-01T00:00:00Z"}])
def test_what_starts_at_once_needs_no_clock(start: dict[str, str]) -> None:
    made = openadr(trusted=False, intervalPeriod={**start, "duration": "PT15M"})
    assert [one.cap for one in made.contributions(stamp(1, trusted=False))] == [Power(9000), Power(0)]
