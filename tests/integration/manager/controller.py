"""A scripted charging controller: real gRPC over mutual TLS, and a connector that does what it is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import grpc

from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.ids import ConnectorId, StationId
from powerctl.core.order import StationCommand
from powerctl.core.record import CommandResult, GridEvent, Record, StationLimits
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Command, Setpoint
from powerctl.core.units import ZERO_POWER, Current, Power
from powerctl.runtime.settings import TlsFiles
from powerctl.v1 import dispatch_pb2 as pb
from powerctl.v1 import dispatch_pb2_grpc as rpc
from powerctl.wire.actions import command_to_wire
from powerctl.wire.bodies import command_result_from_wire
from powerctl.wire.dispatch import Hello, hello_to_wire, report_to_wire, setpoint_from_wire
from powerctl.wire.station_limits import station_limits_from_wire
from powerctl.wire.uplink import record_from_wire
from tests.unit.allocation.station import capability, report

EFFICIENCY, AUXILIARY_W = 0.95, 150.0


@dataclass
class ScriptedController:
    """Dials, reports ten times a second, takes setpoints and confirms them. `obeys=False`: never comes down."""

    port: int
    tls: TlsFiles
    station: str = "S-1"
    obeys: bool = True
    stores: bool = True
    reports: dict[ConnectorId, ConnectorReport] = field(default_factory=dict)
    setpoints: list[tuple[float, Setpoint]] = field(default_factory=list)
    limits: list[StationLimits] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    record_ids: list[str] = field(default_factory=list)
    answers: list[CommandResult] = field(default_factory=list)
    stream: Any = None
    _channel: grpc.aio.Channel | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def plug(self, connector: int, **how: Any) -> None:
        self.reports[ConnectorId(connector)] = report(connector, **how)
        self._changed.set()

    async def __aenter__(self) -> ScriptedController:
        credentials = grpc.ssl_channel_credentials(
            self.tls.ca.read_bytes(), self.tls.key.read_bytes(), self.tls.certificate.read_bytes()
        )
        self._channel = grpc.aio.secure_channel(f"localhost:{self.port}", credentials)
        stub: Any = rpc.DispatchServiceStub(self._channel)
        self.stream = stub.Connect(wait_for_ready=True)
        hello = Hello(StationId(self.station), "boot", (capability(1), capability(2)))
        await self.stream.write(pb.ConnectRequest(hello=hello_to_wire(hello)))
        for connector in (1, 2):
            self.reports.setdefault(ConnectorId(connector), report(connector, ConnectorState.AVAILABLE))
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._report())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._channel is not None:
            await self._channel.close()

    async def write(self, message: pb.ConnectRequest) -> None:
        """gRPC takes one write at a time."""
        async with self._writing:
            await self.stream.write(message)

    async def _listen(self) -> None:
        while True:
            message = await self.stream.read()
            if message is grpc.aio.EOF:
                return
            kind = message.WhichOneof("message")
            if kind == "setpoint":
                self._take(setpoint_from_wire(message.setpoint))
            elif kind == "station_limits":
                self.limits.append(station_limits_from_wire(message.station_limits))
            elif kind == "manager_record":
                self.records.append(record_from_wire(message.manager_record.record))
                self.record_ids.append(message.manager_record.record_id)
                if self.stores:
                    stored = pb.RecordStored(record_id=message.manager_record.record_id)
                    await self.write(pb.ConnectRequest(record_stored=stored))
            elif kind == "command_result":
                self.answers.append(command_result_from_wire(message.command_result))
            self._changed.set()

    async def order(self, command: StationCommand) -> None:
        """Pass on what the back end orders."""
        await self.write(pb.ConnectRequest(station_command=command_to_wire(command)))

    def _take(self, setpoint: Setpoint) -> None:
        self.setpoints.append((time.monotonic(), setpoint))
        seen = self.reports[setpoint.connector]
        committed = setpoint.limit if self.obeys else max(setpoint.limit, seen.committed)
        self.reports[setpoint.connector] = _obeyed(seen, setpoint, committed)

    async def _report(self) -> None:
        while True:
            await self.write(pb.ConnectRequest(report=report_to_wire(self.station_report())))
            self._changed.clear()
            try:
                async with asyncio.timeout(0.1):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def station_report(self) -> StationReport:
        connectors = tuple(self.reports.values())
        ac_w = AUXILIARY_W + sum(connector.power.w for connector in connectors) / EFFICIENCY
        return StationReport(datetime.now(UTC), Power(ac_w), None, connectors)

    def limit_w(self, connector: int) -> float:
        """Of the newest setpoint; not a number before the first."""
        return next((s.limit.w for _, s in reversed(self.setpoints) if s.connector == connector), float("nan"))

    def newest(self, connector: int) -> Setpoint:
        return next(s for _, s in reversed(self.setpoints) if s.connector == connector)

    def events(self) -> list[GridEvent]:
        return [record.body for record in self.records if isinstance(record.body, GridEvent)]


def _obeyed(seen: ConnectorReport, setpoint: Setpoint, committed: Power) -> ConnectorReport:
    power = min(committed, seen.target) if seen.state is ConnectorState.CHARGING else ZERO_POWER
    state = seen.state
    if setpoint.command is Command.PAUSE and state is ConnectorState.CHARGING:
        state, power = ConnectorState.PAUSED, ZERO_POWER
    elif setpoint.command is Command.RUN and state in (ConnectorState.PAUSED, ConnectorState.STARTING):
        state = ConnectorState.CHARGING
    current = Current(power.w / seen.voltage.v)
    return replace(seen, state=state, committed=committed, applied_sequence=setpoint.sequence, current=current)


async def eventually(condition: Callable[[], bool], within_s: float = 5.0) -> float:
    """Seconds until `condition` holds. Fails when it does not in time."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within_s, "it never came true"
        await asyncio.sleep(0.002)
    return time.monotonic() - started
