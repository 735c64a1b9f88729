"""What a peer may send, right or wrong, against the real server: the catalogue of SunSpec conformance and our own."""

from __future__ import annotations

import asyncio
import random
import struct
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.modbus.peer import Peer, Reply, adu
from tests.unit.signals.station import HEARTBEAT, SLOT_0, Station, grid_settings, running

ENA = SLOT_0 + 21
READ_MARKER = bytes.fromhex("03 9c40 0002")
MARKER = b"\x03\x04SunS"


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    async with running(tmp_path, grid_settings(tcp={"max_writes_per_s": 1000})) as station:
        yield station


@pytest.fixture
async def peer(station: Station) -> AsyncIterator[Peer]:
    peer = await station.connect()
    yield peer
    peer.close()


many_addresses = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 on loopback")

TABLE = [
    ("read the marker", "03 9c40 0002", "03 04 53756e53"),
    ("read the same as input registers", "04 9c40 0002", "04 04 53756e53"),
    ("read one register", "03 9c42 0001", "03 02 0001"),
    ("read a slice of a longer point", "03 9e07 0001", "03 02 0000"),
    ("read nothing", "03 9c40 0000", "83 03"),
    ("read 126", "03 9c40 007e", "83 03"),
    ("read below the map", "03 9c3f 0001", "83 02"),
    ("read beyond the map", "03 9fcc 0002", "83 02"),
    ("read at address 0", "03 0000 0002", "83 02"),
    ("read at address 50000", "03 c350 0002", "83 02"),
    ("read across the end of the address space", "03 ffff 007d", "83 02"),
    ("a truncated read", "03 9c40", "83 03"),
    ("a read with a byte too many", "03 9c40 0002 00", "83 03"),
    ("function 1", "01 0000 0001", "81 01"),
    ("function 5", "05 0000 ff00", "85 01"),
    ("function 8, diagnostics", "08 0000 0000", "88 01"),
    ("function 15", "0f 0000 0001 01 01", "8f 01"),
    ("function 17, server id", "11", "91 01"),
    ("function 20, file record", "14 00", "94 01"),
    ("function 22, mask write", "16 9e00 0000 0000", "96 01"),
    ("function 24, FIFO", "18 0000", "98 01"),
    ("function 43, identification", "2b 0e 01 00", "ab 01"),
    ("function 0", "00 0000", "80 01"),
    ("function 0x83", "83 9c40 0001", "83 01"),
    ("write one register", "06 9e00 1068", "06 9e00 1068"),
    ("write several", "10 9e00 0002 04 1068 0000", "10 9e00 0002"),
    ("read and write", "17 9e00 0001 9e00 0001 02 0fa0", "17 02 0fa0"),
    ("a truncated write", "06 9e00", "86 03"),
    ("write none", "10 9e00 0000 00", "90 03"),
    ("write 124", "10 9e00 007c f8" + "0000" * 123, "90 03"),
    ("write with a byte count that is wrong", "10 9e00 0002 03 1068 00", "90 03"),
    ("write with data that is missing", "10 9e00 0002 04 1068", "90 03"),
    ("write half of a 32-bit point", "06 9e08 0001", "86 02"),
    ("write the other half", "06 9e09 0001", "86 02"),
    ("write into a 32-bit point from before", "10 9e07 0002 04 0000 0000", "90 02"),
    ("write a read-only point", "06 9e1f 0001", "86 02"),
    ("write a measurement", "06 9c90 0001", "86 02"),
    ("write the marker", "06 9c40 0001", "86 02"),
    ("write the end model", "06 9faa 0001", "86 02"),
    ("write a point that is not implemented", "06 9d77 0001", "86 02"),
    ("write a slot that nobody commissioned", "06 9e20 1068", "86 02"),
    ("write past the end of a slot", "10 9e17 0002 04 0001 0000", "90 02"),
    ("write an unknown enumeration", "06 9e15 0002", "86 03"),
    ("write not implemented", "06 9e00 ffff", "86 03"),
    ("write a timeout below the least", "06 9e0f 0004", "86 03"),
    ("write a duration below two hours", "10 9e10 0002 04 0000 1c1f", "90 03"),
    ("write a commit mode", "06 9dfe 0001", "06 9dfe 0001"),
    ("write a commit mode that there is not", "06 9dfe 0002", "86 03"),
    ("write the one legal mode of the set-point", "06 9d7f 0001", "06 9d7f 0001"),
    ("write the other mode of the set-point", "06 9d7f 0000", "86 03"),
    ("write a set-point that feeds in", "10 9d80 0002 04 0000 0001", "90 03"),
    ("write address 0", "06 9c84 0000", "86 03"),
    ("write an entry of the schedule without a cap", "06 9eea ffff", "06 9eea ffff"),
]


@pytest.mark.parametrize(("asked", "answered"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
async def test_the_table_of_requests(peer: Peer, asked: str, answered: str) -> None:
    assert await peer.ask(bytes.fromhex(asked)) == bytes.fromhex(answered)
    assert await peer.ask(READ_MARKER) == MARKER


@pytest.mark.parametrize("unit", [0, 1, 255])
async def test_every_unit_id_of_a_tcp_station_is_answered_and_echoed(peer: Peer, unit: int) -> None:
    assert await peer.ask(READ_MARKER, unit) == MARKER


@pytest.mark.parametrize("unit", [2, 17, 247, 254])
async def test_a_foreign_unit_id_has_no_target(peer: Peer, unit: int) -> None:
    assert await peer.ask(READ_MARKER, unit) == b"\x83\x0b"


async def test_a_refused_block_leaves_every_register_as_it_was(station: Station, peer: Peer) -> None:
    before = await peer.read(SLOT_0, 32)
    block = (4200, *before[1:20], 9, *before[21:24])
    assert await peer.write(SLOT_0, *block) == b"\x90\x03"
    assert await peer.read(SLOT_0, 32) == before
    assert len(station.states) == 1


async def test_a_plc_dims_with_one_block_of_24_registers(station: Station, peer: Peer) -> None:
    block = (4000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 22000, 0, 0, 0, 4200, 60, 0, 7200, 0, 1, 0, 1, 1, 1)
    assert await peer.write(SLOT_0, *block) == struct.pack(">BHH", 16, SLOT_0, 24)
    assert station.cap_w == 4000
    assert await peer.read(SLOT_0, 24) == block


async def test_many_requests_in_one_segment_are_all_answered_in_order(peer: Peer) -> None:
    peer.send(b"".join(adu(number, READ_MARKER) for number in range(100)))
    assert [await peer.reply() for _ in range(100)] == [Reply(number, 1, MARKER) for number in range(100)]


async def test_a_request_split_byte_by_byte_is_answered(peer: Peer) -> None:
    for byte in adu(9, READ_MARKER):
        peer.send(bytes((byte,)))
        await peer.writer.drain()
        await asyncio.sleep(0)
    assert await peer.reply() == Reply(9, 1, MARKER)


async def test_a_partial_request_is_recovered_by_its_rest(peer: Peer) -> None:
    whole = adu(1, READ_MARKER) + adu(2, READ_MARKER)
    peer.send(whole[:17])
    assert await peer.reply() == Reply(1, 1, MARKER)
    peer.send(whole[17:])
    assert await peer.reply() == Reply(2, 1, MARKER)


async def test_each_answer_carries_the_data_of_its_own_request(peer: Peer) -> None:
    spans = [(number, 40000 + number, 1 + number % 5) for number in range(60)]
    expected = [await peer.read(address, count) for _, address, count in spans]
    peer.send(b"".join(adu(n, struct.pack(">BHH", 3, address, count)) for n, address, count in spans))
    for (number, _, count), words in zip(spans, expected, strict=True):
        reply = await peer.reply()
        assert reply.transaction == number
        assert struct.unpack(f">{count}H", reply.pdu[2:]) == words


@pytest.mark.parametrize(
    "nonsense",
    ["0001 0001 0006 01 03 9c40 0002", "0001 0000 0001 01", "0001 0000 00ff 01", "474554202f20485454502f312e310d0a"],
    ids=["another protocol", "no function", "too long", "HTTP"],
)
async def test_a_peer_that_does_not_speak_modbus_is_closed(station: Station, peer: Peer, nonsense: str) -> None:
    peer.send(bytes.fromhex(nonsense))
    assert await peer.is_closed()
    other = await station.connect()
    assert await other.ask(READ_MARKER) == MARKER
    other.close()


async def test_the_good_request_before_the_nonsense_is_answered(peer: Peer) -> None:
    peer.send(adu(5, READ_MARKER) + b"\xff" * 20)
    assert await peer.reply() == Reply(5, 1, MARKER)
    assert await peer.is_closed()


async def test_one_peer_in_trouble_does_not_disturb_another(station: Station, peer: Peer) -> None:
    other = await station.connect()
    peer.send(adu(1, READ_MARKER)[:5])
    for _ in range(20):
        assert await other.ask(READ_MARKER) == MARKER
    other.close()


async def test_a_peer_that_never_reads_its_answers_does_not_disturb_another(station: Station, peer: Peer) -> None:
    peer.send(b"".join(adu(n & 0xFFFF, bytes.fromhex("03 9c40 007d")) for n in range(20_000)))
    other = await station.connect()
    for beat in range(20):
        assert await other.write(HEARTBEAT, beat) == struct.pack(">BHH", 16, HEARTBEAT, 1)
    other.close()


async def test_garbage_of_every_kind_leaves_the_server_serving(station: Station) -> None:
    chance = random.Random(7)
    for _ in range(150):
        peer = await station.connect()
        for _ in range(20):
            body = chance.randbytes(chance.randint(1, 40))
            peer.send(adu(chance.getrandbits(16), body) if chance.random() < 0.9 else body)
        peer.close()
    survivor = await station.connect()
    assert await survivor.ask(READ_MARKER) == MARKER
    survivor.close()


async def test_64_silent_connections_do_not_keep_a_newcomer_out(station: Station) -> None:
    crowd = [await station.connect() for _ in range(64)]
    newcomer = await station.connect()
    assert await newcomer.ask(READ_MARKER) == MARKER
    for peer in (*crowd, newcomer):
        peer.close()


@many_addresses
async def test_a_commissioned_writer_keeps_its_place_among_many_readers(tmp_path: Path) -> None:
    settings = grid_settings(writers=["127.0.0.1"], tcp={"max_connections": 2})
    async with running(tmp_path, settings.model_copy(update={"installers": ()})) as station:
        utility = await station.connect()
        crowd = [await Peer.connect(station.signals.port, "127.0.0.2") for _ in range(5)]
        assert await crowd[-1].ask(READ_MARKER) == MARKER
        assert await utility.write(HEARTBEAT, 1) == struct.pack(">BHH", 16, HEARTBEAT, 1)
        assert await crowd[0].is_closed()
        for peer in (utility, *crowd):
            peer.close()


@many_addresses
async def test_a_stranger_may_read_and_not_write(tmp_path: Path) -> None:
    async with running(tmp_path, grid_settings(writers=["127.0.0.1"])) as station:
        stranger = await Peer.connect(station.signals.port, "127.0.1.9")
        assert await stranger.ask(READ_MARKER) == MARKER
        assert await stranger.write(SLOT_0, 4200) == b"\x90\x01"
        stranger.close()


async def test_a_burst_of_writes_beyond_the_rate_hears_busy(tmp_path: Path) -> None:
    async with running(tmp_path, grid_settings(tcp={"max_writes_per_s": 10})) as station:
        peer = await station.connect()
        answers = [await peer.write(HEARTBEAT, beat) for beat in range(40)]
        assert answers[:20] == [struct.pack(">BHH", 16, HEARTBEAT, 1)] * 20
        assert b"\x90\x06" in answers
        assert await peer.ask(READ_MARKER) == MARKER
        peer.close()


async def test_writing_is_closed_until_commissioned(tmp_path: Path) -> None:
    async with running(tmp_path, grid_settings(writers=[])) as station:
        peer = await station.connect()
        assert await peer.write(SLOT_0, 4200) == b"\x90\x01"
        peer.close()
    async with running(tmp_path, grid_settings(commissioned=False)) as station:
        peer = await station.connect()
        assert await peer.write(SLOT_0, 4200) == b"\x90\x02"
        assert await peer.read(SLOT_0) == (0xFFFF,)
        assert station.cap_w == 22_000
        peer.close()
