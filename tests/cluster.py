"""Three real NATS nodes on loopback, and the door through which stations reach whichever of them is alive."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cloud.ingest.jetstream import NatsSettings
from powerctl.app.broker import INGEST_NAME, Member, Place, prepare
from powerctl.runtime.mqtt import MqttSettings
from powerctl.runtime.pki import Authority, create_ca, issue
from powerctl.runtime.settings import TlsFiles
from tests.broker import free_port
from tests.proxy import Proxy

NODES = 3


@dataclass(slots=True)
class Node:
    """One node, which can be killed and started again."""

    name: str
    mqtt: int
    client: int
    argv: tuple[str, ...]
    log: Path
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its port opens a little later."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self.argv, stdout=log, stderr=log)

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=20)
            self._process = None


@dataclass(slots=True)
class Cluster:
    """The nodes, and who may speak to them."""

    folder: Path
    stations: Sequence[str]
    authority: Authority = field(init=False)
    files: dict[str, TlsFiles] = field(init=False)
    nodes: list[Node] = field(init=False)
    door: Proxy = field(init=False)

    def __post_init__(self) -> None:
        self.authority = create_ca(self.folder / "pki", "test")
        self.files = {
            name: issue(self.authority, name, organisation="powerctl test", client=True)
            for name in (*self.stations, INGEST_NAME)
        }
        ports = [(free_port(), free_port(), free_port()) for _ in range(NODES)]
        routes = tuple(f"127.0.0.1:{cluster}" for _, _, cluster in ports)
        self.nodes = [self._node(f"n{number}", *three, routes) for number, three in enumerate(ports)]
        self.door = Proxy([("127.0.0.1", node.mqtt) for node in self.nodes])

    def _node(self, name: str, mqtt: int, client: int, cluster: int, routes: tuple[str, ...]) -> Node:
        server = issue(self.authority, name, server_names=["127.0.0.1"], client=True)
        command = prepare(
            Place(self.folder / name, mqtt, server),
            stations=[self.files[station].certificate for station in self.stations],
            ingest=self.files[INGEST_NAME].certificate,
            name="nats",
            member=Member(name, client, cluster, routes),
        )
        return Node(name, mqtt, client, command.argv, self.folder / f"{name}.log")

    def nats(self) -> NatsSettings:
        """How a replica of the cloud reaches the cluster."""
        servers = tuple(f"127.0.0.1:{node.client}" for node in self.nodes)
        return NatsSettings(servers=servers, tls=self.files[INGEST_NAME], reconnect_cap_s=0.5)

    def mqtt(self, station: str) -> MqttSettings:
        """How a station reaches the cluster."""
        return MqttSettings(host="127.0.0.1", port=self.door.port, tls=self.files[station], reconnect_cap_s=0.5)


@contextlib.asynccontextmanager
async def clustered(folder: Path, stations: Sequence[str]) -> AsyncIterator[Cluster]:
    """A cluster that is ended at the end."""
    cluster = await asyncio.to_thread(Cluster, folder, stations)
    try:
        for node in cluster.nodes:
            node.start()
        await asyncio.to_thread(_listening, cluster.nodes)
        async with cluster.door:
            yield cluster
    finally:
        for node in cluster.nodes:
            node.stop()


def _listening(nodes: Sequence[Node], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    for node in nodes:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", node.mqtt), 0.5):
                break
            assert time.monotonic() < deadline, node.log.read_text()[-2000:]
            time.sleep(0.05)
