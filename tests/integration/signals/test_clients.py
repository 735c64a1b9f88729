"""Clients that share no code with the product, pysunspec2 and mbpoll, over TCP, TLS and a serial line."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.signals.links import Link, station_with
from tests.unit.signals.station import HEARTBEAT, SLOT_0

pytestmark = pytest.mark.integration

MODELS = [1, 701, 702, 703, 704, 714, 715, 64300, 64301, 64302, 64303, 64304]
ENA = SLOT_0 + 21
needs_mbpoll = pytest.mark.skipif(
    shutil.which("mbpoll") is None, reason="mbpoll is not installed (Debian package mbpoll)"
)


@pytest.fixture(params=["tcp", "tls", "rtu"])
async def link(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Link]:
    async with station_with(tmp_path, request.param) as link:
        yield link


@pytest.fixture
async def client(link: Link) -> AsyncIterator[Any]:
    client = await asyncio.to_thread(link.scan)
    yield client
    client.close()


async def test_pysunspec2_discovers_every_model_in_order(client: Any) -> None:
    assert [model for model in client.models if isinstance(model, int)] == MODELS
    assert client.common[0].Mn.value == "powerctl"


async def test_pysunspec2_reads_power_with_sunspecs_sign(client: Any) -> None:
    measured = client.models[701][0]
    assert (measured.W.cvalue, measured.Hz.cvalue, measured.LNV.cvalue) == (-8000, 49.98, 231)
    assert client.models[64301][0].W.cvalue == 8000
    assert client.models[64302][0].Con[1].SoC.cvalue == 42
    assert client.models[702][0].WChaRteMaxRtg.cvalue == 22000
    port = client.models[714][0].Prt[1]
    assert (port.PrtTyp.value, port.DCW.cvalue < 0) == (2, True)


async def test_pysunspec2_dims_the_station_and_reads_it_back(link: Link, client: Any) -> None:
    def dim() -> None:
        slot = client.models[64300][0].Src[0]
        slot.LimW.value, slot.Ena.value = 9000, 1
        slot.write()
        slot.read()
        assert (slot.LimW.value, slot.Ena.value, slot.EffW.cvalue) == (9000, 1, 9000)
        assert slot.St.value == 2

    await asyncio.to_thread(dim)
    assert link.station.cap_w == 9000


async def test_pysunspec2_commands_a_set_point_that_reverts(link: Link, client: Any) -> None:
    def command() -> None:
        control = client.models[704][0]
        control.WSet.cvalue, control.WSetRvrt.cvalue = -8000, -4000
        control.WSetEnaRvrt.value, control.WSetRvrtTms.value = 1, 1
        control.write()
        control.WSetEna.value = 1
        control.WSetEna.write()
        control.read()
        assert (control.WSet.cvalue, control.WSetEna.value) == (-8000, 1)

    await asyncio.to_thread(command)
    assert link.station.cap_w == 8000
    await link.comes_to(4000)


async def test_pysunspec2_loads_a_schedule(link: Link, client: Any) -> None:
    def load() -> None:
        schedule = client.models[64303][0]
        schedule.SchSrc.value, schedule.IntTms.value, schedule.ActPt.value = 7, 3600, 2
        schedule.StrTms.value = client.models[64301][0].UtcS.value
        schedule.Pt[0].LimW.value, schedule.Pt[0].Prc.value = 4100, 120
        schedule.Pt[1].LimW.value = 5000
        schedule.write()
        schedule.AdptReq.value = 1
        schedule.AdptReq.write()
        schedule.read()
        assert schedule.AdptRslt.value == 1

    await asyncio.to_thread(load)
    assert link.station.cap_w == 4100


async def test_pysunspec2_keeps_the_station_in_touch_through_715(link: Link, client: Any) -> None:
    def beat() -> None:
        control = client.models[715][0]
        control.ControllerHb.value = 1
        control.ControllerHb.write()
        control.read()
        assert control.ControllerHb.value == 1

    await asyncio.to_thread(beat)


@pytest.mark.parametrize("link", ["tcp", "chief", "rtu"], indirect=True)
async def test_pysunspec2_sets_the_persistent_cap(link: Link, client: Any) -> None:
    def settle() -> None:
        capacity = client.models[702][0]
        capacity.WChaRteMax.cvalue = 3000
        capacity.WChaRteMax.write()
        capacity.read()
        assert capacity.WChaRteMax.cvalue == 3000

    await asyncio.to_thread(settle)
    assert link.station.cap_w == 3000


@needs_mbpoll
async def test_mbpoll_dims_the_station_with_two_writes(link: Link) -> None:
    assert (await link.mbpoll(SLOT_0, 4000))[0] == 0
    assert (await link.mbpoll(ENA, 1))[0] == 0
    assert link.station.cap_w == 4000
    code, output = await link.mbpoll(SLOT_0 + 31)
    assert (code, "[40479]: \t4000" in output) == (0, True)


@needs_mbpoll
async def test_mbpoll_dims_with_a_reversion_and_sees_it(link: Link) -> None:
    assert (await link.mbpoll(SLOT_0, 4000))[0] == 0
    assert (await link.mbpoll(SLOT_0 + 10, 3000, 1, 0, 1))[0] == 0
    assert (await link.mbpoll(ENA, 1))[0] == 0
    await link.comes_to(3000)
    assert "[40448]: \t3000" in (await link.mbpoll(SLOT_0))[1]


@needs_mbpoll
async def test_mbpoll_hears_what_is_wrong(link: Link) -> None:
    assert "Illegal data address" in (await link.mbpoll(40310, 1))[1]
    assert "Illegal data value" in (await link.mbpoll(ENA, 7))[1]
    assert (await link.mbpoll(HEARTBEAT, 7))[0] == 0
