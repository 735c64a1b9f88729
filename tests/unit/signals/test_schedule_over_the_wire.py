"""The schedule of model 64303 over the wire, in virtual time."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals.sources.openadr import OpenAdrRules, OpenAdrSource
from tests.contract.modbus.peer import Peer
from tests.unit.signals.sources.test_openadr_events import event
from tests.unit.signals.station import EPOCH, RATING, SLOT_0, Station, grid_settings, play

ENA = SLOT_0 + 21
SCHEDULE = 40668
SCH_SRC, ACT_PT, REQUEST, RESULT, POINTS = (SCHEDULE + offset for offset in (5, 10, 11, 12, 14))
DSO, EMS = 7, 8
NO_CAP, NO_PRICE = 0xFFFF, 0x8000


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


async def load(peer: Peer, start_in: float, *points: tuple[int, int], source: int = DSO) -> None:
    start = int(EPOCH.timestamp() + asyncio.get_running_loop().time() + start_in)
    await peer.write(SCH_SRC, source, *long(start), *long(60), len(points))
    words = [word for point in points for word in point]
    if words:
        await peer.write(POINTS, *words)


def test_a_schedule_takes_effect_when_it_is_adopted_and_not_before(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await in_touch(station)
        await load(peer, 0, (9000, 120), (NO_CAP, NO_PRICE), (5000, 0xFFFF))
        assert station.cap_w == 22_000
        assert await peer.write(REQUEST, 1) == accepted(REQUEST)
        assert await peer.read(REQUEST, 2) == (1, 1)
        assert (station.cap_w, station.states[-1].source) == (9000, LimitSource.SCHEDULE)
        await asyncio.sleep(60)
        assert station.cap_w == 22_000
        await asyncio.sleep(60)
        assert station.cap_w == 5000
        await asyncio.sleep(60)
        assert station.cap_w == 22_000

    play(story, tmp_path)


def test_all_96_points_go_in_with_two_writes(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await in_touch(station)
        start = int(EPOCH.timestamp() + asyncio.get_running_loop().time())
        words = [word for place in range(96) for word in (10_000 + place, place)]
        head = (DSO, *long(start), *long(60), 96)
        await peer.write(SCH_SRC, *head)
        await peer.write(POINTS, *words[:122])
        await peer.write(POINTS + 122, *words[122:])
        await peer.write(REQUEST, 1)
        assert await peer.read(RESULT) == (1,)
        await asyncio.sleep(95 * 60 + 1)
        assert station.cap_w == 10_095

    play(story, tmp_path)


def test_what_cannot_be_adopted_fails_and_leaves_the_schedule_in_force(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await in_touch(station)
        await load(peer, 0, (9000, 0))
        await peer.write(REQUEST, 1)
        await peer.write(SCH_SRC + 1, 0, 0)
        await peer.write(REQUEST, 1)
        assert await peer.read(RESULT) == (2,)
        assert station.cap_w == 9000

    play(story, tmp_path)


def test_no_points_end_the_schedule(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await in_touch(station)
        await load(peer, 0, (9000, 0))
        await peer.write(REQUEST, 1)
        await peer.write(ACT_PT, 0)
        assert station.cap_w == 9000
        await peer.write(REQUEST, 1)
        assert station.cap_w == 22_000

    play(story, tmp_path)


def test_nobody_adopts_a_schedule_for_a_source_that_he_does_not_speak_for(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await in_touch(station)
        await load(peer, 0, (9000, 0), source=EMS)
        assert await peer.write(REQUEST, 1) == b"\x90\x01"
        assert station.cap_w == 22_000

    play(story, tmp_path)


def test_a_schedule_in_force_survives_a_restart(tmp_path: Path) -> None:
    async def adopt(station: Station) -> None:
        peer = await in_touch(station)
        await load(peer, 0, *[(3000, 7)] * 60)
        await peer.write(REQUEST, 1)

    async def after_restart(station: Station) -> None:
        assert (station.cap_w, station.states[-1].source) == (3000, LimitSource.SCHEDULE)
        peer = await station.connect()
        assert await peer.read(POINTS, 2) == (3000, 7)

    play(adopt, tmp_path)
    play(after_restart, tmp_path)


PRICE, CURRENCY = 40576 + 42, 40576 + 43


async def shown_price(peer: Peer) -> tuple[int, str]:
    price, *letters = await peer.read(PRICE, 3)
    return price, struct.pack(">2H", *letters).rstrip(b"\0").decode()


def test_the_price_of_an_openadr_server_is_shown_with_its_currency(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        rules = OpenAdrRules(RATING, (None, None, None, None), emergency=Power(0))
        openadr = OpenAdrSource(rules, lambda: 0.5)
        station.signals.add_source(openadr)
        peer = await station.connect()
        assert await shown_price(peer) == (NO_PRICE, "")
        described = [{"payloadType": "PRICE", "units": "KWH", "currency": "SEK"}]
        price = event(("PRICE", 0.254), ("PRICE", 0.1), payloadDescriptors=described)
        assert openadr.received([price], station.signals._stamp()) == []
        await asyncio.sleep(1.25)
        assert await shown_price(peer) == (254, "SEK")
        await asyncio.sleep(15 * 60)
        peer = await station.connect()
        assert await shown_price(peer) == (100, "SEK")

    play(story, tmp_path)


def test_the_prices_of_a_schedule_have_the_currency_that_was_agreed(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        peer = await in_touch(station)
        await load(peer, 0, (NO_CAP, 120))
        await peer.write(REQUEST, 1)
        await asyncio.sleep(1.25)
        assert await shown_price(peer) == (120, "EUR")

    play(story, tmp_path, grid_settings(port=5020).model_copy(update={"schedule_currency": "EUR"}))
