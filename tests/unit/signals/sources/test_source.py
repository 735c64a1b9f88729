"""The collection of sources: what they ask for together, and what the evidence hears."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from powerctl.core.clock import Monotonic
from powerctl.core.record import GridEventKind
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from powerctl.signals.arbitration import Contribution
from powerctl.signals.lpc import State
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.flexible_return import ReturnRules
from powerctl.signals.sources.schedule import Entry, Schedule, ScheduleSource
from powerctl.signals.sources.source import Foreseen, Sources
from tests.unit.signals.slot_story import PEER
from tests.unit.signals.station import EPOCH, Station, play

STAMP = Stamp(Monotonic(0), EPOCH)


class Said:
    """A source that asks for what it is told to."""

    def __init__(self, *asked: Contribution) -> None:
        self.asked = asked

    def contributions(self, stamp: Stamp) -> Sequence[Contribution]:
        return self.asked

    def deadline(self, stamp: Stamp) -> Monotonic | None:
        return None


def cap(watts: float, source: LimitSource = LimitSource.LOCAL_CONTACT) -> Contribution:
    return Contribution(source, f"{watts:.0f} W, please.", cap=Power(watts))


def heard(sources: Sources) -> list[tuple[GridEventKind, float]]:
    return [(event.kind, event.cap.w) for event in sources.news(STAMP, None)]


def test_the_evidence_hears_each_limit_once_and_its_release() -> None:
    sources, said = Sources(), Said()
    sources.add(said)
    assert heard(sources) == []
    said.asked = (cap(4_200),)
    assert heard(sources) == [(GridEventKind.RECEIVED, 4_200)]
    assert heard(sources) == []
    said.asked = (cap(3_000),)
    assert heard(sources) == [(GridEventKind.RECEIVED, 3_000)]
    said.asked = ()
    assert heard(sources) == [(GridEventKind.RELEASED, 3_000)]


def test_a_pause_is_a_limit_of_nothing_and_a_failsafe_is_called_one() -> None:
    sources = Sources()
    sources.add(Said(Contribution(LimitSource.AGGREGATOR, "", command=Command.PAUSE), cap(8_000, LimitSource.FAILSAFE)))
    assert heard(sources) == [(GridEventKind.RECEIVED, 0), (GridEventKind.FAILSAFE, 8_000)]


def test_a_limit_that_follows_a_measurement_is_told_when_it_begins_and_ends() -> None:
    sources, said = Sources(), Said(cap(9_000, LimitSource.SITE_METER))
    sources.add(said)
    assert heard(sources) == [(GridEventKind.RECEIVED, 9_000)]
    said.asked = (cap(8_900, LimitSource.SITE_METER),)
    assert heard(sources) == []


def test_the_lowest_cap_and_the_first_price_are_foreseen() -> None:
    sources = Sources()
    for watts, price in ((None, None), (9_000, "0.30"), (4_000, "0.10")):
        source = ScheduleSource()
        entry = Entry(None if watts is None else Power(watts), None if price is None else Decimal(price))
        source.adopt(Schedule(LimitSource.OPERATOR, EPOCH, 900, (entry,)))
        sources.add(source)
    sources.add(Said())
    assert sources.foreseen(EPOCH) == Foreseen(Power(4_000), Decimal("0.30"))


def test_a_source_limits_the_station_in_the_turn_in_which_it_speaks(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        said = Said(cap(3_000))
        speak = station.signals.add_source(said)
        speak()
        assert (station.cap_w, station.states[-1].source) == (3_000, LimitSource.LOCAL_CONTACT)
        said.asked = ()
        speak()
        assert station.states[-1].source is LimitSource.FAILSAFE
        kinds = [event.kind for event in station.events if event.source is LimitSource.LOCAL_CONTACT]
        assert kinds == [GridEventKind.RECEIVED, GridEventKind.APPLIED, GridEventKind.RELEASED]

    play(story, tmp_path)


def test_a_schedule_changes_the_cap_by_time_alone(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        source = ScheduleSource()
        now = EPOCH + timedelta(seconds=asyncio.get_running_loop().time())
        source.adopt(Schedule(LimitSource.OPERATOR, now, 10, (Entry(Power(3_000)), Entry(Power(2_000)))))
        station.signals.add_source(source)()
        assert station.cap_w == 3_000
        await asyncio.sleep(10.1)
        assert station.cap_w == 2_000
        await asyncio.sleep(10)
        assert station.cap_w == 4_200

    play(story, tmp_path)


def test_power_comes_back_after_the_delay_of_the_return_rules(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        said = Said(cap(3_000))
        speak = station.signals.add_source(said)
        station.signals.set_return(ReturnRules(delay_s=30))
        speak()
        said.asked = ()
        speak()
        assert (station.cap_w, station.states[-1].source) == (3_000, LimitSource.RAMP)
        await asyncio.sleep(29)
        assert station.cap_w == 3_000
        await asyncio.sleep(1.1)
        assert (station.cap_w, station.states[-1].source) == (4_200, LimitSource.FAILSAFE)

    play(story, tmp_path)


def test_a_peer_that_the_station_asks_itself_commands_its_slot(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        assert station.signals.submit(0, {"Hb": 1}, PEER) is State.INIT
        assert station.signals.submit(0, {"LimW": 9_000, "Ena": 1}, PEER) is State.LIMITED
        assert (station.cap_w, station.states[-1].source) == (9_000, LimitSource.DSO)
        assert station.signals.submit(0, {"LimW": 9_000, "Mode": 9}, PEER) is None
        assert station.signals.submit(2, {"LimW": 1}, PEER) is None

    play(story, tmp_path)
