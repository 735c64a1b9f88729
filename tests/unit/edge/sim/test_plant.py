from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from edge.sim.models import MODELS
from edge.sim.plant import PlantServer, events_from_line, line_of
from edge.sim.vehicle import Event, Plug, Supply, Wires, advance, parked
from powerctl.core.clock import Monotonic
from powerctl.core.errors import ConfigError, RemoteError

OFF, DEAD = Wires(d1=False, d2=False), Supply(0.0, 0.0)
CAR = advance(parked(MODELS["leaf40"], 50.0), Plug(on=True), Monotonic(0.0))


def test_a_line_changes_what_it_names() -> None:
    wires, supply = events_from_line(b'{"d1":1,"v_src":400.5}', Wires(False, True), Supply(1.0, 2.0))
    assert (wires, supply) == (Wires(True, True), Supply(400.5, 2.0))


@pytest.mark.parametrize("line", [b"", b"x", b"[1]", b'{"d1":"on"}', b'{"i":NaN}', b'{"v_src":null}', b"[" * 4000])
def test_a_line_that_cannot_be_used_is_refused(line: bytes) -> None:
    with pytest.raises(RemoteError):
        events_from_line(line, OFF, DEAD)


@given(line=st.binary(max_size=200))
def test_no_line_is_worse_than_refused(line: bytes) -> None:
    try:
        events_from_line(line, OFF, DEAD)
    except RemoteError:
        return


def test_the_line_to_the_station_has_the_keys_of_the_seam() -> None:
    assert json.loads(line_of(CAR)) == {"k": 0, "prox": 1, "contactor": 0, "v_inlet": 0.0}


class Garage:
    """A plant on a free port, and what it did to the car."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.news = asyncio.Event()
        self.server = PlantServer("127.0.0.1", 0, self._take)

    def _take(self, event: Event) -> None:
        self.events.append(event)
        self.news.set()

    async def until(self, event: Event) -> None:
        async with asyncio.timeout(5):
            while event not in self.events:
                self.news.clear()
                await self.news.wait()

    async def station(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.server.port)


async def ended(reader: asyncio.StreamReader) -> None:
    """The other side closes the connection, gently or not."""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(5):
            while await reader.read(1000):
                pass


@pytest_asyncio.fixture
async def garage() -> AsyncIterator[Garage]:
    garage = Garage()
    await garage.server.start()
    yield garage
    await garage.server.close()


async def test_the_station_switches_and_hears_the_car(garage: Garage) -> None:
    reader, writer = await garage.station()
    writer.write(b'{"d1":1,"d2":0}\nrubbish\n{"i":3,"v_src":380}\n')
    await garage.until(Wires(d1=True, d2=False))
    await garage.until(Supply(380.0, 3.0))
    garage.server.send(CAR)
    assert json.loads(await reader.readline())["prox"] == 1
    writer.close()


async def test_a_station_that_comes_back_replaces_its_connection_and_starts_with_all_off(garage: Garage) -> None:
    first_reader, first = await garage.station()
    first.write(b'{"d1":1}\n')
    await garage.until(Wires(d1=True, d2=False))
    garage.events.clear()
    reader, second = await garage.station()
    await garage.until(OFF)
    await ended(first_reader)
    garage.server.send(CAR)
    assert await reader.readline()
    first.close()
    second.close()


async def test_a_silent_station_with_d1_on_has_gone(garage: Garage) -> None:
    _, writer = await garage.station()
    writer.write(b'{"d1":1,"d2":1,"i":20}\n')
    await garage.until(Wires(d1=True, d2=True))
    now = asyncio.get_running_loop().time()
    garage.server.watch(now + 0.4)
    assert OFF not in garage.events[1:]
    garage.server.watch(now + 0.6)
    assert garage.events[-2:] == [DEAD, OFF]
    writer.close()


async def test_a_lost_station_delivers_nothing_at_once(garage: Garage) -> None:
    _, writer = await garage.station()
    writer.write(b'{"d1":1,"d2":1,"i":20,"v_src":390}\n')
    await garage.until(Supply(390.0, 20.0))
    writer.transport.abort()
    await garage.until(Supply(390.0, 0.0))


async def test_an_endless_line_ends_the_connection(garage: Garage) -> None:
    reader, writer = await garage.station()
    writer.write(b"x" * 20000)
    await ended(reader)
    writer.close()


async def test_a_port_in_use_names_the_setting(garage: Garage) -> None:
    with pytest.raises(ConfigError, match=r"vehicle\.plant"):
        await PlantServer("127.0.0.1", garage.server.port, garage.events.append).start()
