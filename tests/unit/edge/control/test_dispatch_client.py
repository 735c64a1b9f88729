"""The stream to the energy manager: greet, report, obey, and come back after every loss."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import grpc
import grpc.aio
import pytest

from edge.control.dispatch_client import DispatchClient
from powerctl.core.demand import StationReport
from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId, station_id
from powerctl.core.record import Record
from powerctl.core.setpoint import Command, Setpoint
from powerctl.core.topology import ConnectorCapability, ConnectorType
from powerctl.core.units import Current, Power, Voltage
from powerctl.v1 import common_pb2 as common
from powerctl.v1 import dispatch_pb2 as pb
from powerctl.v1.dispatch_pb2_grpc import DispatchServiceServicer, add_DispatchServiceServicer_to_server
from powerctl.wire.dispatch import Hello, setpoint_to_wire
from tests.unit.edge.can.waiting import until

HELLO = Hello(
    station_id("st-1"),
    "boot-1",
    (
        ConnectorCapability(
            ConnectorId(1),
            ConnectorType.CHADEMO,
            Power(22_000.0),
            Current(60.0),
            Voltage(500.0),
            Power(1000.0),
            Power(5000.0),
        ),
    ),
)


class FakeStation:
    """A station that remembers what it was told."""

    def __init__(self) -> None:
        self.streams = 0
        self.setpoints: list[Setpoint] = []
        self.kept: list[str] = []
        self.energised = False
        self.resets = 0

    def stream_began(self) -> None:
        self.streams += 1

    def setpoint(self, setpoint: Setpoint) -> bool:
        if setpoint.connector != 1:
            raise RemoteError("no such connector")
        self.setpoints.append(setpoint)
        return True

    def reset_alarms(self) -> None:
        self.resets += 1

    def report(self) -> StationReport:
        return StationReport(datetime(2026, 1, 1, tzinfo=UTC), None, None, ())

    def is_energised(self) -> bool:
        return self.energised

    def keep(self, record: Record, record_id: str) -> asyncio.Future[None]:
        self.kept.append(record_id)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class FakeManager(DispatchServiceServicer):
    """The server's end of each stream."""

    def __init__(self) -> None:
        self.heard: list[pb.ConnectRequest] = []
        self.outgoing: asyncio.Queue[pb.ConnectResponse | None] = asyncio.Queue()
        self.server = grpc.aio.server()
        add_DispatchServiceServicer_to_server(self, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")

    async def Connect(self, request_iterator: Any, context: Any) -> AsyncIterator[pb.ConnectResponse]:
        listening = asyncio.create_task(self._listen(request_iterator))
        while (message := await self.outgoing.get()) is not None:
            yield message
        listening.cancel()

    async def _listen(self, requests: Any) -> None:
        async for request in requests:
            self.heard.append(request)

    def kinds(self) -> list[str | None]:
        return [request.WhichOneof("message") for request in self.heard]

    def grants(self, sequence: int, limit_w: float = 5000.0, connector: int = 1) -> None:
        setpoint = Setpoint(ConnectorId(connector), sequence, Command.RUN, Power(limit_w), 3.0, 2.0)
        self.outgoing.put_nowait(pb.ConnectResponse(setpoint=setpoint_to_wire(setpoint)))


class Rig:
    def __init__(self) -> None:
        self.manager = FakeManager()
        self.station = FakeStation()
        self.client = DispatchClient(self._dial, HELLO, self.station)

    def _dial(self) -> grpc.aio.Channel:
        options = [("grpc.use_local_subchannel_pool", 1)]
        return grpc.aio.insecure_channel(f"127.0.0.1:{self.manager.port}", options=options)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    await rig.manager.server.start()
    task = asyncio.create_task(rig.client.run())
    await until(lambda: "report" in rig.manager.kinds())
    yield rig
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await rig.manager.server.stop(0)


def reports(rig: Rig) -> int:
    return rig.manager.kinds().count("report")


async def test_hello_comes_first_and_once(rig: Rig) -> None:
    assert rig.manager.kinds()[0] == "hello"
    assert rig.manager.kinds().count("hello") == 1
    assert rig.manager.heard[0].hello.station == "st-1"
    assert rig.station.streams == 1


async def test_a_setpoint_is_taken(rig: Rig) -> None:
    rig.manager.grants(1)
    await until(lambda: bool(rig.station.setpoints))
    assert rig.station.setpoints[0].limit == Power(5000.0)
    assert rig.client.is_connected


async def test_a_change_is_reported_at_once(rig: Rig) -> None:
    before = reports(rig)
    rig.client.report_soon()
    await until(lambda: reports(rig) > before, within_s=0.5)


async def test_reports_are_frequent_while_energised(rig: Rig) -> None:
    rig.station.energised = True
    rig.client.report_soon()
    before = reports(rig)
    await until(lambda: reports(rig) >= before + 5, within_s=2.0)


async def test_an_alarm_reset_reaches_the_station_and_is_answered_by_a_report(rig: Rig) -> None:
    before = reports(rig)
    rig.manager.outgoing.put_nowait(pb.ConnectResponse(alarm_reset=pb.AlarmReset()))
    await until(lambda: rig.station.resets == 1)
    await until(lambda: reports(rig) > before)


async def test_a_wrong_message_is_passed_over(rig: Rig) -> None:
    rig.manager.outgoing.put_nowait(pb.ConnectResponse(setpoint=pb.Setpoint(connector=1, sequence=1)))
    rig.manager.outgoing.put_nowait(pb.ConnectResponse())
    rig.manager.grants(2, connector=9)
    rig.manager.grants(3)
    await until(lambda: bool(rig.station.setpoints))
    assert [setpoint.sequence for setpoint in rig.station.setpoints] == [3]


async def test_limits_of_the_station_are_remembered_until_the_stream_ends(rig: Rig) -> None:
    limits = common.StationLimits(cap_w=4200.0, source=common.LIMIT_SOURCE_DSO, detail="Dimmed.")
    rig.manager.outgoing.put_nowait(pb.ConnectResponse(station_limits=limits))
    await until(lambda: rig.client.limits is not None)
    rig.manager.outgoing.put_nowait(None)
    await until(lambda: rig.client.limits is None)


async def test_a_record_is_confirmed_when_it_is_durable(rig: Rig) -> None:
    message = pb.ConnectResponse()
    message.manager_record.record_id = "r-1"
    message.manager_record.record.record_time.GetCurrentTime()
    message.manager_record.record.fault_cleared.connector = 1
    message.manager_record.record.fault_cleared.code = "insulation"
    rig.manager.outgoing.put_nowait(message)
    await until(lambda: "record_stored" in rig.manager.kinds())
    assert rig.station.kept == ["r-1"]


async def test_a_stream_that_ends_is_dialled_again(rig: Rig) -> None:
    rig.manager.outgoing.put_nowait(None)
    await until(lambda: rig.manager.kinds().count("hello") == 2)
    assert rig.station.streams == 2


async def test_a_manager_that_starts_later_is_found(unused_tcp_port_factory: Callable[[], int]) -> None:
    port = unused_tcp_port_factory()
    station = FakeStation()
    options = [("grpc.use_local_subchannel_pool", 1)]
    dialled: list[grpc.aio.Channel] = []

    def dial() -> grpc.aio.Channel:
        dialled.append(grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options))
        return dialled[-1]

    client = DispatchClient(dial, HELLO, station)
    task = asyncio.create_task(client.run())
    await until(lambda: len(dialled) >= 2)
    manager = FakeManager()
    manager.server.add_insecure_port(f"127.0.0.1:{port}")
    await manager.server.start()
    await until(lambda: "report" in manager.kinds(), within_s=10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await manager.server.stop(0)
