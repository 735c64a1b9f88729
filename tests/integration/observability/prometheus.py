"""A real Prometheus with the committed rules, on ports of its own, beside a running demo."""

from __future__ import annotations

import json
import math
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from powerctl.app.demo.ports import Ports

DEPLOY = Path(__file__).resolve().parents[3] / "deploy" / "prometheus"
DEMO = Ports()
PROGRAMS = ("metrics_powerctl", "metrics_edge", "metrics_cloud", "metrics_uplink")


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses at this moment."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    numbers: list[int] = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return numbers


def configuration(ports: Mapping[str, int]) -> str:
    """The committed configuration with the demo's ports moved and everything once a second."""
    text = (DEPLOY / "prometheus.yml").read_text().replace("rules/*.yml", str(DEPLOY / "rules" / "*.yml"))
    for program in PROGRAMS:
        default = f'"127.0.0.1:{getattr(DEMO, program)}"'
        assert text.count(default) == 1
        text = text.replace(default, f'"127.0.0.1:{ports[program]}"')
    return re.sub(r"_interval: \d+s", "_interval: 1s", text)


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program, asked to stop at the end and killed if it does not."""
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def demo(ports: Mapping[str, int], data: Path, scenario: str, duration_s: int) -> list[str]:
    """The command that plays a story."""
    moved = [word for name, port in ports.items() for word in ("--set", f"{name}={port}")]
    story = ["--scenario", scenario, "--duration", str(duration_s), "--data", str(data)]
    return [sys.executable, "-m", "powerctl.app.cli", "demo", "--headless", *story, *moved]


def prometheus(folder: Path, port: int, ports: Mapping[str, int]) -> list[str]:
    """The command that scrapes the demo of these ports."""
    settings = folder / "prometheus.yml"
    settings.write_text(configuration(ports))
    where = [f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"]
    return ["prometheus", f"--config.file={settings}", *where]


def ask(port: int, expression: str) -> list[dict[str, Any]]:
    """The samples that answer now; none while Prometheus is starting. A wrong expression is an error."""
    address = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as refused:
        if refused.code == 503:
            return []
        raise AssertionError(f"{expression}: {refused.read().decode()}") from refused
    except urllib.error.URLError:
        return []
    return [sample for sample in result if math.isfinite(float(sample["value"][1]))]


def unanswered(port: int, expressions: set[str], process: subprocess.Popen[bytes], deadline_s: float) -> set[str]:
    """What has had no answer until the process ended or the time was over; returns as soon as nothing is left."""
    left, end = set(expressions), time.monotonic() + deadline_s
    while left and process.poll() is None and time.monotonic() < end:
        left -= {expression for expression in left if ask(port, expression)}
        time.sleep(0.5)
    return left
