"""The cloud as an operator runs it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from powerctl.runtime.pki import issue
from tests.broker import Broker, free_port

T = TypeVar("T")

CONFIG = """
[cloud]
database_url = "sqlite:///{folder}/cloud.sqlite"
migrate_on_start = true
demo = true

[cloud.identity]
signing_key = "{folder}/signing.pem"

[cloud.tariff]
name = "Day"
currency = "EUR"
energy_price_per_kwh = "0.49"

[cloud.web]
port = {web}

[cloud.grpc]
port = {grpc}
tls = {{ ca = "{tls.ca}", certificate = "{tls.certificate}", key = "{tls.key}" }}

[cloud.http]
port = {http}

[cloud.mqtt]
host = "127.0.0.1"
port = {broker.port}
reconnect_cap_s = 0.3
tls = {{ ca = "{mqtt.ca}", certificate = "{mqtt.certificate}", key = "{mqtt.key}" }}
"""


@dataclass
class CloudProcess:
    """A process that can be killed and started again."""

    folder: Path
    broker: Broker
    web: int = field(default_factory=free_port)
    grpc: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        tls = issue(self.broker.authority, "api", server_names=["127.0.0.1"])
        self.config = self.folder / "cloud.toml"
        self.config.write_text(
            CONFIG.format(
                folder=self.folder,
                web=self.web,
                grpc=self.grpc,
                http=self.http,
                broker=self.broker,
                mqtt=self.broker.settings().tls,
                tls=tls,
            )
        )
        self.command("keygen", "--out", str(self.folder / "signing.pem"))

    @property
    def address(self) -> str:
        """Address of the page."""
        return f"http://127.0.0.1:{self.web}"

    async def start(self) -> None:
        """Start it and wait until it is well."""
        self._spawn()
        await eventually(self._healthy, 30)

    def _spawn(self) -> None:
        with (self.folder / "cloud.log").open("ab") as log:
            argv = [sys.executable, "-m", "cloud.cli", "serve", "--config", str(self.config)]
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it; returns its exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        status = self._process.wait(timeout=20)
        self._process = None
        return status

    def command(self, *arguments: str) -> str:
        """What a command of the program prints."""
        argv = [sys.executable, "-m", "cloud.cli", *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    def log(self) -> str:
        """What it has logged."""
        return (self.folder / "cloud.log").read_text()

    async def browser(self, role: str, name: str) -> httpx.AsyncClient:
        """A browser that has followed a sign-in link."""
        link = self.command("sign-in-link", "--config", str(self.config), "--role", role, "--name", name)
        page, _, token = link.partition("/#signin=")
        client = httpx.AsyncClient(base_url=page, headers={"origin": page}, verify=False, timeout=20)
        answer = await client.post("/powerctl.v1.IdentityService/SignIn", json={"token": token})
        assert answer.status_code == 200, answer.text
        return client

    async def _healthy(self) -> bool | None:
        if self._process is None or self._process.poll() is not None:
            raise AssertionError(self.log()[-3000:])
        try:
            async with httpx.AsyncClient(verify=False) as client:
                answer = await client.get(f"http://127.0.0.1:{self.http}/healthz")
        except httpx.TransportError:
            return None
        return True if answer.status_code == 200 else None


async def eventually(look: Callable[[], Awaitable[T | None]], within_s: float = 15.0) -> T:
    """The first answer that is not None: processes tell each other, not the test, when they are done."""
    async with asyncio.timeout(within_s):
        while (found := await look()) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return found


async def read(browser: httpx.AsyncClient, path: str) -> Any:
    """The JSON at `path`. None: not there (yet)."""
    answer = await browser.get(path)
    return answer.json() if answer.status_code == 200 else None
