"""Statements of the LPC High-Level Test Specification that are about a slot and its registers, not about states.

Those about states stand in `test_lpc.py`; 030, what a utility owes after it connects, with the simulated utility.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from powerctl.signals.lpc import Autonomy, State
from powerctl.signals.mailbox import Result
from tests.unit.signals.slot_story import SlotStory
from tests.unit.signals.station import HEARTBEAT, SLOT_0, Station, play

ENA, MODE, FSW, FSTMS, STATE = SLOT_0 + 21, SLOT_0 + 20, SLOT_0 + 14, SLOT_0 + 16, SLOT_0 + 30
WRITTEN, REFUSED = 0x10, 0x90
STATION_HEARTBEAT = 40616


def seconds(number: int) -> tuple[int, int]:
    return number >> 16, number & 0xFFFF


def test_001_and_035_1_a_limit_is_at_least_zero_and_a_negative_one_is_refused(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        assert (await peer.write(SLOT_0, 0))[0] == WRITTEN
        before = await peer.read(SLOT_0)
        # -1 as a client with signed registers sends it; also the value for "not implemented".
        assert (await peer.write(SLOT_0, 0xFFFF)) == bytes((REFUSED, 3))
        assert await peer.read(SLOT_0) == before

    play(story, tmp_path)


def test_003_and_005_what_cannot_be_applied_is_refused_and_the_limit_in_force_holds(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(SLOT_0, 9000)
        await peer.write(ENA, 1)
        assert (await peer.write(MODE, 9)) == bytes((REFUSED, 3))
        assert station.cap_w == 9000

    play(story, tmp_path)


def test_006_a_heartbeat_within_the_time_keeps_the_source_in_touch() -> None:
    story = SlotStory(heartbeat_timeout_s=120).limits(9000)
    for _ in range(20):
        story.passes(60).beats().is_in(State.LIMITED)


def test_007_the_station_beats_at_least_every_60_s(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        for _ in range(3):
            before = await peer.read(STATION_HEARTBEAT)
            await asyncio.sleep(2)
            assert await peer.read(STATION_HEARTBEAT) != before

    play(story, tmp_path)


def test_009_2_after_a_restart_the_limit_reads_as_deactivated(tmp_path: Path) -> None:
    async def limit(station: Station) -> None:
        peer = await station.connect()
        await peer.write(SLOT_0, 9000)
        await peer.write(ENA, 1)
        assert await peer.read(ENA) == (1,)

    async def again(station: Station) -> None:
        peer = await station.connect()
        assert await peer.read(ENA) == (0,)
        assert station.cap_w == 4200

    play(limit, tmp_path)
    play(again, tmp_path)


@pytest.mark.parametrize(("hours", "answer"), [(2, WRITTEN), (24, WRITTEN)])
def test_012_to_014_the_duration_of_the_failsafe_is_the_sources_to_set_from_2_to_24_h(
    tmp_path: Path, hours: int, answer: int
) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        assert (await peer.write(FSTMS, *seconds(hours * 3600)))[0] == answer
        assert await peer.read(FSTMS, 2) == seconds(hours * 3600)

    play(story, tmp_path)


@pytest.mark.parametrize("duration_s", [0, 7199, 86_401, 0xFFFFFFFF])
def test_015_and_016_another_duration_of_the_failsafe_is_refused_and_the_old_one_stays(
    tmp_path: Path, duration_s: int
) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        assert await peer.write(FSTMS, *seconds(duration_s)) == bytes((REFUSED, 3))
        assert await peer.read(FSTMS, 2) == seconds(7200)

    play(story, tmp_path)


def test_011_2_and_019_the_failsafe_that_the_source_wrote_survives_a_restart_and_a_lost_one_is_the_commissioned(
    tmp_path: Path,
) -> None:
    async def settle(station: Station) -> None:
        peer = await station.connect()
        await peer.write(FSW, 6000)

    async def kept(station: Station) -> None:
        assert station.cap_w == 6000

    async def lost(station: Station) -> None:
        assert station.cap_w == 4200

    play(settle, tmp_path)
    play(kept, tmp_path)
    (tmp_path / "grid.json").unlink()
    play(lost, tmp_path)


def test_017_the_failsafe_value_holds_while_the_source_is_silent() -> None:
    SlotStory(failsafe_w=6000).caps(6000).limits(9000).passes(60).is_in(State.FAILSAFE).caps(6000)


@pytest.mark.parametrize("autonomy", Autonomy)
def test_022_4_and_5_no_permission_lifts_the_cap_of_a_source_that_speaks(autonomy: Autonomy) -> None:
    SlotStory(heartbeat_timeout_s=120, autonomy=autonomy).limits(3000).passes(86_400, beating=True).caps(3000)


def test_035_4_a_limit_above_what_the_station_can_is_taken_as_that() -> None:
    SlotStory().limits(60_000).caps(22_000).answers(Result.CLAMPED)


def test_036_and_037_a_write_of_the_entitled_peer_is_a_heartbeat_itself_and_counts(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(HEARTBEAT, 1)
        await asyncio.sleep(5)
        assert station.cap_w == 4200
        await peer.write(FSW, 5000)
        assert station.cap_w == 5000
        await peer.write(SLOT_0, 9000)
        await peer.write(ENA, 1)
        assert station.cap_w == 9000

    play(story, tmp_path)
