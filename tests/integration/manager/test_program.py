"""`powerctl run` as a process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from powerctl.app.manager_settings import ManagerSettings, describe
from powerctl.runtime.settings import TlsFiles
from powerctl.runtime.station import StationSettings
from tests.integration.manager.controller import ScriptedController, eventually

pytestmark = pytest.mark.integration

CONFIG = """
[station]
id = "S-1"
display_name = "Test"
rating_w = 22000
state_dir = "{state}"

[[station.connector]]
id = 1
type = "chademo"
position = "left"
max_power_w = 22000
max_current_a = 60
max_voltage_v = 500
min_power_w = 500
fallback_w = 5000

[[station.connector]]
id = 2
type = "chademo"
position = "right"
max_power_w = 22000
max_current_a = 60
max_voltage_v = 500
min_power_w = 500
fallback_w = 5000

[manager.http]
port = {http}

[manager.grid.modbus_tcp]
port = {modbus}

[[manager.grid.slots]]
index = 0
source = "dso"
commissioned = true
writers = ["127.0.0.1"]
failsafe_w = 4200
failsafe_min_s = 7200
heartbeat_timeout_s = 60

[manager.allocation]
efficiency = [[2000, 0.90], [11000, 0.95], [22000, 0.94]]
auxiliary_w = 150

[manager.dispatch]
port = {dispatch}

[manager.dispatch.tls]
ca = "{tls.ca}"
certificate = "{tls.certificate}"
key = "{tls.key}"
"""


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@asynccontextmanager
async def _program(config: Path) -> AsyncIterator[Process]:
    command = (sys.executable, "-m", "powerctl.app.cli", "run", "--config", str(config))
    process = await asyncio.create_subprocess_exec(*command, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _write(folder: Path, tls: TlsFiles, ports: list[int]) -> Path:
    config = folder / "station.toml"
    http, modbus, dispatch = ports
    config.write_text(CONFIG.format(state=folder, http=http, modbus=modbus, dispatch=dispatch, tls=tls))
    return config


def _health(port: int) -> dict[str, object]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
        body: dict[str, object] = json.loads(answer.read())
        return body


def _resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


def _has_loaded(pid: int, library: str) -> bool:
    return library in Path(f"/proc/{pid}/maps").read_text()


async def test_serves_a_controller_within_its_memory_and_ends_cleanly(
    tmp_path: Path, server_tls: TlsFiles, client_tls: TlsFiles
) -> None:
    ports = _free_ports(3)
    async with _program(_write(tmp_path, server_tls, ports)) as process:
        controller = ScriptedController(ports[2], client_tls)
        controller.plug(1, committed_kw=5.0)
        async with controller:
            await eventually(lambda: 3000.0 < controller.limit_w(1) < 4200.0, within_s=30.0)
            assert (await asyncio.to_thread(_health, ports[0]))["healthy"]
            if sys.platform == "linux":
                assert _resident_kb(process.pid) <= 100 * 1024
                assert not _has_loaded(process.pid, "highs")
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 10.0) == 0


async def test_a_port_in_use_ends_it_with_status_2_and_names_the_setting(tmp_path: Path, server_tls: TlsFiles) -> None:
    ports = _free_ports(3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[1]))
        taken.listen()
        async with _program(_write(tmp_path, server_tls, ports)) as process:
            _, stderr = await asyncio.wait_for(process.communicate(), 30.0)
    assert process.returncode == 2
    assert b"manager.grid.modbus_tcp.port" in stderr


def test_says_in_words_what_the_station_will_do(station: StationSettings, settings: ManagerSettings) -> None:
    told = "\n".join(describe(station, settings))
    assert "one vehicle alone gets at most 20.8 kW" in told
    assert "connector 1 (left): 5.0 kW DC" in told
    assert "Warning" not in told


def test_warns_when_the_commissioned_shares_do_not_fit(station: StationSettings, settings: ManagerSettings) -> None:
    generous = tuple(connector.model_copy(update={"fallback_w": 11000.0}) for connector in station.connectors)
    told = describe(station.model_copy(update={"connectors": generous}), settings)
    assert any(line.startswith("Warning") for line in told)
