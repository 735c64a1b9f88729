"""A real broker on loopback, for tests."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from powerctl.app.broker import INGEST_NAME, BrokerName, Place, prepare
from powerctl.runtime.mqtt import MqttSettings
from powerctl.runtime.pki import Authority, create_ca, issue
from powerctl.runtime.settings import TlsFiles


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Broker:
    """A broker that can be killed and started again on the same port and data."""

    folder: Path
    name: BrokerName
    stations: tuple[str, ...] = ("ST-1", "ST-2")
    port: int = field(default_factory=free_port)
    authority: Authority = field(init=False)
    files: dict[str, TlsFiles] = field(init=False)
    _argv: tuple[str, ...] = field(init=False)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.authority = create_ca(self.folder / "pki", "test")
        server = issue(self.authority, "broker", server_names=["127.0.0.1"])
        self.files = {
            name: issue(self.authority, name, organisation="powerctl test", client=True)
            for name in (*self.stations, INGEST_NAME)
        }
        self._argv = prepare(
            Place(self.folder / "broker", self.port, server),
            stations=[self.files[station].certificate for station in self.stations],
            ingest=self.files[INGEST_NAME].certificate,
            name=self.name,
        ).argv

    def settings(self, name: str = INGEST_NAME) -> MqttSettings:
        """How the client of this name reaches the broker."""
        return MqttSettings(host="127.0.0.1", port=self.port, tls=self.files[name], reconnect_cap_s=0.3)

    def start(self) -> None:
        """Start it and wait until its port is open."""
        with (self.folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(self._argv, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"{self.name} does not start: {(self.folder / 'broker.log').read_text()[-2000:]}")

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """False: it has ended, whoever ended it."""
        return self._process is not None and self._process.poll() is None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it; by SIGKILL when told to."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=20)
            self._process = None


@contextlib.contextmanager
def running(folder: Path, name: BrokerName, **more: Any) -> Iterator[Broker]:
    """A broker that is stopped at the end; `more` are fields of it."""
    broker = Broker(folder, name, **more)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
