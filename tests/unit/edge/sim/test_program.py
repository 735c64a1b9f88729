"""The program around the car: a bus inside this process, and a station that speaks lines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import can
import pytest
import pytest_asyncio

from edge.chademo.frames import Capability, StationFlag, StationStatus
from edge.sim.models import MODELS
from edge.sim.program import VehicleProgram, main, varied
from edge.sim.settings import VehicleSettings


def test_a_seed_varies_reaction_times_repeatably_and_zero_leaves_them() -> None:
    model = MODELS["leaf40"]
    assert varied(model, 0) is model
    assert varied(model, 7) == varied(model, 7)
    assert varied(model, 7) != varied(model, 8)
    assert varied(model, 7).permit_s == pytest.approx(model.permit_s, rel=0.16)


def test_a_bus_that_python_can_does_not_know_ends_with_status_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--can", "teapot:0", "--plant", "127.0.0.1:0"]) == 2
    assert "vehicle.can" in capsys.readouterr().err


class Station:
    """The other end of bus and plant."""

    def __init__(self, program: VehicleProgram, bus: can.BusABC) -> None:
        self.program = program
        self.bus = bus

    def say(self, flags: StationFlag) -> None:
        for frame in (Capability(True, 500, 30, 435), StationStatus(2, 0, 0, False, flags, 255, 60)):
            self.bus.send(can.Message(arbitration_id=frame.FRAME_ID, data=frame.encode(), is_extended_id=False))

    async def hear(self) -> int:
        """Identifier of the next frame from the car."""
        message = await asyncio.to_thread(self.bus.recv, 5.0)
        assert message is not None
        return int(message.arbitration_id)


@pytest_asyncio.fixture
async def station(request: pytest.FixtureRequest) -> AsyncIterator[Station]:
    channel = f"vehicle-{request.node.name}"
    settings = VehicleSettings(can=f"virtual:{channel}", plant="127.0.0.1:0", soc=50.0, **getattr(request, "param", {}))
    program = VehicleProgram(settings)
    with can.Bus(interface="virtual", channel=channel) as bus:
        running = asyncio.create_task(program.run())
        yield Station(program, bus)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def connected(station: Station) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for _ in range(500):
        if station.program.plant.port:
            break
        await asyncio.sleep(0.01)
    return await asyncio.open_connection("127.0.0.1", station.program.plant.port)


@contextlib.asynccontextmanager
async def awake(station: Station) -> AsyncIterator[None]:
    """A station that holds d1 and says so often enough, however busy this machine is."""
    _, writer = await connected(station)

    async def hold() -> None:
        while True:
            writer.write(b'{"d1":1,"d2":0,"v_src":0,"i":0}\n')
            await asyncio.sleep(0.05)

    holding = asyncio.create_task(hold())
    yield
    holding.cancel()
    writer.close()


async def test_the_car_tells_its_lines_by_itself_often_enough(station: Station) -> None:
    reader, writer = await connected(station)
    begun = asyncio.get_running_loop().time()
    lines = [await asyncio.wait_for(reader.readline(), 5) for _ in range(10)]
    assert b'"prox":1' in lines[-1]
    assert asyncio.get_running_loop().time() - begun < 5.0
    writer.close()


async def test_d1_wakes_the_car_on_the_bus_and_the_stations_frames_reach_it(station: Station) -> None:
    _, writer = await connected(station)
    writer.write(b'{"d1":1,"d2":0,"v_src":0,"i":0}\n')
    assert [await station.hear() for _ in range(4)] == [0x100, 0x101, 0x102, 0x110]
    station.say(StationFlag.STOP)
    async with asyncio.timeout(5):
        while station.program.vehicle.capability is None:
            writer.write(b'{"i":0}\n')
            await asyncio.sleep(0.02)
    assert station.program.vehicle.capability.available_current_a == 30
    writer.close()


@pytest.mark.parametrize("station", [{"model": "kit225"}], indirect=True)
async def test_a_kit_sends_one_identifier_after_the_other(station: Station) -> None:
    async with awake(station):
        assert {await station.hear() for _ in range(6)} == {0x100, 0x101, 0x102}


@pytest.mark.parametrize("station", [{"fault": ("extended-ids",)}], indirect=True)
async def test_a_fault_that_was_asked_for_is_on_the_bus(station: Station) -> None:
    async with awake(station):
        message = await asyncio.to_thread(station.bus.recv, 5.0)
    assert message is not None
    assert message.is_extended_id
