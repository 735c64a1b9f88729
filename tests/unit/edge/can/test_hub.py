"""The hub is a bus: python-can's own socketcand client talks to others over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import can
import pytest

from edge.can.frame import Frame
from edge.can.hub import MAX_CLIENTS, QUIET_S, Hub, main
from edge.can.port import PythonCanPort
from powerctl.core.errors import ConfigError
from tests.unit.edge.can.waiting import until


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub("127.0.0.1", 0)
    await hub.start()
    yield hub
    await hub.close()


def a_port(hub: Hub, heard: list[Frame]) -> PythonCanPort:
    parameters = {"interface": "socketcand", "channel": "can0", "host": "127.0.0.1", "port": hub.port, "tcp_tune": True}
    port = PythonCanPort(parameters, heard.append, connector=1)
    port.start()
    return port


async def test_two_programs_share_a_bus(hub: Hub) -> None:
    left_heard: list[Frame] = []
    right_heard: list[Frame] = []
    left, right = a_port(hub, left_heard), a_port(hub, right_heard)
    await until(lambda: left.is_open and right.is_open)
    await asyncio.sleep(QUIET_S * 1.5)
    left.send([Frame(0x108, bytes(range(8))), Frame(0x109, bytes(8))])
    await until(lambda: len(right_heard) == 2)
    assert right_heard == [Frame(0x108, bytes(range(8))), Frame(0x109, bytes(8))]
    assert left_heard == []
    left.close()
    right.close()


async def test_a_port_survives_the_hub(hub: Hub) -> None:
    port = a_port(hub, [])
    await until(lambda: port.is_open)
    number = hub.port
    await hub.close()
    await until(lambda: not port.is_open)
    again = Hub("127.0.0.1", number)
    await again.start()
    await until(lambda: port.is_open)
    port.close()
    await again.close()


async def raw_client(hub: Hub) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    assert await reader.readuntil(b">") == b"< hi >"
    return reader, writer


async def said(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(2):
        return await reader.readuntil(b">")


async def test_another_channel_is_refused(hub: Hub) -> None:
    reader, writer = await raw_client(hub)
    writer.write(b"< open can7 >")
    assert await said(reader) == b"< error could not open bus >"
    assert await reader.read() == b""
    writer.close()


async def test_an_unknown_command_is_answered(hub: Hub) -> None:
    reader, writer = await raw_client(hub)
    writer.write(b"< echo >< frobnicate >")
    assert await said(reader) == b"< echo >"
    assert await said(reader) == b"< error unknown command >"
    writer.close()


async def test_a_client_that_sends_rubbish_is_dropped(hub: Hub) -> None:
    reader, writer = await raw_client(hub)
    writer.write(b"<" + b"\xff" * 1000)
    assert (await reader.read()).startswith(b"< error")
    writer.close()


async def test_there_is_a_bound_on_clients(hub: Hub) -> None:
    clients = [await raw_client(hub) for _ in range(MAX_CLIENTS)]
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    assert await said(reader) == b"< error too many clients >"
    for _, client in [*clients, (reader, writer)]:
        client.close()


async def test_a_port_in_use_names_the_setting(hub: Hub) -> None:
    with pytest.raises(ConfigError, match="--listen"):
        await Hub("127.0.0.1", hub.port).start()


def test_a_wrong_address_ends_the_program_with_status_2() -> None:
    assert main(["--listen", "here"]) == 2


def test_the_bus_knows_python_can() -> None:
    assert "socketcand" in can.VALID_INTERFACES
