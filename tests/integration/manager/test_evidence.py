"""The life of a limit, from the utility's write to the entry that proves compliance, through the whole program."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from pymodbus.client import AsyncModbusTcpClient

from powerctl.app.cli import main
from powerctl.app.evidence import folder_of
from powerctl.app.manager import EnergyManager
from powerctl.app.manager_settings import ManagerSettings
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.health import Health
from powerctl.runtime.settings import TlsFiles
from powerctl.runtime.station import StationSettings
from powerctl.signals.register_map import REGISTER_MAP
from tests.integration.manager.controller import ScriptedController, eventually

pytestmark = pytest.mark.integration

WAIT_S = 30.0


async def _write(client: AsyncModbusTcpClient, point: str, value: int) -> None:
    response = await client.write_register(REGISTER_MAP.by_path[f"64300.Src.0.{point}"].address, value)
    assert not response.isError()


async def _read(client: AsyncModbusTcpClient, path: str) -> int:
    response = await client.read_holding_registers(REGISTER_MAP.by_path[path].address, count=1)
    return int(response.registers[0])


def _observed() -> float:
    return REGISTRY.get_sample_value("powerctl_compliance_seconds_count") or 0.0


async def _story(manager: EnergyManager, tls: TlsFiles) -> None:
    """A limit of 8 kW while two vehicles charge, then its release."""
    controller = ScriptedController(manager.server.port, tls)
    controller.plug(1, committed_kw=5.0, min_kw=0.5, minutes_ago=9)
    controller.plug(2, committed_kw=5.0, min_kw=0.5)
    client = AsyncModbusTcpClient("127.0.0.1", port=manager.signals.port)
    await client.connect()
    async with controller:
        await _write(client, "Hb", 1)
        await _write(client, "Ena", 1)
        await eventually(lambda: controller.limit_w(1) > 9000.0, WAIT_S)
        await _write(client, "LimW", 8000)
        met = ("complied", 8000.0)
        await eventually(lambda: met in [(e.kind.value, e.cap.w) for e in controller.events()], WAIT_S)
        assert await _read(client, "64301.Cmply") == 2
        assert await _read(client, "64301.CmplyMs") < 1000 * WAIT_S
        await _write(client, "Ena", 0)
        await eventually(lambda: any(event.kind.value == "released" for event in controller.events()), WAIT_S)
    client.close()


async def test_a_limits_whole_life_is_in_the_evidence(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    manager = EnergyManager(station, settings, SystemClock(), Health())
    await manager.server.start()
    running = asyncio.gather(manager.evidence.run(), manager.signals.run(), manager.server.run(), manager.run())
    observed = _observed()
    try:
        await eventually(lambda: manager.signals.port != 0 or running.done(), WAIT_S)
        await _story(manager, client_tls)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    folder = str(folder_of(Path(station.state_dir)))
    assert await asyncio.to_thread(main, ["evidence", "verify", "--folder", folder]) == 0
    capsys.readouterr()
    period = ["--from", "2000-01-01", "--to", "2100-01-01", "--format", "json"]
    assert await asyncio.to_thread(main, ["evidence", "export", "--folder", folder, *period]) == 0
    entries = json.loads(capsys.readouterr().out)
    # A machine under load may take longer than the settle time, which is on record too.
    kinds = [entry["kind"] for entry in entries if entry["cap_w"] == 8000.0 and entry["kind"] != "exceeded"]
    assert kinds[:3] == ["received", "applied", "complied"]
    complied = next(entry for entry in entries if entry["kind"] == "complied" and entry["cap_w"] == 8000.0)
    assert complied["measured_w"] <= 8200.0
    assert 0.0 <= complied["latency_s"] < WAIT_S
    assert "released" in [entry["kind"] for entry in entries]
    assert _observed() > observed
