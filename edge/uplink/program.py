"""`powerctl-edge uplink`: composes the link from its settings and runs it until told to stop."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn

from edge.uplink.disk import Backlog, Disk
from edge.uplink.settings import UplinkSettings, load_settings
from edge.uplink.shipper import Shipper
from powerctl.core.clock import Clock
from powerctl.core.ids import StationId
from powerctl.runtime import metrics
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.health import Health, HealthServer
from powerctl.runtime.mqtt import MqttLink, Terms
from powerctl.runtime.service import notify_ready, run_service
from powerctl.wire.topics import DOWN, topic

MEASURE_EVERY_S: Final = 2.0


async def run(config: Path) -> None:
    """Ship this station's records until told to stop.

    Raises:
        ConfigError: The settings, the certificates, the outbox or a port cannot be used.
    """
    station, uplink = load_settings(config)
    health = Health()
    with closing(Disk(uplink.outbox_path(station))) as disk:
        await _serve(StationId(station.id), uplink, disk, health)


async def _serve(station: StationId, uplink: UplinkSettings, disk: Disk, health: Health) -> None:
    clock = SystemClock()
    shipper = Shipper(station, disk, clock)
    link = _link(station, uplink, shipper, health)
    server = HealthServer(uplink.http, health, setting="uplink.http.port")
    await server.start()
    try:
        notify_ready()
        await run_service("uplink", link.run(), shipper.run(), _measure(disk, health, clock))
    finally:
        server.close()


def _link(station: StationId, uplink: UplinkSettings, shipper: Shipper, health: Health) -> MqttLink:
    def connected(state: bool) -> None:
        metrics.gauge("edge_uplink_connected").set(state)
        health.set("cloud", state, "" if state else "not connected; records are kept")
        shipper.connected(state)

    attempts = metrics.counter("edge_uplink_connections_total")
    terms = Terms(
        client_id=station,
        subscriptions=[topic(station, channel) for channel in DOWN],
        on_message=shipper.received,
        on_state=connected,
    )
    link = MqttLink(
        uplink.broker, terms, setting="uplink.broker", on_attempt=lambda result: attempts.labels(result).inc()
    )
    shipper.attach(link.publish)
    connected(False)
    return link


async def _measure(disk: Disk, health: Health, clock: Clock) -> NoReturn:
    """Show what waits for the cloud, for ever."""
    while True:
        backlog = await disk.backlog()
        _show(backlog, clock.utc())
        health.set("outbox", True, f"{sum(backlog.depth.values())} records wait")
        await asyncio.sleep(MEASURE_EVERY_S)


def _show(backlog: Backlog, now: datetime) -> None:
    for lane, count in backlog.depth.items():
        metrics.gauge("edge_outbox_records").labels(lane.name.lower()).set(count)
    age_s = (now - backlog.oldest).total_seconds() if backlog.oldest else 0.0
    metrics.gauge("edge_outbox_oldest_seconds").set(max(age_s, 0.0))
