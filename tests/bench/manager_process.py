"""`powerctl run` as a process of its own, for measurements from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from powerctl.runtime import pki
from powerctl.runtime.settings import TlsFiles

HEARTBEAT_S = 5
FAILSAFE_W = 4200
CONNECTOR = """
[[station.connector]]
id = {number}
type = "chademo"
position = "{position}"
max_power_w = 22000
max_current_a = 60
max_voltage_v = 500
min_power_w = 500
fallback_w = 5000
"""
CONFIG = """
[station]
id = "S-1"
display_name = "Measured"
rating_w = 22000
state_dir = "{state}"
{connectors}
[manager.http]
port = {http}

[manager.plan]
enabled = {plan}

[manager.grid.modbus_tcp]
port = {modbus}
max_writes_per_s = 1000

[manager.grid.modbus_tls]
port = {secure}
certificate = "{server.certificate}"
key = "{server.key}"
authorities = ["{server.ca}"]

[[manager.grid.slots]]
index = 0
source = "dso"
commissioned = true
writers = ["127.0.0.1"]
failsafe_w = 4200
failsafe_min_s = 7200
heartbeat_timeout_s = 5

[manager.allocation]
efficiency = [[2000, 0.90], [11000, 0.95], [22000, 0.94]]
auxiliary_w = 150

[manager.dispatch]
port = {dispatch}

[manager.dispatch.tls]
ca = "{server.ca}"
certificate = "{server.certificate}"
key = "{server.key}"
"""


@dataclass(frozen=True)
class Installation:
    """A station file with everything that it names."""

    config: Path
    ports: dict[str, int]
    client: TlsFiles
    """Of the charging controller."""


@dataclass(frozen=True)
class Program:
    """A running energy manager."""

    process: subprocess.Popen[bytes]
    installation: Installation
    listening_after_s: float

    def cpu_s(self) -> float:
        """User and system time so far."""
        return cpu_s(self.process.pid)

    def resident_bytes(self) -> int:
        """Memory now."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def install(folder: Path, *, plan: bool = False) -> Installation:
    authority = pki.create_ca(folder / "pki", "Measured")
    server = pki.issue(authority, "manager", server_names=["localhost", "127.0.0.1"])
    ports = dict(zip(("http", "modbus", "secure", "dispatch"), _free_ports(4), strict=True))
    connectors = "".join(CONNECTOR.format(number=n, position=p) for n, p in ((1, "left"), (2, "right")))
    config = folder / "station.toml"
    text = CONFIG.format(state=folder, connectors=connectors, server=server, plan=str(plan).lower(), **ports)
    config.write_text(text)
    return Installation(config, ports, pki.issue(authority, "S-1", client=True))


@contextmanager
def running(installation: Installation) -> Iterator[Program]:
    command = [sys.executable, "-m", "powerctl.app.cli", "run", "--config", str(installation.config)]
    started = time.perf_counter()
    with (installation.config.parent / "log").open("ab") as log:
        process = subprocess.Popen([*command, "--log-level", "warning"], stdout=log, stderr=log)
    try:
        yield Program(process, installation, _listening(process, installation.ports["modbus"]) - started)
    finally:
        process.kill()
        process.wait()


def _listening(process: subprocess.Popen[bytes], port: int) -> float:
    deadline = time.perf_counter() + 60
    while time.perf_counter() < deadline:
        assert process.poll() is None, "the energy manager has ended; see its log"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return time.perf_counter()
    raise TimeoutError("the energy manager does not listen")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
