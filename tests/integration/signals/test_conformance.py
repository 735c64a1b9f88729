"""The catalogue of SunSpec Modbus Conformance v1.4, procedure by procedure, over TCP, TLS and a serial line.

The client is pysunspec2's. What concerns one transport only (RTU-1 to RTU-5) is in `tests/contract/modbus/test_rtu.py`.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sunspec2.modbus import modbus

from powerctl.signals.layout import Field
from powerctl.signals.points import PointType
from powerctl.signals.register_map import MODELS, REGISTER_MAP
from tests.contract.modbus.peer import Peer, adu
from tests.integration.signals.links import Link, station_with
from tests.unit.signals.station import SLOT_0

pytestmark = pytest.mark.integration

ENA, LIMIT = SLOT_0 + 21, SLOT_0
READ_MARKER = bytes.fromhex("03 9c40 0002")
SERIAL_ONLY = pytest.mark.parametrize("link", ["rtu"], indirect=True)
STREAMS_ONLY = pytest.mark.parametrize("link", ["tcp"], indirect=True)
TOLERANCE_S = 0.5
"""Ours; the procedures allow 2 s."""


@pytest.fixture(params=["tcp", "tls", "rtu"])
async def link(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Link]:
    async with station_with(tmp_path, request.param) as link:
        yield link


class Device:
    """pysunspec2's client, below its models: registers only. Everything blocks, so it runs on a thread."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, address: int, count: int = 1) -> tuple[int, ...]:
        return struct.unpack(f">{count}H", self._client.read(address, count))

    def write(self, address: int, *words: int) -> None:
        self._client.write(address, struct.pack(f">{len(words)}H", *words))

    def refuses(self, address: int, *words: int) -> bool:
        """True if a write is answered with exception 2, 3 or 4, and nothing was changed."""
        before = self.read(address, len(words))
        try:
            self.write(address, *words)
        except modbus.ModbusClientException as refused:
            return any(str(code) in str(refused) for code in (2, 3, 4)) and self.read(address, len(words)) == before
        return False


@pytest.fixture
async def run(link: Link) -> AsyncIterator[Callable[[Callable[[Device], None]], Any]]:
    client = link.dial()
    if link.name != "rtu":
        await asyncio.to_thread(client.connect)

    async def run(procedure: Callable[[Device], None]) -> None:
        await asyncio.to_thread(procedure, Device(client))

    yield run
    client.close()


Run = Callable[[Callable[[Device], None]], Any]


async def test_dev_1_the_map_begins_with_the_marker_and_ends_with_the_end_model(run: Run) -> None:
    def procedure(device: Device) -> None:
        assert struct.pack(">2H", *device.read(40000, 2)) == b"SunS"
        address = 40002
        while (header := device.read(address, 2))[0] != 0xFFFF:
            address += 2 + header[1]
        assert (header, address) == ((0xFFFF, 0), 40907)

    await run(procedure)


async def test_dev_2_model_1_comes_first_and_says_who_it_is(run: Run) -> None:
    def procedure(device: Device) -> None:
        assert device.read(40002, 2) == (1, 66)
        text = struct.pack(">16H", *device.read(40004, 16)).rstrip(b"\0")
        assert text == b"powerctl"

    await run(procedure)


async def test_mod_1_every_model_has_the_length_of_its_definition(run: Run) -> None:
    def procedure(device: Device) -> None:
        for model in MODELS:
            assert device.read(REGISTER_MAP.address(model.id), 2) == (model.id, model.length)

    await run(procedure)


async def test_mod_2_every_model_is_read_as_a_whole(run: Run) -> None:
    def procedure(device: Device) -> None:
        for model in MODELS:
            start, whole = REGISTER_MAP.address(model.id), model.length + 2
            words = [word for at in range(0, whole, 125) for word in device.read(start + at, min(125, whole - at))]
            assert len(words) == whole

    await run(procedure)


@pytest.mark.parametrize("count", [1, 2, 33, 62, 124, 125])
async def test_mod_2_reads_of_any_length_are_answered(run: Run, count: int) -> None:
    def procedure(device: Device) -> None:
        assert len(device.read(40070, count)) == count

    await run(procedure)


def settable(field: Field) -> bool:
    return (
        field.point.writable
        and field.point.implemented
        and (field.model != 64300 or field.index == 0)
        and (field.model != 64303 or field.index < 2)
        and field.path not in {"1.DA", "64301.FrqMd", "64300.CmtMod"}
    )


SETTABLE = [field for field in REGISTER_MAP.fields if settable(field)]


def values(field: Field) -> list[int]:
    """The least, the greatest and three values between, of those that the point takes."""
    if field.point.symbols:
        known = [value for _, value in field.point.symbols]
        return [value for value in known if not field.point.allowed or any(value in r for r in field.point.allowed)]
    if field.point.allowed:
        least, greatest = field.point.allowed[-1].start, field.point.allowed[-1].stop - 1
    elif field.path.endswith("LimW") or field.path == "702.WChaRteMax":
        least, greatest = 0, 22_000
    elif field.point.type is PointType.INT16:
        least, greatest = -0x7FFF, 0x7FFF
    else:
        least, greatest = 0, (1 << 16 * field.point.registers) - 2
    return [least, *(least + (greatest - least) * part // 4 for part in (1, 2, 3)), greatest]


def words(field: Field, value: int) -> tuple[int, ...]:
    raw = (value & ((1 << 16 * field.point.registers) - 1)).to_bytes(2 * field.point.registers, "big")
    return struct.unpack(f">{field.point.registers}H", raw)


@pytest.mark.parametrize("link", ["tcp", "rtu"], indirect=True)
async def test_mod_3_every_writable_point_takes_its_range_and_reads_back_at_once(run: Run) -> None:
    def procedure(device: Device) -> None:
        for field in SETTABLE:
            if field.path == "64303.AdptReq":
                continue
            for value in values(field):
                if field.path == "715.OpCtl":
                    device.write(field.address, 1)
                device.write(field.address, *words(field, value))
                assert device.read(field.address, field.point.registers) == words(field, value), (field.path, value)

    await run(procedure)


@pytest.mark.parametrize("link", ["tcp", "rtu"], indirect=True)
async def test_exc_1_a_value_out_of_range_is_refused_and_not_applied(run: Run) -> None:
    def procedure(device: Device) -> None:
        for field in SETTABLE:
            if field.point.symbols:
                assert device.refuses(field.address, 0x7777), field.path
            elif field.point.allowed:
                assert device.refuses(field.address, *words(field, field.point.allowed[-1].stop)), field.path

    await run(procedure)


async def test_exc_1_not_implemented_is_no_value(run: Run) -> None:
    def procedure(device: Device) -> None:
        assert device.refuses(LIMIT, 0xFFFF)
        assert device.refuses(SLOT_0 + 8, 0xFFFF, 0xFFFF)

    await run(procedure)


async def test_exc_2_a_read_only_point_is_refused(run: Run) -> None:
    def procedure(device: Device) -> None:
        closed = [field for field in REGISTER_MAP.fields if not field.point.writable and field.index == 0]
        for field in closed[::7]:
            assert device.refuses(field.address, *[0] * field.point.registers), field.path

    await run(procedure)


async def test_exc_2_a_point_that_is_not_implemented_is_refused(run: Run) -> None:
    def procedure(device: Device) -> None:
        for path in ("704.WMaxLimPct", "704.WMaxLimPctEna", "704.VarSet", "702.WMax", "703.ESVHi", "702.VNom"):
            field = REGISTER_MAP.by_path[path]
            assert device.refuses(field.address, *[0] * field.point.registers), path

    await run(procedure)


@STREAMS_ONLY
@pytest.mark.parametrize("function", [1, 2, 5, 8, 15, 17, 22, 24, 43, 100])
async def test_exc_3_an_illegal_function_is_exception_1(link: Link, function: int) -> None:
    peer = await link.station.connect()
    assert await peer.ask(bytes((function, 0, 0, 0, 1))) == bytes((function | 0x80, 1))
    peer.close()


async def test_mb_1_function_3_reads(run: Run) -> None:
    await run(lambda device: None if device.read(40002) == (1,) else pytest.fail("no model 1"))


@STREAMS_ONLY
async def test_mb_2_functions_6_and_16_write(link: Link) -> None:
    peer = await link.station.connect()
    assert await peer.ask(struct.pack(">BHH", 6, LIMIT, 4200)) == struct.pack(">BHH", 6, LIMIT, 4200)
    assert await peer.write(LIMIT, 4300) == struct.pack(">BHH", 16, LIMIT, 1)
    assert await peer.read(LIMIT) == (4300,)
    peer.close()


def command(device: Device, seconds: int) -> float:
    """Dim to 8 kW, back to 4 kW after `seconds`; the time at which the timer was armed."""
    device.write(40296 + 24, *struct.unpack(">4H", struct.pack(">ii", -8000, -4000)))
    device.write(40296 + 30, 1, 0, seconds)
    device.write(40296 + 22, 1)
    return time.monotonic()


def remaining(device: Device) -> int:
    high, low = device.read(40296 + 33, 2)
    return high << 16 | low


async def test_rev_1_a_setting_reverts_at_its_time(link: Link, run: Run) -> None:
    armed: list[float] = []
    await run(lambda device: armed.append(command(device, 2)))
    assert link.station.cap_w == 8000
    await link.comes_to(4000, within_s=4)
    assert abs(time.monotonic() - armed[0] - 2) < TOLERANCE_S


@STREAMS_ONLY
async def test_rev_2_the_remaining_time_counts_down_and_a_write_extends_it(link: Link, run: Run) -> None:
    def procedure(device: Device) -> None:
        command(device, 3)
        assert remaining(device) == 3
        time.sleep(1.5)
        assert abs(remaining(device) - 1.5) <= 1
        device.write(40296 + 31, 0, 3)
        assert remaining(device) == 3

    await run(procedure)
    await asyncio.sleep(2)
    assert link.station.cap_w == 8000
    await link.comes_to(4000)


@STREAMS_ONLY
async def test_rev_3_writing_0_cancels_the_reversion(link: Link, run: Run) -> None:
    def procedure(device: Device) -> None:
        command(device, 1)
        device.write(40296 + 31, 0, 0)
        assert remaining(device) == 0

    await run(procedure)
    await asyncio.sleep(1.6)
    assert link.station.cap_w == 8000


@STREAMS_ONLY
async def test_rev_1_a_slot_of_the_mailbox_reverts_at_its_time(link: Link, run: Run) -> None:
    armed: list[float] = []

    def procedure(device: Device) -> None:
        device.write(SLOT_0 + 10, 3000, 1, 0, 2)
        device.write(LIMIT, 4000)
        device.write(ENA, 1)
        armed.append(time.monotonic())

    await run(procedure)
    assert link.station.cap_w == 4000
    await link.comes_to(3000, within_s=4)
    assert abs(time.monotonic() - armed[0] - 2) < TOLERANCE_S


@STREAMS_ONLY
async def test_tcp_1_a_partial_request_is_recovered_from(link: Link) -> None:
    peer = await link.station.connect()
    peer.send(adu(1, READ_MARKER)[:6])
    peer.close()
    other = await Peer.connect(link.station.signals.port)
    assert await other.ask(READ_MARKER) == b"\x03\x04SunS"
    other.close()


@STREAMS_ONLY
async def test_tcp_2_a_request_that_is_split_across_segments_is_answered(link: Link) -> None:
    peer = await link.station.connect()
    request = adu(2, READ_MARKER)
    for piece in (request[:3], request[3:7], request[7:]):
        peer.send(piece)
        await peer.writer.drain()
        await asyncio.sleep(0.05)
    assert (await peer.reply()).pdu == b"\x03\x04SunS"
    peer.close()


@STREAMS_ONLY
async def test_tcp_3_several_connections_are_served_at_once(link: Link) -> None:
    peers = [await link.station.connect() for _ in range(8)]
    assert await asyncio.gather(*(peer.ask(READ_MARKER) for peer in peers)) == [b"\x03\x04SunS"] * 8
    for peer in peers:
        peer.close()


@SERIAL_ONLY
async def test_rtu_a_slow_master_is_served_too(run: Run) -> None:
    def procedure(device: Device) -> None:
        for _ in range(3):
            time.sleep(0.2)
            assert device.read(40000, 2) == (0x5375, 0x6E53)

    await run(procedure)
