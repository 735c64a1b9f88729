"""The gRPC service against real peers, over mutual TLS on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from powerctl.core.demand import StationReport
from powerctl.core.errors import ConfigError
from powerctl.core.ids import ConnectorId, StationId
from powerctl.core.order import StationCommand
from powerctl.core.record import CommandOutcome, CommandResult, GridEvent, GridEventKind, Record
from powerctl.core.setpoint import Command, LimitSource, Setpoint
from powerctl.core.units import Power
from powerctl.dispatch.server import DispatchServer
from powerctl.dispatch.settings import DispatchSettings
from powerctl.runtime import pki
from powerctl.runtime.settings import TlsFiles
from powerctl.v1 import dispatch_pb2 as pb
from powerctl.wire.dispatch import Hello
from tests.integration.manager.controller import ScriptedController, eventually
from tests.unit.allocation.station import NOON

pytestmark = pytest.mark.integration
LEFT, RIGHT = ConnectorId(1), ConnectorId(2)


class Witness:
    """Notes what the service tells the energy manager."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.last: StationReport | None = None

    def connected(self, hello: Hello) -> None:
        self.told.append("connected")

    def reported(self, report: StationReport) -> None:
        if self.told[-1] != "reported":
            self.told.append("reported")
        self.last = report

    def commanded(self, command: StationCommand) -> CommandResult:
        self.told.append(f"commanded {command.command_id}")
        return CommandResult(command.command_id, CommandOutcome.REJECTED, "No.")

    def disconnected(self) -> None:
        self.told.append("disconnected")


@asynccontextmanager
async def _served(tls: TlsFiles, witness: Witness, station: str = "S-1") -> AsyncIterator[DispatchServer]:
    server = DispatchServer(DispatchSettings(port=0, tls=tls), StationId(station), (LEFT, RIGHT), witness)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


def _setpoint(sequence: int, watts: float) -> Setpoint:
    return Setpoint(LEFT, sequence, Command.RUN, Power(watts), 3.0, 2.0)


async def test_reports_go_up_and_setpoints_come_down(server_tls: TlsFiles, client_tls: TlsFiles) -> None:
    witness = Witness()
    async with _served(server_tls, witness) as server, ScriptedController(server.port, client_tls) as controller:
        await eventually(lambda: witness.last is not None)
        server.send_setpoint(_setpoint(1, 7000.0))
        await eventually(lambda: controller.limit_w(1) == 7000.0)
    assert witness.told[:2] == ["connected", "reported"]


async def test_a_lost_controller_is_told(server_tls: TlsFiles, client_tls: TlsFiles) -> None:
    witness = Witness()
    async with _served(server_tls, witness) as server:
        async with ScriptedController(server.port, client_tls):
            await eventually(lambda: server.connected)
        await eventually(lambda: not server.connected)
    assert witness.told[-1] == "disconnected"


async def test_a_new_stream_replaces_the_old_one(server_tls: TlsFiles, client_tls: TlsFiles) -> None:
    witness = Witness()
    async with _served(server_tls, witness) as server, ScriptedController(server.port, client_tls) as first:
        await eventually(lambda: witness.last is not None)
        async with ScriptedController(server.port, client_tls) as second:
            await eventually(lambda: witness.told.count("connected") == 2)
            server.send_setpoint(_setpoint(1, 7000.0))
            await eventually(lambda: second.limit_w(1) == 7000.0)
            assert await first.stream.code() is grpc.StatusCode.ABORTED
    assert first.setpoints == []
    assert [word for word in witness.told if word != "reported"][:3] == ["connected", "disconnected", "connected"]


async def test_another_certificate_is_refused(server_tls: TlsFiles, authority: pki.Authority) -> None:
    stranger = pki.issue(authority, "S-2", client=True)
    witness = Witness()
    async with _served(server_tls, witness) as server, ScriptedController(server.port, stranger) as controller:
        assert await controller.stream.code() is grpc.StatusCode.PERMISSION_DENIED
    assert witness.told == []


async def test_another_authority_does_not_get_through(server_tls: TlsFiles, tmp_path: Path) -> None:
    stranger = pki.issue(pki.create_ca(tmp_path, "Strangers"), "S-1", client=True)
    witness = Witness()
    trusting = TlsFiles(ca=server_tls.ca, certificate=stranger.certificate, key=stranger.key)
    async with _served(server_tls, witness) as server:
        with pytest.raises((TimeoutError, grpc.aio.AioRpcError)):
            async with asyncio.timeout(1.0), ScriptedController(server.port, trusting):
                await asyncio.Event().wait()
    assert witness.told == []


async def test_a_bad_message_is_dropped_and_the_stream_goes_on(server_tls: TlsFiles, client_tls: TlsFiles) -> None:
    witness = Witness()
    async with _served(server_tls, witness) as server, ScriptedController(server.port, client_tls) as controller:
        bad = pb.ConnectorReport(connector=99)
        await controller.write(pb.ConnectRequest(report=pb.Report(connectors=[bad])))
        await controller.write(pb.ConnectRequest())
        await eventually(lambda: witness.last is not None)
        assert server.connected


async def test_a_record_is_sent_again_until_it_is_stored(server_tls: TlsFiles, client_tls: TlsFiles) -> None:
    event = GridEvent(GridEventKind.COMPLIED, LimitSource.DSO, Power(4200.0), None, NOON, "Met.")
    async with _served(server_tls, Witness()) as server:
        server.send_record(Record(NOON, event))
        async with ScriptedController(server.port, client_tls, stores=False) as forgetful:
            await eventually(lambda: forgetful.events() == [event])
        await eventually(lambda: not server.connected)
        async with ScriptedController(server.port, client_tls) as careful:
            await eventually(lambda: careful.record_ids == forgetful.record_ids)
            await eventually(lambda: not list(server._records.waiting()))


async def test_a_silent_controller_is_not_there(
    server_tls: TlsFiles, client_tls: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("powerctl.dispatch.server.SILENCE_S", 0.3)
    async with _served(server_tls, Witness()) as server, ScriptedController(server.port, client_tls) as controller:
        await eventually(lambda: server.connected)
        controller._tasks[1].cancel()
        await eventually(lambda: not server.connected)


async def test_a_port_in_use_names_the_setting(server_tls: TlsFiles) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = DispatchSettings(port=taken.getsockname()[1], tls=server_tls)
        server = DispatchServer(settings, StationId("S-1"), (LEFT,), Witness())
        with pytest.raises(ConfigError, match=r"manager\.dispatch\.port"):
            await server.start()
        await server.close()


async def test_a_missing_certificate_names_the_setting(server_tls: TlsFiles, tmp_path: Path) -> None:
    tls = server_tls.model_copy(update={"key": tmp_path / "none.key"})
    server = DispatchServer(DispatchSettings(port=0, tls=tls), StationId("S-1"), (LEFT,), Witness())
    with pytest.raises(ConfigError, match=r"manager\.dispatch\.tls"):
        await server.start()
