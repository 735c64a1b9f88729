"""The serial line: what is answered, what is applied in silence, and what is dropped."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from powerctl.core.errors import ConfigError
from powerctl.signals import serial_line
from powerctl.signals.settings import GridSettings
from tests.contract.modbus.line import Master, framed
from tests.unit.signals.station import SLOT_0, Station, grid_settings, running

READ_MARKER = bytes.fromhex("03 9c40 0002")
MARKER = b"\x03\x04SunS"
ENA = SLOT_0 + 21
ADDRESS = 40002 + 66
CHARGE_RATE_MAX = 40225 + 34


def line_settings(device: str, **line: Any) -> GridSettings:
    settings = {"device": device, "parity": "none", "slots": [0], "installer": True, **line}
    plain = grid_settings(writers=[], tcp={"max_writes_per_s": 1000}).model_dump()
    return GridSettings.model_validate({**plain, "modbus_rtu": [settings]})


@pytest.fixture
async def master() -> AsyncIterator[Master]:
    master = Master()
    yield master
    master.close()


@pytest.fixture
async def station(tmp_path: Path, master: Master) -> AsyncIterator[Station]:
    async with running(tmp_path, line_settings(master.device)) as station:
        yield station


async def test_a_request_is_answered(station: Station, master: Master) -> None:
    assert await master.read(40000, 2) == (0x5375, 0x6E53)


async def test_125_registers_are_read_at_once(station: Station, master: Master) -> None:
    assert len(await master.read(40000, 125)) == 125


async def test_the_line_dims_the_station(station: Station, master: Master) -> None:
    assert await master.write(SLOT_0, 4000) == struct.pack(">BHH", 16, SLOT_0, 1)
    await master.write(ENA, 1)
    assert station.cap_w == 4000


async def test_tcp_and_the_line_show_the_same_registers_at_once(station: Station, master: Master) -> None:
    peer = await station.connect()
    await master.write(SLOT_0, 5000)
    assert await peer.read(SLOT_0) == (5000,)
    assert await peer.write(SLOT_0, 6000) == b"\x90\x01"
    peer.close()


async def test_an_exception_comes_back_over_the_line(station: Station, master: Master) -> None:
    assert await master.ask(bytes.fromhex("03 0000 0001")) == b"\x83\x02"
    assert await master.ask(bytes.fromhex("2b 0e 01 00")) == b"\xab\x01"
    assert await master.ask(READ_MARKER, size=9) == MARKER


async def test_rtu_2_a_partial_request_is_recovered_by_silence(station: Station, master: Master) -> None:
    master.send(framed(1, READ_MARKER)[:5])
    assert await master.hears_nothing()
    assert await master.ask(READ_MARKER, size=9) == MARKER


async def test_rtu_3_a_broadcast_is_applied_and_not_answered(station: Station, master: Master) -> None:
    for address, value in ((SLOT_0, 4000), (ENA, 1)):
        await master.silence()
        master.send(framed(0, struct.pack(">BHH", 6, address, value)))
        assert await master.hears_nothing()
    assert station.cap_w == 4000


async def test_a_broadcast_read_is_nonsense_and_not_answered(station: Station, master: Master) -> None:
    master.send(framed(0, READ_MARKER))
    assert await master.hears_nothing()


async def test_a_refused_broadcast_is_not_answered_either(station: Station, master: Master) -> None:
    master.send(framed(0, struct.pack(">BHH", 6, 40000, 1)))
    assert await master.hears_nothing()


async def test_rtu_4_address_0_is_refused(station: Station, master: Master) -> None:
    assert await master.write(ADDRESS, 0) == b"\x90\x03"
    assert await master.write(ADDRESS, 248) == b"\x90\x03"
    assert await master.read(ADDRESS) == (1,)


async def test_rtu_5_a_new_address_counts_after_its_answer(station: Station, master: Master) -> None:
    assert await master.write(ADDRESS, 9) == struct.pack(">BHH", 16, ADDRESS, 1)
    assert await master.read(ADDRESS, unit=9) == (9,)
    await master.silence()
    master.send(framed(1, READ_MARKER))
    assert await master.hears_nothing()


@pytest.mark.parametrize("unit", [2, 17, 247, 255])
async def test_what_is_for_others_is_not_answered(station: Station, master: Master, unit: int) -> None:
    master.send(framed(unit, READ_MARKER))
    assert await master.hears_nothing()


async def test_the_answers_of_others_are_not_taken_for_requests(station: Station, master: Master) -> None:
    master.send(framed(2, MARKER))
    assert await master.hears_nothing()
    assert await master.ask(READ_MARKER, size=9) == MARKER


async def test_a_wrong_checksum_is_dropped(station: Station, master: Master) -> None:
    whole = framed(1, READ_MARKER)
    master.send(whole[:-1] + bytes((whole[-1] ^ 1,)))
    assert await master.hears_nothing()
    assert await master.ask(READ_MARKER, size=9) == MARKER


async def test_two_requests_without_silence_between_them_are_no_frame(station: Station, master: Master) -> None:
    master.send(framed(1, READ_MARKER) * 2)
    assert await master.hears_nothing()


async def test_a_frame_that_is_too_long_is_dropped_however_long(station: Station, master: Master) -> None:
    master.send(b"\x01" * 1000)
    assert await master.hears_nothing()
    assert await master.ask(READ_MARKER, size=9) == MARKER


async def test_noise_of_every_kind_leaves_the_line_serving(station: Station, master: Master) -> None:
    chance = random.Random(3)
    for _ in range(30):
        master.send(chance.randbytes(chance.randint(1, 60)))
        await asyncio.sleep(0.03)
    assert await master.hears_nothing()
    assert await master.ask(READ_MARKER, size=9) == MARKER


async def test_a_line_that_speaks_for_no_slot_reads_only(tmp_path: Path, master: Master) -> None:
    async with running(tmp_path, line_settings(master.device, slots=[], installer=False)):
        assert await master.ask(READ_MARKER, size=9) == MARKER
        assert await master.write(SLOT_0, 1) == b"\x90\x01"
        assert await master.write(CHARGE_RATE_MAX, 1) == b"\x90\x01"


@pytest.mark.parametrize("baud", [9600, 19200, 115200])
async def test_rtu_1_the_usual_speeds_are_spoken(tmp_path: Path, master: Master, baud: int) -> None:
    async with running(tmp_path, line_settings(master.device, baud=baud)):
        assert await master.ask(READ_MARKER, size=9) == MARKER


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_line, "RETRY_S", 0.01)


@pytest.mark.usefixtures("soon")
async def test_a_line_that_was_lost_is_served_again_and_tcp_never_stopped(tmp_path: Path) -> None:
    first, link = Master(), tmp_path / "port"
    link.symlink_to(first.device)
    async with running(tmp_path, line_settings(str(link))) as station:
        assert await first.ask(READ_MARKER, size=9) == MARKER
        first.hang_up()
        peer = await station.connect()
        assert await peer.ask(READ_MARKER) == MARKER
        second = Master()
        link.unlink()
        link.symlink_to(second.device)
        await asyncio.sleep(0.2)
        assert await second.ask(READ_MARKER, size=9) == MARKER
        peer.close()
        second.close()


@pytest.mark.parametrize("device", ["missing", "a file"])
async def test_a_port_that_cannot_be_opened_names_its_setting(tmp_path: Path, device: str) -> None:
    (tmp_path / "a file").write_text("")
    with pytest.raises(ConfigError, match="modbus_rtu"):
        async with running(tmp_path, line_settings(str(tmp_path / device))):
            pass
