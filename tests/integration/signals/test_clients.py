"""Clients that share no code with the product: pysunspec2 and mbpoll."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sunspec2 import device
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

import powerctl.signals
from tests.unit.signals.station import HEARTBEAT, SLOT_0, Station, grid_settings, running
from tests.unit.signals.test_telemetry import REPORT

pytestmark = pytest.mark.integration

MODELS = [1, 701, 702, 703, 704, 714, 715, 64300, 64301, 64302, 64303]
MODEL_FILES = Path(powerctl.signals.__file__).parent / "models"
needs_mbpoll = pytest.mark.skipif(
    shutil.which("mbpoll") is None, reason="mbpoll is not installed (Debian package mbpoll)"
)


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    async with running(tmp_path, grid_settings(tcp={"max_writes_per_s": 1000})) as station:
        station.signals.update_measurement(REPORT)
        yield station


def scan(port: int) -> SunSpecModbusClientDeviceTCP:
    folders = device.get_model_defs_path()
    device.set_model_defs_path([str(MODEL_FILES), *folders])
    try:
        client = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port)
        client.scan()
    finally:
        device.set_model_defs_path(folders)
    return client


async def test_pysunspec2_discovers_every_model_in_order(station: Station) -> None:
    client = await asyncio.to_thread(scan, station.signals.port)
    assert [model for model in client.models if isinstance(model, int)] == MODELS
    assert client.common[0].Mn.value == "powerctl"


async def test_pysunspec2_reads_power_with_sunspecs_sign(station: Station) -> None:
    client = await asyncio.to_thread(scan, station.signals.port)
    measured = client.models[701][0]
    assert (measured.W.cvalue, measured.Hz.cvalue, measured.LNV.cvalue) == (-8000, 49.98, 231)
    assert client.models[64301][0].W.cvalue == 8000
    assert client.models[64302][0].Con[1].SoC.cvalue == 42
    assert client.models[702][0].WChaRteMaxRtg.cvalue == 22000


async def test_pysunspec2_dims_the_station_and_reads_it_back(station: Station) -> None:
    client = await asyncio.to_thread(scan, station.signals.port)

    def dim() -> None:
        slot = client.models[64300][0].Src[0]
        slot.LimW.value, slot.Ena.value = 9000, 1
        slot.write()
        slot.read()
        assert (slot.LimW.value, slot.Ena.value, slot.EffW.cvalue) == (9000, 1, 9000)
        assert slot.St.value == 2

    await asyncio.to_thread(dim)
    assert station.cap_w == 9000


async def test_pysunspec2_sets_the_persistent_cap(station: Station) -> None:
    client = await asyncio.to_thread(scan, station.signals.port)

    def settle() -> None:
        capacity = client.models[702][0]
        capacity.WChaRteMax.cvalue = 3000
        capacity.WChaRteMax.write()

    await asyncio.to_thread(settle)
    assert station.cap_w == 3000


async def mbpoll(port: int, address: int, *values: int, count: int = 1) -> tuple[int, str]:
    reading = () if values else ("-c", str(count))
    process = await asyncio.create_subprocess_exec(
        *("mbpoll", "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-r", str(address), "-t", "4", "-1", *reading),
        *("127.0.0.1", *(str(value) for value in values)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@needs_mbpoll
async def test_mbpoll_dims_the_station_with_two_writes(station: Station) -> None:
    port = station.signals.port
    assert (await mbpoll(port, SLOT_0, 4000))[0] == 0
    assert (await mbpoll(port, SLOT_0 + 21, 1))[0] == 0
    assert station.cap_w == 4000
    code, output = await mbpoll(port, SLOT_0 + 31)
    assert (code, "[40479]: \t4000" in output) == (0, True)


@needs_mbpoll
async def test_mbpoll_hears_what_is_wrong(station: Station) -> None:
    port = station.signals.port
    assert "Illegal data address" in (await mbpoll(port, 40310, 1))[1]
    assert "Illegal data value" in (await mbpoll(port, SLOT_0 + 21, 7))[1]
    assert (await mbpoll(port, HEARTBEAT, 7))[0] == 0
