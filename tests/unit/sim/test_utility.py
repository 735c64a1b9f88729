"""The simulated utility: what it writes, when, and what it says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from powerctl.core.errors import RemoteError
from powerctl.core.setpoint import Command, LimitSource
from powerctl.sim.utility import MAX_COMMANDS, Utility, UtilitySettings, parse
from tests.unit.signals.station import Station, play


class Desk:
    """A utility at work, and what it said."""

    def __init__(self, port: int) -> None:
        self.said: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.commands: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue(MAX_COMMANDS)
        self.utility = Utility(UtilitySettings(port=port, heartbeat_s=1.0), self.said.put_nowait)

    async def hears(self, event: str) -> Mapping[str, Any]:
        async with asyncio.timeout(10):
            while (said := await self.said.get())["event"] != event:
                pass
            return said

    async def does(self, **command: Any) -> Mapping[str, Any]:
        """What it said when the station had acknowledged the command."""
        await self.commands.put(command)
        return await self.hears("acknowledged")


def at_work(story: Callable[[Station, Desk], Awaitable[None]], tmp_path: Path) -> None:
    """Run `story` in virtual time, from the utility's first command on."""

    async def whole(station: Station) -> None:
        desk = Desk(station.signals.port)
        task = asyncio.create_task(desk.utility.run(desk.commands))
        await desk.hears("acknowledged")
        await story(station, desk)
        task.cancel()
        await asyncio.wait([task])

    play(whole, tmp_path)


def test_on_connecting_it_writes_its_first_limit_and_keeps_the_heartbeat(tmp_path: Path) -> None:
    async def story(station: Station, desk: Desk) -> None:
        assert (station.cap_w, station.states[-1].source) == (22_000, LimitSource.HARDWARE)
        await asyncio.sleep(60)
        assert station.cap_w == 22_000

    at_work(story, tmp_path)


def test_it_limits_and_says_when_it_was_acknowledged(tmp_path: Path) -> None:
    async def story(station: Station, desk: Desk) -> None:
        said = await desk.does(do="limit", w=4200)
        assert (said["do"], said["w"], station.cap_w) == ("limit", 4200, 4200)

    at_work(story, tmp_path)


@pytest.mark.parametrize("stop", ["pause", "emergency"])
def test_it_stops_and_releases(tmp_path: Path, stop: str) -> None:
    async def story(station: Station, desk: Desk) -> None:
        await desk.does(do=stop)
        assert station.states[-1].command is Command(stop)
        await desk.does(do="release")
        assert (station.cap_w, station.states[-1].command) == (22_000, Command.RUN)

    at_work(story, tmp_path)


def test_after_an_emergency_it_limits_again(tmp_path: Path) -> None:
    async def story(station: Station, desk: Desk) -> None:
        await desk.does(do="emergency")
        await desk.does(do="limit", w=9000)
        assert (station.cap_w, station.states[-1].command) == (9000, Command.RUN)

    at_work(story, tmp_path)


def test_after_a_cut_it_stays_away_and_then_repeats_its_standing_command(tmp_path: Path) -> None:
    async def story(station: Station, desk: Desk) -> None:
        await desk.does(do="limit", w=9000)
        await desk.commands.put({"do": "cut"})
        await asyncio.sleep(30)
        assert (station.cap_w, station.states[-1].source) == (4200, LimitSource.FAILSAFE)
        await desk.does(do="mend")
        assert station.cap_w == 9000

    at_work(story, tmp_path)


def test_silence_leads_to_failsafe_on_an_open_connection_and_mending_ends_it(tmp_path: Path) -> None:
    async def story(station: Station, desk: Desk) -> None:
        await desk.commands.put({"do": "silence"})
        await asyncio.sleep(30)
        assert station.states[-1].source is LimitSource.FAILSAFE
        await desk.does(do="mend")
        assert station.cap_w == 22_000

    at_work(story, tmp_path)


@pytest.mark.parametrize(
    "line",
    ["", "limit", "[]", '{"do": "explode"}', '{"do": "limit"}x', '{"do": "limit", "w": -1}', '{"do":"limit","w":"a"}'],
)
def test_a_line_that_is_no_command_is_refused(line: str) -> None:
    with pytest.raises(RemoteError):
        parse(line)


def test_prices_go_through_the_schedule_and_an_empty_list_ends_them(tmp_path: Path) -> None:
    async def story(station: Station, desk: Desk) -> None:
        def price() -> float | None:
            told = station.signals.foreseen(datetime.now(UTC)).price
            return None if told is None else float(told)

        assert (await desk.does(do="prices", per_kwh=[0.25, -0.05]))["hours"] == 2
        assert price() == 0.25
        assert station.cap_w == 22_000
        await desk.does(do="prices", per_kwh=[])
        assert price() is None

    at_work(story, tmp_path)


@pytest.mark.parametrize("per_kwh", [None, "0.3", [40.0], [True, None], [0.1] * 49])
def test_prices_that_a_register_cannot_hold_are_refused(per_kwh: object) -> None:
    with pytest.raises(RemoteError, match="price"):
        parse(json.dumps({"do": "prices", "per_kwh": per_kwh}))
