"""A fleet on loopback whose broker dies: everybody is back within five minutes, and nothing that was said is lost.

`make bench-fleet` runs it with 10,000 stations behind Mosquitto for about ten minutes; `POWERCTL_FLEET` says another
number, and `POWERCTL_FLEET_BROKER=nats` the other broker. TLS, the
certificates, the broker and the cloud are real; the stations are light, in two processes. All share this machine's
processors, so the handshakes of the clients cost as much as the broker's.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from powerctl.app.broker import BrokerName
from tests.bench.bench_cloud_api import cpu_s
from tests.bench.table import Figure, show
from tests.broker import Broker
from tests.integration.cloud.process import CloudProcess

STATIONS = int(os.environ.get("POWERCTL_FLEET", "10000"))
BROKER: BrokerName = "nats" if os.environ.get("POWERCTL_FLEET_BROKER") == "nats" else "mosquitto"
EVERY_S = 60.0
"""An idle station's telemetry."""
OUTAGE_S = 30.0
BACK_S = 300.0
REPORT_S = 1.0
PROCESSES = 2


@dataclass
class FleetProcess:
    """One process of light stations."""

    process: subprocess.Popen[str]
    reports: list[dict[str, Any]] = field(default_factory=list)

    def listen(self) -> None:
        """Take its reports until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.reports.append(json.loads(line))

    def tell(self, word: str) -> None:
        """One line on its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()


@contextmanager
def fleet(broker: Broker, names: list[str]) -> Iterator[list[FleetProcess]]:
    """Every station, in a few processes, until the block ends."""
    started = []
    try:
        for part in range(PROCESSES):
            argv = [sys.executable, "-m", "tests.bench.fleet_client"]
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            one = FleetProcess(process)
            started.append(one)
            Thread(target=one.listen, daemon=True).start()
            wanted = {
                "folder": str(broker.authority.folder),
                "host": "127.0.0.1",
                "port": broker.port,
                "stations": names[part::PROCESSES],
                "every_s": EVERY_S,
            }
            one.tell(json.dumps(wanted))
        yield started
    finally:
        for one in started:
            one.process.kill()
            one.process.wait(30)


def total(processes: list[FleetProcess], key: str) -> int:
    """What the newest reports say together."""
    return sum(int(one.reports[-1][key]) if one.reports else 0 for one in processes)


async def until(processes: list[FleetProcess], key: str, wanted: int, within_s: float) -> float:
    """How long it takes until the reports say so. Raises TimeoutError."""
    began = time.monotonic()
    async with asyncio.timeout(within_s):
        while total(processes, key) != wanted or not all(one.reports for one in processes):  # noqa: ASYNC110
            await asyncio.sleep(0.5)
    return time.monotonic() - began


@pytest.mark.slow
async def test_the_whole_fleet_is_back_within_five_minutes_and_nothing_is_lost(tmp_path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    names = [f"F-{number:05d}" for number in range(STATIONS)]
    broker = await asyncio.to_thread(Broker, tmp_path, BROKER, tuple(names))
    await asyncio.to_thread(broker.start)
    program = CloudProcess(tmp_path, broker)
    try:
        await program.start()
        with fleet(broker, names) as processes:
            first_s = await until(processes, "connected", STATIONS, 900)
            before = total(processes, "attempts")
            broker.stop(signal.SIGKILL)
            await asyncio.sleep(OUTAGE_S)
            await asyncio.to_thread(broker.start)
            began_cpu = cpu_s(broker.pid)
            back_s = await until(processes, "connected", STATIONS, 900)
            handshake_us = (cpu_s(broker.pid) - began_cpu) / STATIONS * 1e6
            attempts = (total(processes, "attempts") - before) / STATIONS
            for one in processes:
                one.tell("quiet")
            # A report that was written before the word came may still be on its way.
            await asyncio.sleep(3 * REPORT_S)
            drain_s = await until(processes, "waiting", 0, 900)
            said = total(processes, "said")
    finally:
        program.stop()
        broker.stop(signal.SIGKILL)
    with sqlite3.connect(tmp_path / "cloud.sqlite") as database:
        (stored,) = database.execute("SELECT count(*) FROM records").fetchone()
    figures = [
        Figure("stations", STATIONS, ""),
        Figure("all connected the first time", first_s, "s"),
        Figure(f"all back after an outage of {OUTAGE_S:.0f} s", back_s, "s", BACK_S),
        Figure("... attempts of each", attempts, ""),
        Figure("... broker's processor time of each", handshake_us, "us"),
        Figure("until everything was committed", drain_s, "s"),
        Figure("records said", said, ""),
        Figure("records lost, or stored that nobody said", abs(said - stored), "", 0),
    ]
    show(f"A fleet that comes back, {BROKER}", figures)
    assert all(figure.held for figure in figures)
    assert said >= STATIONS
