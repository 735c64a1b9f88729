"""A station's outbox and its real uplink process, beside the real cloud end of the link."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from cloud.domain.tariff import Tariff
from cloud.ingest.commands import CommandPublisher
from cloud.ingest.mqtt import StationLink
from cloud.store.engine import Database, database_url
from cloud.store.migrate import migrate
from cloud.store.store import Store
from powerctl.core.ids import StationId
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.health import Health
from powerctl.runtime.outbox import CommandBox, CommandEntry, Outbox
from tests.broker import Broker, free_port

STATION = StationId("ST-1")

_CONFIG = """
[station]
id = "{station}"
display_name = "Test"
rating_w = 22000.0
state_dir = "{state}"

[[station.connector]]
id = 1
type = "chademo"
position = "left"
max_power_w = 22000.0
max_current_a = 60.0
max_voltage_v = 500.0
min_power_w = 500.0
fallback_w = 4000.0

[uplink.http]
port = {http_port}

[uplink.broker]
host = "127.0.0.1"
port = {port}
reconnect_cap_s = 0.5

[uplink.broker.tls]
ca = "{files.ca}"
certificate = "{files.certificate}"
key = "{files.key}"
"""


async def _until(condition: Callable[[], bool], within_s: float) -> None:
    """Wait for what another process does to a file, which tells nobody."""
    async with asyncio.timeout(within_s):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@dataclass
class Station:
    """The station's side: a file, and a process that can be killed."""

    folder: Path
    broker: Broker
    http_port: int = field(default_factory=free_port)
    name: StationId = STATION
    door: int = 0
    """Port through which it reaches the broker. 0: the broker's own."""
    permit_key: str = ""
    """PEM of the key by which it knows the cloud's permits. Empty: it asks for none."""
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.folder / "state" / "outbox.sqlite")
        self.mailbox = CommandBox(self.folder / "state" / "outbox.sqlite")
        files = self.broker.files[self.name]
        self.config = self.folder / "station.toml"
        self.config.write_text(
            _CONFIG.format(
                station=self.name,
                state=self.folder / "state",
                port=self.door or self.broker.port,
                http_port=self.http_port,
                files=files,
            )
        )
        if self.permit_key:
            file = self.folder / "permit.pem"
            file.write_text(self.permit_key)
            with self.config.open("a") as config:
                config.write(f'\n[uplink]\npermit_keys = ["{file}"]\n')

    def start(self) -> None:
        """Start the uplink."""
        command = [sys.executable, "-m", "edge.cli", "uplink", "--config", str(self.config)]
        with (self.folder / "uplink.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the uplink; returns its exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        status = self._process.wait(timeout=20)
        self._process = None
        return status

    @property
    def running(self) -> bool:
        """False: it has ended, whoever ended it."""
        return self._process is not None and self._process.poll() is None

    def waiting(self) -> int:
        """How many records wait for the cloud."""
        return sum(self.outbox.depth().values())

    async def until_all_is_committed(self, within_s: float = 60.0) -> None:
        """Wait until nothing waits."""
        await _until(lambda: not self.waiting(), within_s)

    async def commands(self) -> list[CommandEntry]:
        """The commands that arrive next, as the controller takes them."""
        taken: list[CommandEntry] = []

        def take() -> bool:
            taken.extend(self.mailbox.take())
            return bool(taken)

        await _until(take, 10.0)
        return taken


@dataclass
class Cloud:
    """The cloud's side: a real store, and an ingest that can be cut off in the middle of anything."""

    folder: Path
    broker: Broker
    store: Store
    publisher: CommandPublisher | None = None
    _serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to serve."""
        link = StationLink(self.broker.settings(), self.store, SystemClock(), Health())
        self.publisher = link.publisher
        self._serving = asyncio.create_task(link.run())

    async def stop(self) -> None:
        """Stop wherever it is."""
        if self._serving is not None:
            self._serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._serving
            self._serving = None


@contextlib.asynccontextmanager
async def cloud(folder: Path, broker: Broker) -> AsyncIterator[Cloud]:
    """A cloud that serves until the block ends."""
    database = Database(database_url(f"sqlite:///{folder / 'cloud.sqlite'}"))
    tariff = Tariff("test", "EUR", Decimal("0.39"))
    try:
        await migrate(database)
        served = Cloud(folder, broker, Store(database, SystemClock(), tariff, lambda: str(uuid.uuid4())))
        await served.start()
        try:
            yield served
        finally:
            await served.stop()
    finally:
        await database.close()
