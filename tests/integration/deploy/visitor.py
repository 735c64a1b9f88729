"""Somebody at the cell's network: waits until its replicas are well, or enrols a station there and has it heard."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from edge.uplink.identity import new_request
from powerctl.core.ids import StationId

HOME = Path("/visitor")
AUTHORITY = Path("/run/certs/ca.pem")
API = "https://charge.example:8443/powerctl.v1."
STATION = StationId("ST-1")
WITHIN_S = 180.0
RECORDS = 3


def are_well(replicas: Sequence[str]) -> None:
    """Return when each says that everything it needs is there."""
    waiting, deadline = set(replicas), time.monotonic() + WITHIN_S
    while waiting:
        for name in sorted(waiting):
            try:
                with urllib.request.urlopen(f"http://{name}:9466/healthz", timeout=5) as answer:
                    answer.read()
                waiting.discard(name)
            except OSError as error:
                said = error.read().decode() if isinstance(error, urllib.error.HTTPError) else str(error)
                assert time.monotonic() < deadline, f"{name}: {said}"
                time.sleep(0.2)


def is_heard(token: str) -> None:
    """Enrol a station, and return when records of it are committed."""
    assert _enrolled(token)["permitKey"].startswith("-----BEGIN PUBLIC KEY-----")
    wanted = {"folder": str(HOME), "host": "nats", "port": 8883, "stations": [STATION], "every_s": 1.0}
    argv = [sys.executable, "-m", "tests.bench.fleet_client"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as fleet:
        assert fleet.stdin is not None
        assert fleet.stdout is not None
        fleet.stdin.write(json.dumps(wanted) + "\n")
        fleet.stdin.flush()
        deadline = time.monotonic() + WITHIN_S
        for line in fleet.stdout:
            report = json.loads(line)
            if report["said"] - report["waiting"] >= RECORDS:
                break
            assert time.monotonic() < deadline, report
        fleet.kill()


def _enrolled(token: str) -> dict[str, Any]:
    """Where the light station looks for them: its key, its certificate and the authority."""
    key, asked = new_request(STATION)
    wish = {"token": token, "certificateRequest": asked.public_bytes(serialization.Encoding.PEM).decode()}
    request = urllib.request.Request(
        f"{API}StationIdentityService/EnrolStation", json.dumps(wish).encode(), {"Content-Type": "application/json"}
    )
    trusting = ssl.create_default_context(cafile=str(AUTHORITY))
    with urllib.request.urlopen(request, timeout=30, context=trusting) as answer:
        issued: dict[str, Any] = json.load(answer)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (HOME / f"{STATION}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    (HOME / f"{STATION}.pem").write_text(issued["certificate"])
    (HOME / "ca.pem").write_bytes(AUTHORITY.read_bytes())
    return issued


if __name__ == "__main__":
    if sys.argv[1] == "well":
        are_well(sys.argv[2:])
    else:
        is_heard(sys.argv[2])
