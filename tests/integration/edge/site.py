"""A station on loopback: hub, car and controller as processes of their own, and an energy manager with a script."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import grpc
import grpc.aio

from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.order import StartCharging, StationCommand, StopCharging
from powerctl.core.record import Body, SessionOpened
from powerctl.core.session import StopReason
from powerctl.core.setpoint import Command, Limit, LimitSource, Setpoint
from powerctl.core.units import Power
from powerctl.runtime import pki
from powerctl.runtime.outbox import CommandBox, Outbox
from powerctl.v1 import dispatch_pb2 as pb
from powerctl.v1 import uplink_pb2
from powerctl.v1.dispatch_pb2_grpc import DispatchServiceServicer, add_DispatchServiceServicer_to_server
from powerctl.wire.batch import encode_command
from powerctl.wire.dispatch import report_from_wire, setpoint_to_wire
from powerctl.wire.uplink import record_from_wire

B = TypeVar("B")
S = TypeVar("S", bound="Site")
STATION = "st-test"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A program of ours."""

    def __init__(self, name: str, folder: Path, *arguments: str) -> None:
        self._arguments = arguments
        self._log = folder / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self._arguments, stderr=log, stdout=log
            )

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; returns the exit status."""
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(number)
        return await self.ends()

    def signal(self, number: int) -> None:
        """Send a signal and do not wait."""
        assert self._process is not None
        self._process.send_signal(number)

    async def ends(self) -> int:
        """Wait until it has ended by itself; returns the exit status."""
        assert self._process is not None
        async with asyncio.timeout(10):
            return await self._process.wait()

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def resident_mb(self) -> float:
        """Megabytes in memory; 0 where the system does not say."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status")
        if not status.exists():
            return 0.0
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


class Talking(Process):
    """A program that takes orders on standard input."""

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self._arguments, stdin=asyncio.subprocess.PIPE, stderr=log, stdout=log
            )

    def say(self, **order: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")


class ScriptedManager(DispatchServiceServicer):
    """An energy manager that grants what the test says, and remembers what it is told."""

    def __init__(self) -> None:
        self.limit_w: float | None = 22_000.0
        """None: silent."""
        self.command = Command.RUN
        self.settle_s = 2.0
        self.connectors: tuple[int, ...] = (1,)
        """Who is granted `limit_w`, each."""
        self.hellos: list[pb.Hello] = []
        self.reports: list[StationReport] = []
        self.stored: list[str] = []
        self.outgoing: list[pb.ConnectResponse] = []
        self._server = grpc.aio.server()
        self._renew = asyncio.Event()
        add_DispatchServiceServicer_to_server(self, self._server)

    async def start(self, authority: pki.Authority, port: int = 0) -> int:
        tls = pki.issue(authority, "manager", server_names=["127.0.0.1", "localhost"])
        credentials = grpc.ssl_server_credentials(
            [(tls.key.read_bytes(), tls.certificate.read_bytes())], tls.ca.read_bytes(), require_client_auth=True
        )
        bound = self._server.add_secure_port(f"127.0.0.1:{port}", credentials)
        await self._server.start()
        return int(bound)

    async def close(self) -> None:
        await self._server.stop(0)

    def grant(self, limit_w: float | None, *, command: Command = Command.RUN, settle_s: float = 2.0) -> None:
        self.limit_w, self.command, self.settle_s = limit_w, command, settle_s
        self._renew.set()

    def send(self, message: pb.ConnectResponse) -> None:
        self.outgoing.append(message)
        self._renew.set()

    @property
    def latest(self) -> ConnectorReport:
        return self.reports[-1].connectors[0]

    async def Connect(self, request_iterator: Any, context: Any) -> AsyncIterator[pb.ConnectResponse]:
        listening = asyncio.create_task(self._listen(request_iterator))
        sequence = 0
        try:
            yield pb.ConnectResponse(welcome=pb.Welcome(boot_id="manager"))
            while not listening.done():
                self._renew.clear()
                while self.outgoing:
                    yield self.outgoing.pop(0)
                if self.limit_w is not None:
                    sequence += 1
                    for connector in self.connectors:
                        setpoint = self._setpoint(connector, sequence)
                        yield pb.ConnectResponse(setpoint=setpoint_to_wire(setpoint))
                await asyncio.wait([asyncio.create_task(self._renew.wait())], timeout=1.0)
        finally:
            listening.cancel()

    def _setpoint(self, connector: int, sequence: int) -> Setpoint:
        limit = Power(self.limit_w or 0.0)
        reasons = (Limit(LimitSource.DSO, limit, "The grid operator limits the station."),)
        return Setpoint(ConnectorId(connector), sequence, self.command, limit, 3.0, self.settle_s, reasons)

    async def _listen(self, requests: Any) -> None:
        async for request in requests:
            kind = request.WhichOneof("message")
            if kind == "hello":
                self.hellos.append(request.hello)
            elif kind == "report":
                self.reports.append(report_from_wire(request.report))
            else:
                self.stored.append(request.record_stored.record_id)


class Site:
    """Everything together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = pki.create_ca(folder / "pki", "test")
        self.manager = ScriptedManager()
        self.can_port, self.plant_port, self.http_port = free_port(), free_port(), free_port()
        self.hub = Process("hub", folder, "-m", "edge.can.hub", "--listen", f"127.0.0.1:{self.can_port}")
        self.car = self.vehicle("car", "leaf40", self.can_port, self.plant_port)
        self.edge = self.another_edge("edge")
        self._seen = 0

    def another_edge(self, name: str = "edge-2") -> Process:
        """A controller with the same settings."""
        return Process(name, self.folder, "-m", "edge.cli", "control", "--config", str(self.folder / "station.toml"))

    def vehicle(self, name: str, model: str, can_port: int, plant_port: int) -> Process:
        """A simulated vehicle, at 40 %."""
        return Process(name, self.folder, *self._vehicle_words(model, can_port, plant_port))

    def told_vehicle(self, name: str, model: str, can_port: int, plant_port: int) -> Talking:
        """A simulated vehicle that plugs in when it is told to."""
        return Talking(name, self.folder, *self._vehicle_words(model, can_port, plant_port), "--stdin")

    def _vehicle_words(self, model: str, can_port: int, plant_port: int) -> tuple[str, ...]:
        can, plant = f"socketcand:127.0.0.1:{can_port}/can0", f"127.0.0.1:{plant_port}"
        return ("-c", _CAR, "--model", model, "--can", can, "--plant", plant, "--soc", "40", "--seed", "7")

    async def start(self) -> None:
        port = await self.manager.start(self.authority)
        client = pki.issue(self.authority, STATION, client=True)
        settings = _SETTINGS.format(
            folder=self.folder,
            can=self.can_port,
            plant=self.plant_port,
            http=self.http_port,
            dispatch=port,
            ca=client.ca,
            certificate=client.certificate,
            key=client.key,
        )
        (self.folder / "station.toml").write_text(self.settings(settings))
        await self.hub.start()
        await self.edge.start()
        await self.until(lambda: bool(self.manager.reports), 20)

    async def close(self) -> None:
        for process in self.processes():
            await process.end(signal.SIGKILL)
        await self.manager.close()

    def settings(self, text: str) -> str:
        """The station file, from what every site has."""
        return text

    def processes(self) -> tuple[Process, ...]:
        return (self.edge, self.car, self.hub)

    async def until(self, condition: Callable[[], object], within_s: float = 10.0) -> None:
        """Return when `condition` holds; the log of the controller tells why not."""
        try:
            async with asyncio.timeout(within_s):
                while not condition():  # noqa: ASYNC110 - other processes set no event
                    await asyncio.sleep(0.02)
        except TimeoutError:
            logs = "\n".join(process.log[-4000:] for process in self.processes())
            raise AssertionError(f"not within {within_s} s\n{logs}") from None

    @property
    def outbox(self) -> Path:
        return self.folder / "state" / "outbox.sqlite"

    def records(self, kind: type[B]) -> list[B]:
        outbox = Outbox(self.outbox)
        try:
            entries = sorted(outbox.pending(limit=100_000))
        finally:
            outbox.close()
        bodies: list[Body] = [record_from_wire(uplink_pb2.Record.FromString(entry.payload)).body for entry in entries]
        return [body for body in bodies if isinstance(body, kind)]

    def session(self) -> SessionId:
        return self.records(SessionOpened)[-1].session

    def order(self, command_id: str, action: StartCharging | StopCharging, for_s: float = 30.0) -> None:
        expire_time = datetime.now(UTC) + timedelta(seconds=for_s)
        mailbox = CommandBox(self.outbox)
        try:
            mailbox.put(command_id, expire_time, encode_command(StationCommand(command_id, expire_time, action)))
        finally:
            mailbox.close()

    def order_start(self, command_id: str = "start-1", for_s: float = 30.0) -> None:
        self.order(command_id, StartCharging(self.session(), ConnectorId(1)), for_s)

    def order_stop(self, command_id: str = "stop-1") -> None:
        self.order(command_id, StopCharging(self.session(), ConnectorId(1), StopReason.DRIVER))

    async def charges(self) -> None:
        """Plugged in, started, on full power."""
        await self.car.start()
        await self.until(lambda: self.records(SessionOpened))
        self.order_start()
        await self.until(lambda: self.manager.latest.power.w > 15_000, 30)

    async def get(self, path: str) -> tuple[int, str]:
        def fetch() -> tuple[int, str]:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}") as answer:
                return answer.status, answer.read().decode()

        return await asyncio.to_thread(fetch)

    async def is_healthy(self) -> bool:
        try:
            return bool(json.loads((await self.get("/healthz"))[1])["healthy"])
        except urllib.error.HTTPError as unwell:
            unwell.close()
            return False

    async def becomes_healthy(self, within_s: float = 10.0) -> None:
        async with asyncio.timeout(within_s):
            while not await self.is_healthy():  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.1)


@asynccontextmanager
async def a_site(folder: Path) -> AsyncIterator[Site]:
    """A station that runs until the end of the block, whatever happens in it."""
    async with running(Site(folder)) as site:
        yield site


@asynccontextmanager
async def running(site: S) -> AsyncIterator[S]:
    """`site` until the end of the block."""
    try:
        await site.start()
        yield site
    finally:
        await site.close()


_CAR = "import sys; from edge.sim.program import main; sys.exit(main(sys.argv[1:]))"
_SETTINGS = """
[station]
id = "st-test"
display_name = "Test"
rating_w = 25000
simulated = true
state_dir = "{folder}/state"

[[station.connector]]
id = 1
type = "chademo"
position = "left"
max_power_w = 22000
max_current_a = 60
max_voltage_v = 500
min_power_w = 1000
fallback_w = 5000

[edge]
http = {{ port = {http} }}

[edge.dispatch]
target = "127.0.0.1:{dispatch}"
tls = {{ ca = "{ca}", certificate = "{certificate}", key = "{key}" }}

[[edge.connector]]
id = 1
can = {{ interface = "socketcand", channel = "can0", host = "127.0.0.1", port = {can} }}
plant = "tcp://127.0.0.1:{plant}"
chademo = {{ test_hold_s = 0.5 }}
"""
