"""SunSpec's own controls over the wire, in virtual time."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import pytest

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import Command, LimitSource
from powerctl.signals.panel import Armable
from powerctl.signals.settings import GridSettings
from powerctl.signals.sources.flexible_return import ReturnRules
from powerctl.signals.sources.frequency import FrequencyRules, FrequencySource, Mode, Product
from tests.contract.modbus.peer import Peer
from tests.unit.signals.station import HEARTBEAT, SLOT_0, Station, grid_settings, play
from tests.unit.signals.test_telemetry import REPORT

ENA = SLOT_0 + 21
PERMIT, DELAY = 40277 + 2, 40277 + 9
WSET_ENA, WSET = 40296 + 22, 40296 + 24
WSET_TIMER, WSET_REM = 40296 + 31, 40296 + 33
PORTS = 40363
DER_HB, CONTROLLER_HB, OPERATION = 40433 + 3, 40433 + 5, 40433 + 8
COMMIT_MODE = 40442 + 4
FREQUENCY_MODE = 40576 + 36
CONNECTOR_LIMIT = 40624 + 8 + 16
SCHEDULE = 40668
ADDRESS = 40002 + 66
DSO, EMS = 7, 8


def long(value: int) -> tuple[int, int]:
    return (value >> 16) & 0xFFFF, value & 0xFFFF


def accepted(address: int, count: int = 1) -> bytes:
    return struct.pack(">BHH", 16, address, count)


async def in_touch(station: Station, watts: int = 22_000) -> Peer:
    peer = await station.connect()
    await peer.write(SLOT_0 + 15, 0)
    await peer.write(SLOT_0, watts)
    await peer.write(ENA, 1)
    return peer


def test_a_client_that_knows_only_sunspec_commands_the_station(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        assert station.cap_w == 4200
        assert await peer.write(WSET, *long(-9000 & 0xFFFFFFFF)) == accepted(WSET, 2)
        assert await peer.write(WSET_ENA, 1) == accepted(WSET_ENA)
        assert (station.cap_w, station.states[-1].source) == (9000, LimitSource.DSO)
        for beat in range(1, 20):
            await peer.write(CONTROLLER_HB, *long(beat))
            await asyncio.sleep(1)
        assert station.cap_w == 9000
        await asyncio.sleep(6)
        assert (station.cap_w, station.states[-1].source) == (4200, LimitSource.FAILSAFE)

    play(story, tmp_path)


def test_a_controllers_heartbeat_that_stands_still_is_none(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(ENA, 1)
        for _ in range(7):
            await peer.write(CONTROLLER_HB, *long(1))
            await asyncio.sleep(1)
        assert station.states[-1].source is LimitSource.FAILSAFE

    play(story, tmp_path)


def test_a_set_point_does_not_end_a_limit_of_the_mailbox(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(SLOT_0, 3000)
        await peer.write(ENA, 1)
        await asyncio.sleep(6)
        await peer.write(WSET, *long(-9000 & 0xFFFFFFFF))
        await peer.write(WSET_ENA, 1)
        assert (station.cap_w, station.states[-1].source) == (4200, LimitSource.FAILSAFE)

    play(story, tmp_path)


def test_the_set_point_reverts_within_half_a_second_and_is_told(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await in_touch(station)
        await asyncio.sleep(0.37)
        await peer.write(WSET_TIMER, *long(30))
        await peer.write(WSET, *long(-9000 & 0xFFFFFFFF))
        await peer.write(WSET_ENA, 1)
        assert await peer.read(WSET_REM, 2) == long(30)
        await asyncio.sleep(20)
        high, low = await peer.read(WSET_REM, 2)
        assert high == 0
        assert abs(low - 10) <= 1
        await asyncio.sleep(9.5)
        assert station.cap_w == 9000
        await asyncio.sleep(0.51)
        assert station.cap_w == 22_000
        assert await peer.read(WSET_ENA) == (0,)

    play(story, tmp_path)


def test_a_slot_reverts_within_half_a_second(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await in_touch(station, 9000)
        await asyncio.sleep(0.61)
        await peer.write(SLOT_0 + 10, 7000, 1, *long(30))
        await asyncio.sleep(29.5)
        assert station.cap_w == 9000
        await asyncio.sleep(0.51)
        assert station.cap_w == 7000

    play(story, tmp_path)


def test_on_seq_a_command_waits_for_its_sequence(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await in_touch(station)
        await peer.write(COMMIT_MODE, 1)
        await peer.write(SLOT_0, 9000)
        await peer.write(SLOT_0 + 8, *long(30))
        assert await peer.read(SLOT_0) == (9000,)
        assert station.cap_w == 22_000
        await peer.write(SLOT_0 + 22, 1)
        assert station.cap_w == 9000
        assert await peer.read(SLOT_0 + 24, 2) == (1, 1)
        await peer.write(SLOT_0, 5000)
        await peer.write(SLOT_0 + 22, 1)
        assert station.cap_w == 9000
        await asyncio.sleep(30)
        assert station.cap_w == 22_000

    play(story, tmp_path)


def test_withdrawing_permission_survives_a_restart(tmp_path: Path) -> None:
    async def withdraw(station: Station) -> None:
        peer = await in_touch(station)
        await peer.write(PERMIT, 0)
        assert (station.cap_w, station.states[-1].command) == (0, Command.PAUSE)

    async def after_restart(station: Station) -> None:
        assert (station.cap_w, station.states[-1].command) == (0, Command.PAUSE)
        peer = await in_touch(station)
        assert await peer.write(PERMIT, 1) == accepted(PERMIT)
        assert station.cap_w == 22_000

    play(withdraw, tmp_path)
    play(after_restart, tmp_path)


def test_a_stop_of_operation_survives_a_restart(tmp_path: Path) -> None:
    async def stop(station: Station) -> None:
        peer = await in_touch(station)
        await peer.write(OPERATION, 0)
        assert station.cap_w == 0

    async def after_restart(station: Station) -> None:
        peer = await in_touch(station)
        assert station.cap_w == 0
        assert await peer.write(OPERATION, 3) == b"\x90\x03"
        await peer.write(OPERATION, 1)
        assert station.cap_w == 22_000

    play(stop, tmp_path)
    play(after_restart, tmp_path)


def test_the_times_of_703_delay_a_return_and_show_what_is_left(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await in_touch(station, 9000)
        await peer.write(DELAY, *long(30))
        await peer.write(SLOT_0, 20_000)
        assert station.cap_w == 9000
        await asyncio.sleep(10)
        high, low = await peer.read(DELAY + 6, 2)
        assert (high, abs(low - 20) <= 1) == (0, True)
        await asyncio.sleep(20.1)
        assert station.cap_w == 20_000

    play(story, tmp_path)


def test_rules_of_return_that_the_station_sets_appear_in_703(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        station.signals.set_return(ReturnRules(30, 600, 60))
        peer = await station.connect()
        assert await peer.read(DELAY, 6) == (*long(30), *long(600), *long(60))

    play(story, tmp_path)


def test_the_address_on_serial_lines_persists(tmp_path: Path) -> None:
    async def move(station: Station) -> None:
        peer = await station.connect()
        assert await peer.read(ADDRESS) == (1,)
        assert await peer.write(ADDRESS, 17) == accepted(ADDRESS)

    async def after_restart(station: Station) -> None:
        peer = await station.connect()
        assert await peer.read(ADDRESS) == (17,)

    play(move, tmp_path)
    play(after_restart, tmp_path)


def test_a_request_across_two_models_is_refused_as_a_whole(tmp_path: Path) -> None:
    """OpCtl is the last point of 715; what follows is the header of 64300, which nobody may write."""

    async def story(station: Station) -> None:
        peer = await in_touch(station)
        assert await peer.write(OPERATION, 0, 1) == b"\x90\x02"
        assert await peer.read(OPERATION) == (1,)
        assert station.cap_w == 22_000

    play(story, tmp_path)


def test_a_value_that_is_refused_last_leaves_the_first_ones_alone(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        limits = await peer.read(CONNECTOR_LIMIT, 2)
        assert await peer.write(CONNECTOR_LIMIT, 5000, 256) == b"\x90\x03"
        assert await peer.read(CONNECTOR_LIMIT, 2) == limits
        assert await peer.write(CONNECTOR_LIMIT, 22_001, 1) == b"\x90\x03"
        assert await peer.read(CONNECTOR_LIMIT, 2) == limits
        assert await peer.write(CONNECTOR_LIMIT, 5000, 1) == accepted(CONNECTOR_LIMIT, 2)
        caps = station.signals.connector_caps
        assert {int(number): cap.limit.w for number, cap in caps.items()} == {1: 5000}
        assert station.signals.connector_priorities[next(iter(caps))] == 1

    play(story, tmp_path)


def test_the_ports_of_714_are_vehicles_with_sunspecs_sign(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        station.signals.update_measurement(REPORT)
        peer = await station.connect()
        assert await peer.read(PORTS + 4) == (2,)
        port = next(iter(REPORT.connectors)).connector - 1
        kind, number = await peer.read(PORTS + 20 + 25 * port, 2)
        assert (kind, number) == (2, port + 1)
        (power,) = await peer.read(PORTS + 20 + 25 * port + 12)
        assert power == (-round(REPORT.connectors[0].power.w)) & 0xFFFF

    play(story, tmp_path)


def test_the_stations_heartbeat_rises_every_second(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        _, before = await peer.read(DER_HB, 2)
        await asyncio.sleep(3)
        assert await peer.read(DER_HB, 2) == (0, before + 3)

    play(story, tmp_path)


def test_without_a_frequency_response_it_cannot_be_armed(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        assert await peer.read(FREQUENCY_MODE) == (0,)
        assert await peer.write(FREQUENCY_MODE, 1) == b"\x90\x03"

    play(story, tmp_path)


def test_the_frequency_response_is_armed_over_the_wire(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        response = FrequencySource(FrequencyRules(Product.FFR))
        assert isinstance(response, Armable)
        speak = station.signals.add_source(response)
        peer = await in_touch(station)
        now = asyncio.get_running_loop().time
        response.sampled(50.0, Monotonic(now()))
        assert await peer.write(FREQUENCY_MODE, 1) == accepted(FREQUENCY_MODE)
        assert await peer.read(FREQUENCY_MODE) == (1,)
        for _ in range(2):
            response.sampled(49.4, Monotonic(now()))
        speak()
        assert (station.cap_w, station.states[-1].source) == (0, LimitSource.FREQUENCY)
        assert await peer.write(FREQUENCY_MODE, 0) == accepted(FREQUENCY_MODE)
        assert station.cap_w == 22_000

    play(story, tmp_path)


@pytest.mark.parametrize(("configured", "written"), [(False, 1), (True, 0)])
def test_the_arming_of_the_frequency_response_survives_a_restart(
    tmp_path: Path, configured: bool, written: int
) -> None:
    async def arm(station: Station) -> None:
        station.signals.add_source(FrequencySource(FrequencyRules(Product.FFR), on=configured))
        peer = await in_touch(station)
        assert await peer.write(FREQUENCY_MODE, written) == accepted(FREQUENCY_MODE)

    async def after_restart(station: Station) -> None:
        response = FrequencySource(FrequencyRules(Product.FFR), on=configured)
        station.signals.add_source(response)
        response.sampled(50.0, Monotonic(asyncio.get_running_loop().time()))
        assert response.response.mode is Mode(written)
        peer = await in_touch(station)
        await asyncio.sleep(1.25)
        response.sampled(50.0, Monotonic(asyncio.get_running_loop().time()))
        await peer.write(HEARTBEAT, 1)
        assert await peer.read(FREQUENCY_MODE) == (written,)

    play(arm, tmp_path)
    play(after_restart, tmp_path)


def test_the_commit_mode_survives_a_restart(tmp_path: Path) -> None:
    async def settle(station: Station) -> None:
        peer = await station.connect()
        assert await peer.write(COMMIT_MODE, 1) == accepted(COMMIT_MODE)

    async def after_restart(station: Station) -> None:
        peer = await station.connect()
        assert await peer.read(COMMIT_MODE) == (1,)
        await peer.write(SLOT_0, 9000)
        await peer.write(ENA, 1)
        assert station.cap_w == 4200

    play(settle, tmp_path)
    play(after_restart, tmp_path)


def two_sources() -> GridSettings:
    dso = grid_settings(port=5020).slots[0]
    ems = dso.model_copy(update={"index": 1, "source": "ems"})
    return grid_settings(port=5020).model_copy(update={"slots": (dso, ems)})


def test_one_heartbeat_of_the_controller_counts_for_every_slot_that_it_speaks_for(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        await peer.write(ENA, 1)
        await peer.write(ENA + 32, 1)
        for beat in range(1, 10):
            await peer.write(CONTROLLER_HB, *long(beat))
            await asyncio.sleep(1)
        assert station.cap_w == 22_000

    play(story, tmp_path, two_sources())


@pytest.mark.parametrize("point", [HEARTBEAT, CONTROLLER_HB])
def test_a_heartbeat_alone_never_lifts_the_failsafe(tmp_path: Path, point: int) -> None:
    async def story(station: Station) -> None:
        peer = await station.connect()
        for beat in range(1, 10):
            await peer.write(point, *((0, beat) if point == CONTROLLER_HB else (beat,)))
            await asyncio.sleep(1)
        assert station.cap_w == 4200

    play(story, tmp_path)
