"""A station behind plain Modbus/TCP, TLS and a serial line at once, and the ways in which foreign clients reach it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sunspec2 import device
from sunspec2.modbus.client import SunSpecModbusClientDeviceRTU, SunSpecModbusClientDeviceTCP

import powerctl.signals
from powerctl.runtime.settings import TlsFiles
from powerctl.signals.settings import GridSettings
from tests.contract.modbus.line import wire
from tests.contract.modbus.secure import Site, client_context, fingerprint
from tests.unit.signals.station import PEERS, Station, running
from tests.unit.signals.test_telemetry import REPORT

MODEL_FILES = Path(powerctl.signals.__file__).parent / "models"
BAUD = 115_200


@dataclass(frozen=True)
class Link:
    """One way to the station, with every right there."""

    name: str
    station: Station
    dial: Callable[[], Any]
    """A new client of pysunspec2, not connected yet."""
    mbpoll_mode: tuple[str, ...]
    mbpoll_place: str

    def scan(self) -> Any:
        """A client of pysunspec2 that has discovered the station. Blocks."""
        folders = device.get_model_defs_path()
        device.set_model_defs_path([str(MODEL_FILES), *folders])
        try:
            client = self.dial()
            client.scan()
        finally:
            device.set_model_defs_path(folders)
        return client

    async def comes_to(self, watts: float, within_s: float = 3.0) -> None:
        """Wait until the station's cap is `watts`."""
        for _ in range(round(within_s / 0.02)):
            if self.station.cap_w == watts:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{self.station.cap_w} W instead of {watts} W")

    async def mbpoll(self, address: int, *values: int, count: int = 1) -> tuple[int, str]:
        """Exit status and output of one poll."""
        reading = () if values else ("-c", str(count))
        process = await asyncio.create_subprocess_exec(
            *("mbpoll", *self.mbpoll_mode, "-a", "1", "-0", "-r", str(address), "-t", "4", "-1", *reading),
            *(self.mbpoll_place, *(str(value) for value in values)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()


@contextlib.asynccontextmanager
async def station_with(folder: Path, link: str) -> AsyncIterator[Link]:
    """A station that is reached by `link`: "tcp", "tls" or "rtu". All three are open."""
    site = Site(folder)
    chief = site.enrol("chief", "SuperAdministratorSunSpec")
    with wire() as (ours, theirs):
        settings = _settings(site, ours, plain=link == "tcp")
        async with running(folder, settings) as station, _gateway(station, site.utility) as gateway:
            station.signals.update_measurement(REPORT)
            yield {
                "tcp": lambda: _tcp(station),
                "tls": lambda: _tls(station, site.utility, gateway),
                "chief": lambda: _tls(station, chief, gateway),
                "rtu": lambda: _rtu(station, theirs),
            }[link]()


def _settings(site: Site, line: str, *, plain: bool) -> GridSettings:
    settings = site.settings(writers=PEERS if plain else [], tcp={"max_writes_per_s": 1000}).model_dump()
    serial = {"device": line, "baud": BAUD, "parity": "none", "slots": [0], "installer": True, "gap_s": 0.005}
    assert settings["modbus_tls"]["clients"][0]["fingerprint"] == fingerprint(site.utility)
    return GridSettings.model_validate({**settings, "installers": PEERS if plain else [], "modbus_rtu": [serial]})


def _tcp(station: Station) -> Link:
    port = station.signals.port
    dial = _dialler(ipport=port)
    return Link("tcp", station, dial, ("-m", "tcp", "-p", str(port)), "127.0.0.1")


def _tls(station: Station, files: TlsFiles, gateway: int) -> Link:
    dial = _dialler(
        ipport=station.signals.tls_port,
        tls=True,
        cafile=str(files.ca),
        certfile=str(files.certificate),
        keyfile=str(files.key),
    )
    return Link("tls", station, dial, ("-m", "tcp", "-p", str(gateway)), "127.0.0.1")


def _dialler(**how: Any) -> Callable[[], Any]:
    return lambda: SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", timeout=5, **how)


def _rtu(station: Station, port: str) -> Link:
    def dial() -> Any:
        return SunSpecModbusClientDeviceRTU(slave_id=1, name=port, baudrate=BAUD, timeout=5)

    return Link("rtu", station, dial, ("-m", "rtu", "-b", str(BAUD), "-P", "none", "-o", "5"), port)


@contextlib.asynccontextmanager
async def _gateway(station: Station, files: TlsFiles) -> AsyncIterator[int]:
    """A plain port that leads to the secure one, for clients that do not speak TLS."""

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(4096):
                target.write(data)
        target.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = await asyncio.open_connection(
            "127.0.0.1", station.signals.tls_port, ssl=client_context(files), server_hostname="localhost"
        )
        await asyncio.gather(carry(reader, far[1]), carry(far[0], writer))

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
