"""From a write on the wire to the state that the energy manager acts on, in virtual time."""

from __future__ import annotations

import asyncio
import struct
from datetime import timedelta
from pathlib import Path

from powerctl.core.record import GridEventKind
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from powerctl.signals.store import Saved, load, save
from tests.unit.signals.station import EPOCH, HEARTBEAT, RATING, SLOT_0, Station, grid_settings, play
from tests.unit.signals.test_telemetry import REPORT

ENA = SLOT_0 + 21
EFF_W = 40576 + 3
CHARGE_RATE_MAX = 40225 + 34


def test_the_first_state_is_the_failsafe(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        (state,) = station.states
        assert (state.cap, state.source) == (Power(4200), LimitSource.FAILSAFE)
        peer = await station.connect()
        assert await peer.read(EFF_W) == (4200,)
        assert await peer.read(SLOT_0 + 30, 2) == (0, 4200)

    play(story, tmp_path)


def test_a_write_is_read_back_at_once_and_has_arrived_before_its_answer_is_read(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(SLOT_0, 9000)
        assert station.cap_w == 4200
        await peer.write(ENA, 1)
        assert station.cap_w == 9000
        assert await peer.read(SLOT_0) == (9000,)
        assert await peer.read(EFF_W, 2) == (9000, 7)
        assert await peer.read(SLOT_0 + 30, 2) == (2, 9000)

    play(story, tmp_path)


def test_a_request_that_changes_nothing_tells_nothing(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(SLOT_0, 9000, *[0] * 20)
        told = len(station.states)
        for beat in range(1, 10):
            await peer.write(HEARTBEAT, beat)
            await asyncio.sleep(1)
        assert len(station.states) == told

    play(story, tmp_path)


def test_silence_is_noticed_within_a_second_of_the_timeout(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(ENA, 1)
        assert station.cap_w == 22000
        await asyncio.sleep(4.99)
        assert station.cap_w == 22000
        await asyncio.sleep(0.02)
        assert (station.cap_w, station.states[-1].source) == (4200, LimitSource.FAILSAFE)

    play(story, tmp_path)


def test_reading_is_no_heartbeat(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(ENA, 1)
        for _ in range(10):
            await asyncio.sleep(0.6)
            await peer.read(40000, 100)
        assert station.cap_w == 4200

    play(story, tmp_path)


def test_a_heartbeat_from_another_connection_of_the_same_peer_counts(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        first, second = await station.connect(), await station.connect()
        await first.write(ENA, 1)
        for beat in range(1, 20):
            await second.write(HEARTBEAT, beat)
            await asyncio.sleep(1)
        assert station.cap_w == 22000

    play(story, tmp_path)


def test_evidence_tells_the_life_of_a_limit(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        station.signals.update_measurement(REPORT)
        await peer.write(SLOT_0, 9000)
        await peer.write(ENA, 1)
        await asyncio.sleep(6)
        await peer.write(ENA, 0)

    events = play(story, tmp_path).events
    assert [event.kind for event in events] == [
        GridEventKind.RECEIVED,
        GridEventKind.APPLIED,
        GridEventKind.FAILSAFE,
        GridEventKind.APPLIED,
        GridEventKind.RECEIVED,
        GridEventKind.RELEASED,
        GridEventKind.APPLIED,
    ]
    assert (events[0].cap, events[0].measured, events[0].source) == (Power(9000), Power(8000), LimitSource.DSO)
    assert "from ::1 by modbus-tcp" in events[0].detail
    assert EPOCH <= events[0].event_time <= EPOCH + timedelta(seconds=1)


def test_a_restart_is_limited_and_keeps_what_the_utility_settled(tmp_path: Path) -> None:
    async def settle(station: Station) -> None:
        peer = await station.connect()
        await peer.write(SLOT_0 + 14, 6000)
        await peer.write(SLOT_0 + 16, 0, 10000)
        await peer.write(CHARGE_RATE_MAX, 11000)
        await peer.write(SLOT_0, 20000)
        await peer.write(ENA, 1)
        assert station.cap_w == 11000

    async def after_restart(station: Station) -> None:
        peer = await station.connect()
        assert (station.cap_w, station.states[-1].source) == (6000, LimitSource.FAILSAFE)
        assert await peer.read(SLOT_0 + 14, 4) == (6000, 5, 0, 10000)
        assert await peer.read(ENA) == (0,)
        assert await peer.read(CHARGE_RATE_MAX) == (11000,)
        await peer.write(ENA, 1)
        assert (station.cap_w, station.states[-1].source) == (11000, LimitSource.HARDWARE)

    play(settle, tmp_path)
    play(after_restart, tmp_path)


def test_an_emergency_survives_a_restart(tmp_path: Path) -> None:
    async def stop(station: Station) -> None:
        peer = await station.connect()
        await peer.write(SLOT_0 + 20, 3, 1)
        assert (station.cap_w, station.states[-1].settle_s) == (0, 0.0)

    async def after_restart(station: Station) -> None:
        assert (station.cap_w, station.states[-1].command) == (0, Command.EMERGENCY)
        peer = await station.connect()
        await peer.write(SLOT_0 + 20, 0, 1)
        assert (station.cap_w, station.states[-1].command) == (22000, Command.RUN)
        await asyncio.sleep(6)

    play(stop, tmp_path)
    play(after_restart, tmp_path)
    assert load(tmp_path / "grid.json").slots[0].held is None


def test_a_saved_value_beyond_the_rating_never_lifts_the_cap(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(ENA, 1)
        assert station.cap_w == RATING.w
        assert await peer.read(CHARGE_RATE_MAX) == (22000,)

    save(tmp_path / "grid.json", Saved(charge_rate_max_w=50_000))
    play(story, tmp_path)


def test_a_persistent_cap_above_the_rating_is_refused(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        assert await peer.write(CHARGE_RATE_MAX, 22001) == b"\x90\x03"
        assert await peer.read(CHARGE_RATE_MAX) == (22000,)

    play(story, tmp_path)


def test_persistent_values_are_refused_while_the_disk_refuses(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("in the way")

    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(SLOT_0 + 14, 6000)
        await asyncio.sleep(0.1)
        assert await peer.write(SLOT_0 + 14, 7000) == b"\x90\x04"
        assert await peer.read(SLOT_0 + 14) == (6000,)
        assert await peer.write(SLOT_0, 8000) == struct.pack(">BHH", 16, SLOT_0, 1)

    play(story, folder)


def test_a_limit_that_ends_is_told_when_it_ends(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(SLOT_0 + 15, 0)
        await peer.write(SLOT_0 + 8, 0, 30)
        await peer.write(SLOT_0, 9000)
        await peer.write(ENA, 1)
        state = station.states[-1]
        assert state.until is not None
        assert state.until - EPOCH == timedelta(seconds=asyncio.get_running_loop().time() + 30)
        await asyncio.sleep(30.01)
        assert station.cap_w == 22000

    play(story, tmp_path)


def test_clocks_and_heartbeats_move_every_second(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        (before,) = await peer.read(40576 + 40)
        await asyncio.sleep(3)
        high, low = await peer.read(40576 + 37, 2)
        assert await peer.read(40576 + 40) == (before + 3,)
        assert abs((high << 16 | low) - EPOCH.timestamp() - 3) <= 1

    play(story, tmp_path)


def test_measurements_appear_in_the_registers(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        station.signals.update_measurement(REPORT, granted={})
        peer = await station.connect()
        assert await peer.read(40070 + 10) == (0x10000 - 8000,)
        assert await peer.read(40576 + 9) == (8000,)

    play(story, tmp_path)


def test_an_idle_connection_is_closed_and_a_slow_one_too(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        idle, slow = await station.connect(), await station.connect()
        for byte in bytes.fromhex("0001 0000 0006 01 03 9c"):
            slow.send(bytes((byte,)))
            await asyncio.sleep(1)
        assert await idle.is_closed(52)
        assert await slow.is_closed(1)

    play(story, tmp_path)


def test_a_connection_that_asks_now_and_then_stays(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        for _ in range(5):
            await asyncio.sleep(50)
            assert await peer.read(40000, 2) == (0x5375, 0x6E53)

    play(story, tmp_path)


def test_the_connection_that_was_silent_longest_gives_way(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        first, second = await station.connect(), await station.connect()
        await asyncio.sleep(1)
        await first.read(40000)
        third = await station.connect()
        assert await third.read(40000) == (0x5375,)
        assert await second.is_closed()
        assert await first.read(40000) == (0x5375,)

    play(story, tmp_path, grid_settings(port=5020, tcp={"max_connections": 2}))
