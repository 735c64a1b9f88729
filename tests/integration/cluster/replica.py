"""Replicas of the cloud as processes over one PostgreSQL and one cluster, and a client that knows all of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import grpc.aio
import httpx

from cloud.api.tokens import Tokens, load_key
from cloud.domain.principal import Principal
from powerctl.runtime.clock import SystemClock
from powerctl.v1 import location_pb2, watch_pb2
from tests.broker import free_port
from tests.cluster import Cluster
from tests.contract.api.peers import Failed, Native

_CONFIG = """
[cloud]
database_url = "{database}"
parts = ["{part}"]

[cloud.identity]
signing_key = "{key}"

[cloud.tariff]
name = "Day"
currency = "EUR"
energy_price_per_kwh = "0.49"

[cloud.web]
port = {web}

[cloud.grpc]
port = {grpc}

[cloud.http]
port = {http}

[cloud.mqtt]
host = "127.0.0.1"
port = {mqtt}
tls = {{ ca = "{tls.ca}", certificate = "{tls.certificate}", key = "{tls.key}" }}

[cloud.nats]
servers = {servers}
reconnect_cap_s = 0.5
tls = {{ ca = "{tls.ca}", certificate = "{tls.certificate}", key = "{tls.key}" }}
"""


@dataclass
class Replica:
    """One process, which can be killed and started again."""

    name: str
    part: str
    folder: Path
    cluster: Cluster
    database: str
    key: Path
    grpc: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        nats = self.cluster.nats()
        self.config = self.folder / f"{self.name}.toml"
        self.config.write_text(
            _CONFIG.format(
                database=self.database,
                part=self.part,
                key=self.key,
                web=free_port(),
                grpc=self.grpc,
                http=self.http,
                mqtt=self.cluster.door.port,
                servers=json.dumps(nats.servers),
                tls=nats.tls,
            )
        )

    def start(self) -> None:
        """Start it; it is ready a little later."""
        argv = [sys.executable, "-m", "cloud.cli", "serve", "--config", str(self.config)]
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=30)
            self._process = None

    async def until_well(self, within_s: float = 60.0) -> None:
        """Wait until it says that everything it needs is there."""
        async with asyncio.timeout(within_s), httpx.AsyncClient() as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"http://127.0.0.1:{self.http}/healthz")).status_code == 200:
                        return
                assert self._process is None or self._process.poll() is None, self.log()[-3000:]
                await asyncio.sleep(0.1)

    def log(self) -> str:
        """What it has logged."""
        return (self.folder / f"{self.name}.log").read_text()


@dataclass
class Client:
    """A client that goes to the next replica when one does not answer, with the cursor of the stream it lost."""

    ports: Sequence[int]
    key: Path
    who: Principal
    answered: int = 0
    sessions: dict[str, int] = field(default_factory=dict)
    """What the stream has told: the last state of each session."""
    moved: int = 0
    """How often a stream was lost and another continued it."""

    def _token(self) -> str:
        return Tokens(load_key(self.key), SystemClock()).access(self.who, str(uuid.uuid4()))[0]

    async def call(self) -> NoReturn:
        """Ask for the locations again and again; whichever replica answers."""
        turn = 0
        while True:
            with contextlib.suppress(Failed):
                await Native(self.ports[turn % len(self.ports)]).call(
                    "LocationService/ListLocations",
                    location_pb2.ListLocationsRequest(),
                    location_pb2.ListLocationsResponse,
                    self._token(),
                )
                self.answered += 1
                turn -= 1
            turn += 1
            await asyncio.sleep(0.1)

    async def watch(self) -> NoReturn:
        """Follow everything; continue elsewhere after the last cursor when the stream is lost."""
        cursor, turn = "", 0
        while True:
            request = watch_pb2.WatchRequest(resume_after=cursor)
            stream = Native(self.ports[turn % len(self.ports)]).stream(
                "WatchService/Watch", request, watch_pb2.WatchResponse, self._token()
            )
            with contextlib.suppress(grpc.aio.AioRpcError):
                async with contextlib.aclosing(stream):
                    async for response in stream:
                        cursor = response.cursor
                        if response.WhichOneof("event") == "session":
                            self.sessions[response.session.name] = response.session.state
            self.moved += 1
            turn += 1
            await asyncio.sleep(0.1)
