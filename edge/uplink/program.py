"""`powerctl-edge uplink`: composes the link from its settings and runs it until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import closing
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from edge.update.checker import Checker
from edge.uplink.disk import Backlog, Disk
from edge.uplink.doubts import Doubts
from edge.uplink.identity import CURRENT, PERMIT_KEY, Identity
from edge.uplink.modem import Modem, csq_on
from edge.uplink.modem_manager import ModemManager
from edge.uplink.permits import PermitGate, keys_in
from edge.uplink.registry import Registry
from edge.uplink.renewal import Renewal, enrol
from edge.uplink.self_report import SelfReport
from edge.uplink.settings import IdentitySettings, UplinkSettings, load_settings
from edge.uplink.shipper import Shipper
from edge.uplink.timekeeping import Timekeeper
from powerctl.core.clock import Clock
from powerctl.core.errors import ConfigError
from powerctl.core.ids import StationId
from powerctl.core.record import Record, SecurityEvent
from powerctl.runtime import metrics
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.health import Health, HealthServer
from powerctl.runtime.mqtt import MqttLink, Terms
from powerctl.runtime.private_key import check_private
from powerctl.runtime.service import notify_ready, run_service
from powerctl.wire.topics import DOWN, topic

MEASURE_EVERY_S: Final = 2.0


async def run(config: Path) -> None:
    """Ship this station's records until told to stop.

    Raises:
        ConfigError: The settings, the certificates, the outbox or a port cannot be used.
    """
    station, uplink = load_settings(config)
    check_private(uplink.broker.tls.key, "uplink.broker.tls.key")
    health = Health()
    with closing(Disk(uplink.outbox_path(station))) as disk:
        await _serve(config, StationId(station.id), uplink, disk, health)


async def _serve(config: Path, station: StationId, uplink: UplinkSettings, disk: Disk, health: Health) -> None:
    clock = SystemClock()
    shipper = Shipper(station, disk, clock, gate=PermitGate(station, _keys_of(uplink), clock))
    listeners: list[Callable[[bool], None]] = [shipper.connected]
    doubts = Doubts(_alarm(clock, disk))
    link = _link(station, uplink, shipper, health, clock, lambda state: [tell(state) for tell in listeners], doubts)
    keeper = Timekeeper(clock, disk.append, lambda: shipper.cloud_offset_s)
    about_us = SelfReport(
        config, clock, disk.append, disk.backlog, lambda: _certificate_end(uplink), lambda: keeper.offset_s
    )
    tasks: list[Coroutine[Any, Any, NoReturn]] = [link.run(), shipper.run(), keeper.run(), about_us.run(), doubts.run()]
    if (read := _signal_of(uplink)) is not None:
        tasks.append(Modem(read, clock, disk.append, shipper.set_weak).run())
    if uplink.identity is not None:
        renewal = _renewal(station, uplink, uplink.identity, clock, link, disk)
        listeners.append(renewal.connected)
        tasks.append(renewal.run())
    if uplink.update is not None and uplink.update.index is not None:
        tasks.append(Checker(uplink.update, clock, _alarm(clock, disk)).run())
    metrics.begin("edge-uplink", version("powerctl"))
    server = HealthServer(uplink.http, health, setting="uplink.http.port")
    await server.start()
    try:
        notify_ready()
        await run_service("uplink", *tasks, _measure(disk, health, clock))
    finally:
        server.close()


def _renewal(
    station: StationId, uplink: UplinkSettings, identity: IdentitySettings, clock: Clock, link: MqttLink, disk: Disk
) -> Renewal:
    registry = Registry(identity.url, identity.ca)
    trusted = uplink.broker.tls.ca

    alarm, reconnect = _alarm(clock, disk), lambda: link.drop("a new certificate")
    return Renewal(station, Identity(identity.folder), registry, trusted, clock, reconnect, alarm)


def _keys_of(uplink: UplinkSettings) -> Callable[[], list[ec.EllipticCurvePublicKey]]:
    """How the back end's keys for permits are read.

    Raises:
        ConfigError: A file that the settings name holds none.
    """
    enrolled = uplink.identity.folder / CURRENT / PERMIT_KEY if uplink.identity is not None else None
    keys_in(uplink.permit_keys, None)
    return lambda: keys_in(uplink.permit_keys, enrolled)


def _alarm(clock: Clock, disk: Disk) -> Callable[[str, str], Awaitable[None]]:
    """Records what may be an attack, or concerns the station's software."""

    async def alarm(code: str, detail: str) -> None:
        await disk.append(Record(clock.utc(), SecurityEvent(code, detail, clock.utc())))

    return alarm


def enrol_station(config: Path, token: str) -> str:
    """Get the station's first certificate for a token; returns until when it is good.

    Raises:
        ConfigError: The settings cannot be used, or the cloud refuses.
    """
    station, uplink = load_settings(config)
    if uplink.identity is None:
        raise ConfigError("uplink.identity", "is missing.", "Say where the cloud is and where to keep the certificate.")
    registry = Registry(uplink.identity.url, uplink.identity.ca)
    store, trusted = Identity(uplink.identity.folder), uplink.broker.tls.ca
    pair = enrol(StationId(station.id), store, registry, trusted, token, SystemClock())
    return pair.certificate.not_valid_after_utc.isoformat()


def _link(
    station: StationId,
    uplink: UplinkSettings,
    shipper: Shipper,
    health: Health,
    clock: Clock,
    tell: Callable[[bool], object],
    doubts: Doubts,
) -> MqttLink:
    def connected(state: bool) -> None:
        metrics.gauge("edge_uplink_connected").set(state)
        health.set("cloud", state, "" if state else "not connected; records are kept")
        tell(state)

    terms = Terms(
        client_id=station,
        subscriptions=[topic(station, channel) for channel in DOWN],
        on_message=shipper.received,
        on_state=connected,
    )
    link = MqttLink(
        uplink.broker,
        terms,
        setting="uplink.broker",
        on_attempt=doubts.attempted,
        spread_s=lambda: shipper.hints.reconnect_within_s(clock.monotonic()),
    )
    shipper.attach(link.publish)
    connected(False)
    return link


def _signal_of(uplink: UplinkSettings) -> Callable[[], Awaitable[int]] | None:
    """How the modem is asked. None: there is none to ask."""
    if uplink.modem_manager is not None:
        return ModemManager(uplink.modem_manager).csq
    device = uplink.modem
    return None if device is None else lambda: csq_on(device)


def _certificate_end(uplink: UplinkSettings) -> datetime | None:
    """When the certificate for the broker ends. None: it cannot be read now."""
    try:
        content = uplink.broker.tls.certificate.read_bytes()
        return x509.load_pem_x509_certificate(content).not_valid_after_utc
    except (OSError, ValueError):
        return None


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
