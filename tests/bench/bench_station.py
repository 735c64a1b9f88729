"""The promises of a running station, measured by the demo's observer while a foreign client dims it.

`make bench` runs it for about three minutes. The client writes at random instants, so that the phase of the bus is
sampled evenly; the observer dates each write by its own polls, which only ever lengthens what it reports.
"""

from __future__ import annotations

import json
import random
import socket
import struct
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.table import Figure, show
from tests.e2e.test_demo import command, free_ports

DURATION_S = 170
CHARGING_S = 25.0
"""Both vehicles charge at full power this long after the first screen."""
LOW_W, HIGH_W = 17_000, 22_000
LIMIT, MODE = 40448, 40468
EMERGENCY = 3


class Client:
    """A Modbus client of its own, which shares nothing with the product."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transaction = 0

    def write(self, address: int, value: int) -> None:
        """Write one register, and wait for the answer."""
        self._transaction += 1
        self._socket.sendall(struct.pack(">HHHBBHH", self._transaction, 0, 6, 1, 6, address, value))
        answer = self._socket.recv(260)
        assert answer[7] == 6, f"refused with exception {answer[8]}"


@dataclass(frozen=True, slots=True)
class Run:
    """A demo that runs."""

    ports: dict[str, int]
    process: subprocess.Popen[str]
    report: Path
    data: Path


@contextmanager
def running(folder: Path, scenario: str, duration_s: int) -> Iterator[Run]:
    """A scripted demo in a process of its own."""
    ports, report, data = free_ports(), folder / "report.json", folder / "data"
    arguments = ("--scenario", scenario, "--duration", str(duration_s), "--report", str(report), "--data", str(data))
    with (folder / "demo.out").open("w") as out:
        process = subprocess.Popen(command(ports, *arguments), stdout=out, stderr=out, text=True)
    try:
        yield Run(ports, process, report, data)
    finally:
        process.terminate()
        process.wait(30)


def first_page_s(run: Run) -> float:
    """Seconds until the page answers and its station is there."""
    started = time.monotonic()
    while time.monotonic() - started < 90:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{run.ports['web']}/", timeout=1) as response:
                if response.status == 200:
                    return time.monotonic() - started
        except OSError:
            time.sleep(0.02)
    raise TimeoutError("no page within 90 s")


def resident_mb(run: Run, words: str) -> float:
    """Resident memory of the program whose command line has `words`."""
    listing = subprocess.run(["ps", "-ww", "-eo", "rss,args"], capture_output=True, text=True, check=True).stdout
    sizes = [int(line.split()[0]) for line in listing.splitlines() if words in line and str(run.data) in line]
    return max(sizes) / 1024


def dim(run: Run, until: float) -> int:
    """Lower and lift the limit at random instants; returns how often it was lowered."""
    client, chance, lowered = Client(run.ports["modbus"]), random.Random(7), 0
    while time.monotonic() < until:
        client.write(LIMIT, LOW_W)
        lowered += 1
        time.sleep(0.4 + chance.random() * 0.2)
        client.write(LIMIT, HIGH_W)
        time.sleep(3.0 + chance.random() * 0.3)
    client.write(MODE, EMERGENCY)
    return lowered + 1


def test_a_station_under_a_foreign_client(tmp_path: Path) -> None:
    with running(tmp_path, "two-cars", DURATION_S) as run:
        page_s = first_page_s(run)
        time.sleep(CHARGING_S)
        memory = [
            Figure("Resident memory of edge control", resident_mb(run, "edge.cli control"), "MB", 80),
            Figure("Resident memory of powerctl", resident_mb(run, "powerctl.app.cli run"), "MB", 100),
        ]
        lowered = dim(run, time.monotonic() + DURATION_S * 0.80 - CHARGING_S - 12)
        run.process.wait(DURATION_S)
        report = json.loads(run.report.read_text())
    latency, overshoot = report["signal_to_can_ms"], report["overshoot_w"]
    show(
        f"Station, both vehicles charging, {lowered} decreases by a foreign client",
        [
            Figure("Decreases that were measured", latency["n"], "", 20, at_least=True),
            Figure("Accepted write to 0x108 with a lower value, median", latency["p50"], "ms", 60),
            Figure("Accepted write to 0x108 with a lower value, p99", latency["p99"], "ms", 110),
            Figure("Accepted write to 0x108 with a lower value, highest", latency["max"], "ms"),
            Figure("Highest AC power over the cap's envelope", overshoot["max"], "W", 0),
            Figure("Longest time to settle", overshoot["settle_ms"], "ms"),
            Figure("Start of the demo to its page", page_s, "s", 5),
            *memory,
        ],
    )
    assert latency["n"] > 0
