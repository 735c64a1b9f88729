"""The link to a plant comes back by itself, and a silent or lost plant is an unplugged vehicle."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge.hardware.plant import PlantLink, parse_address
from edge.hardware.plant_lines import UNPLUGGED_PLANT, PlantState
from powerctl.core.errors import ConfigError
from tests.unit.edge.can.waiting import until


class Plant:
    """The vehicle's side: a server that says what it is told to say, or nothing."""

    def __init__(self) -> None:
        self.heard: dict[str, Any] = {}
        self.writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server

    async def open(self, port: int = 0) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        self._server.close()
        for writer in self.writers:
            writer.transport.abort()

    def says(self, **values: float) -> None:
        self.writers[-1].write(json.dumps(values).encode() + b"\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while line := await reader.readline():
                self.heard.update(json.loads(line))
        except ConnectionError:
            return


class Rig:
    def __init__(self, port: int, plant: Plant) -> None:
        self.plant = plant
        self.port = port
        self.changes: list[PlantState] = []
        self.link = PlantLink("127.0.0.1", port, connector=1, on_change=self.changes.append)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    plant = Plant()
    rig = Rig(await plant.open(), plant)
    task = asyncio.create_task(rig.link.run())
    await until(lambda: bool(plant.writers))
    yield rig
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await plant.close()


async def test_a_line_is_seen_at_once(rig: Rig) -> None:
    rig.plant.says(prox=1, k=1, contactor=0, v_inlet=0)
    await until(lambda: rig.link.state.prox)
    assert rig.changes == [PlantState(k=True, prox=True)]


async def test_orders_arrive_and_are_repeated_to_a_plant_that_comes_later(rig: Rig) -> None:
    rig.link.order(d1=1)
    await until(lambda: rig.plant.heard.get("d1") == 1)
    await rig.plant.close()
    await until(lambda: not rig.link.is_alive)
    rig.link.order(d2=1)
    later = Plant()
    await later.open(rig.port)
    await until(lambda: later.heard.get("d2") == 1 and later.heard.get("d1") == 1)
    await later.close()


async def test_silence_is_unplugged(rig: Rig) -> None:
    rig.plant.says(prox=1)
    await until(lambda: rig.link.state.prox)
    await until(lambda: not rig.link.state.prox, within_s=1.0)
    assert rig.link.is_alive
    rig.plant.says(prox=1)
    await until(lambda: rig.link.state.prox)


async def test_a_lost_link_is_unplugged(rig: Rig) -> None:
    rig.plant.says(prox=1)
    await until(lambda: rig.link.state.prox)
    await rig.plant.close()
    await until(lambda: rig.link.state == UNPLUGGED_PLANT, within_s=0.2)


async def test_a_wrong_line_is_passed_over(rig: Rig) -> None:
    rig.plant.writers[-1].write(b"garbage\n")
    rig.plant.says(prox=1)
    await until(lambda: rig.link.state.prox)


async def test_a_line_without_end_costs_the_connection(rig: Rig) -> None:
    rig.plant.writers[-1].write(b"x" * 10_000)
    await until(lambda: len(rig.plant.writers) == 2)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:7001", "udp://h:1", "tcp://h", "tcp://:1", "tcp://h:x", "tcp://h:99999"]
)
def test_a_wrong_address_is_a_configuration_error(address: str) -> None:
    with pytest.raises(ConfigError, match="plant"):
        parse_address("plant", address)


def test_an_address_is_host_and_port() -> None:
    assert parse_address("plant", "tcp://127.0.0.1:7001") == ("127.0.0.1", 7001)
