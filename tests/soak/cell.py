"""A whole cell of real programs: broker, database, cloud, two stations behind bad lines, a payment provider."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn

from cloud.payment.fake import FakeProvider
from cloud.payment.fake_http import FakeStripe
from powerctl.core.ids import StationId
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.pki import signing_key
from tests.broker import Broker, free_port
from tests.integration.link.station import Station
from tests.proxy import Proxy
from tests.soak.roadside import Roadside
from tests.unit.cloud.databases import PostgresServer

STATIONS = ("ST-1", "ST-2")
DISK_BYTES = 72_000_000
"""A little more than what an outbox leaves to billing records."""
_CONFIG = """
[cloud]
database_url = "{database}"

[cloud.identity]
signing_key = "{folder}/signing.pem"

[cloud.receipts]
signing_key = "{folder}/receipts.pem"

[cloud.tariff]
name = "Day"
currency = "EUR"
energy_price_per_kwh = "0.49"

[cloud.payment]
provider = "stripe"
secret_key_file = "{folder}/psp.key"
webhook_secret_file = "{folder}/psp.key"
address = "http://127.0.0.1:{psp}"

[cloud.limits]
calls_per_second = 1000
burst = 1000

[cloud.web]
port = {web}

[cloud.grpc]
port = {grpc}

[cloud.http]
port = {http}

[cloud.mqtt]
host = "127.0.0.1"
port = {broker.port}
reconnect_cap_s = 0.5
tls = {{ ca = "{tls.ca}", certificate = "{tls.certificate}", key = "{tls.key}" }}
"""


@dataclass
class Cell:
    """Everything that can be broken."""

    folder: Path
    broker: Broker
    server: PostgresServer
    database: str
    roadsides: list[Roadside]
    provider: FakeProvider
    psp: int
    grpc: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)
    can_fill_disks: bool = False
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        for name in ("signing.pem", "receipts.pem"):
            signing_key(self.folder / name)
        (self.folder / "psp.key").write_text("sk_test_soak")
        self.config = self.folder / "cloud.toml"
        self.config.write_text(
            _CONFIG.format(
                database=self.database,
                folder=self.folder,
                psp=self.psp,
                web=free_port(),
                grpc=self.grpc,
                http=self.http,
                broker=self.broker,
                tls=self.broker.settings().tls,
            )
        )

    def start(self) -> None:
        """Start the cloud; it is ready a little later."""
        argv = [sys.executable, "-m", "cloud.cli", "serve", "--config", str(self.config)]
        with (self.folder / "cloud.log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the cloud."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=30)
            self._process = None

    @property
    def running(self) -> bool:
        """False: the cloud's process has ended, whoever ended it."""
        return self._process is not None and self._process.poll() is None

    async def until_well(self, within_s: float = 60.0) -> None:
        """Wait until the cloud says that everything it needs is there."""
        async with asyncio.timeout(within_s), httpx.AsyncClient() as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"http://127.0.0.1:{self.http}/healthz")).status_code == 200:
                        return
                assert self.running, (self.folder / "cloud.log").read_text()[-3000:]
                await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def cell(folder: Path, server: PostgresServer, seed: int) -> AsyncIterator[Cell]:
    """A cell that runs until the block ends."""
    broker = await asyncio.to_thread(Broker, folder, "nats")
    provider = FakeProvider(SystemClock())
    async with contextlib.AsyncExitStack() as stack:
        await asyncio.to_thread(broker.start)
        stack.callback(broker.stop, signal.SIGKILL)
        psp = await stack.enter_async_context(_served(FakeStripe(provider, "sk_test_soak")))
        roadsides = []
        small = [stack.enter_context(_small_disk(folder / name / "state")) for name in STATIONS]
        for number, name in enumerate(STATIONS):
            line = await stack.enter_async_context(Proxy([("127.0.0.1", broker.port)]))
            station = Station(folder / name, broker, name=StationId(name), door=line.port)
            stack.callback(station.stop, signal.SIGKILL)
            roadsides.append(Roadside(station, line, random.Random(f"{seed}-{number}")))
        made = Cell(folder, broker, server, await server.new(), roadsides, provider, psp, can_fill_disks=all(small))
        stack.callback(made.stop)
        made.start()
        await made.until_well()
        yield made


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """A disk of its own for `folder`, where this process may mount one; says whether it is."""
    folder.mkdir(parents=True)
    argv = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(argv, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)


@contextlib.asynccontextmanager
async def _served(fake: FakeStripe) -> AsyncIterator[int]:
    port = free_port()
    config = uvicorn.Config(fake.app(), port=port, log_level="critical", lifespan="off")
    serving = uvicorn.Server(config)
    serving.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(serving.serve())
    try:
        while not serving.started:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        yield port
    finally:
        serving.should_exit = True
        await task
