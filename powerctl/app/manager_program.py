"""`powerctl run`: the energy manager as a program, with its health page and its status socket."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path

from powerctl.app.manager import EnergyManager
from powerctl.app.manager_settings import ManagerSettings, check
from powerctl.app.status_socket import StatusSocket
from powerctl.runtime import metrics
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.health import Health, HealthServer
from powerctl.runtime.service import notify_ready, run_service
from powerctl.runtime.station import StationSettings


async def run(
    station: StationSettings,
    settings: ManagerSettings,
    *,
    stop: asyncio.Event | None = None,
    config: Path | None = None,
) -> None:
    """Run the energy manager of `station` until it is told to stop.

    Raises:
        ConfigError: A port, a certificate or the state folder cannot be used.
    """
    check(station, settings)
    health = Health()
    manager = EnergyManager(station, settings, SystemClock(), health, config)
    metrics.begin("powerctl", version("powerctl"), [connector.id for connector in station.connectors])
    http = HealthServer(settings.http, health, setting="manager.http.port")
    status = StatusSocket(settings.status_folder, station.id, manager.explained)
    await http.start()
    status.open()
    try:
        await manager.server.start()
        notify_ready()
        manager.evidence.note(
            "started", f"The energy manager {version('powerctl')} of station {station.id} has started."
        )
        tasks = [manager.evidence.run(), manager.signals.run(), manager.server.run(), manager.run()]
        tasks += manager.sources.tasks()
        if manager.planning.process is not None:
            tasks.append(manager.planning.process.run())
        await run_service("powerctl", *tasks, stop=stop)
    finally:
        status.close()
        http.close()
