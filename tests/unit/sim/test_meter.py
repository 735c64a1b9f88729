"""A peer that serves registers, read by a client that shares no code with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from powerctl.core.errors import RemoteError
from powerctl.signals.sources.modbus_client import NotServed, RegisterReader, find_meter
from powerctl.sim.meter import RegisterPeer, sunspec_meter


@pytest.fixture
async def meter() -> AsyncIterator[RegisterPeer]:
    made = RegisterPeer(sunspec_meter(-12_340, (1.5, 2.5, -3.5), 49.98))
    await made.start()
    yield made
    await made.close()


async def test_pysunspec2_finds_the_meter_and_reads_it(meter: RegisterPeer) -> None:
    def scan() -> tuple[float, float, float]:
        client = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=meter.port)
        client.scan()
        model = client.models[203][0]
        client.close()
        return model.W.cvalue, model.AphC.cvalue, model.Hz.cvalue

    assert await asyncio.to_thread(scan) == (-12_340, -3.5, 49.98)


async def test_the_station_finds_the_meter_behind_other_models(meter: RegisterPeer) -> None:
    reader = RegisterReader("127.0.0.1", meter.port, 1)
    assert await find_meter(reader) == (40070, 203)
    reader.close()


@pytest.mark.parametrize("words", [{}, dict(enumerate([0x5375, 0x6E53, 1, 2, 0, 0, 0xFFFF, 0], start=40000))])
async def test_a_peer_without_a_meter_is_said(meter: RegisterPeer, words: dict[int, int]) -> None:
    meter.words = words
    reader = RegisterReader("127.0.0.1", meter.port, 1)
    with pytest.raises(RemoteError):
        await find_meter(reader)
    reader.close()


async def test_registers_that_are_not_there_are_refused_and_the_connection_stays(meter: RegisterPeer) -> None:
    reader = RegisterReader("127.0.0.1", meter.port, 1)
    with pytest.raises(NotServed):
        await reader.read(7, 1)
    assert await reader.read(40000, 2) == [0x5375, 0x6E53]
    assert meter.requests == 2
    reader.close()


async def test_a_peer_that_hangs_up_is_asked_again(meter: RegisterPeer) -> None:
    reader, port = RegisterReader("127.0.0.1", meter.port, 1), meter.port
    await reader.read(40000, 1)
    await meter.close()
    with pytest.raises(RemoteError):
        await reader.read(40000, 1)
    await meter.start(port=port)
    assert await reader.read(40000, 1) == [0x5375]
    reader.close()
