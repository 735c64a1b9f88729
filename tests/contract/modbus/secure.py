"""A station with a secure port, and clients with every kind of certificate."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any, Self

from powerctl.runtime import pki
from powerctl.runtime.settings import TlsFiles
from powerctl.signals.certificate import fingerprint_of
from powerctl.signals.settings import GridSettings
from tests.contract.modbus.peer import Peer
from tests.unit.signals.station import grid_settings


class Site:
    """An authority, a station's certificate, and whoever is enrolled."""

    def __init__(self, folder: Path) -> None:
        self.authority = pki.create_ca(folder / "pki", "Test")
        self.station = pki.issue(self.authority, "station", server_names=["localhost", "127.0.0.1"])
        self.utility = self.enrol("utility", "GridServiceSunSpec")

    def enrol(self, name: str, role: str | None, **more: Any) -> TlsFiles:
        return pki.issue(self.authority, name, client=True, role=role, **more)

    def settings(
        self, *bound: tuple[TlsFiles, list[int]], tls: dict[str, Any] | None = None, **slot: Any
    ) -> GridSettings:
        clients = [
            {"fingerprint": fingerprint(files), "slots": slots} for files, slots in (bound or ((self.utility, [0]),))
        ]
        secure = {
            "port": 0,
            "certificate": self.station.certificate,
            "key": self.station.key,
            "authorities": [self.station.ca],
            "clients": clients,
            **(tls or {}),
        }
        plain = grid_settings(**{"writers": [], **slot}).model_dump()
        return GridSettings.model_validate({**plain, "installers": [], "modbus_tls": secure})


def fingerprint(files: TlsFiles) -> str:
    return fingerprint_of(ssl.PEM_cert_to_DER_cert(files.certificate.read_text()))


def client_context(files: TlsFiles, *, show: bool = True, newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if show:
        made.load_cert_chain(files.certificate, files.key)
    made.load_verify_locations(files.ca)
    if newest is not None:
        made.set_ciphers("ALL:@SECLEVEL=0")
        made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        made.maximum_version = newest
    return made


class SecurePeer(Peer):
    """One secure connection."""

    @classmethod
    async def connect_as(cls, port: int, files: TlsFiles, **how: Any) -> Self:
        context = client_context(files, **how)
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost"))

    def cipher(self) -> tuple[str, str, int]:
        found: tuple[str, str, int] = self.writer.get_extra_info("cipher")
        return found


async def is_turned_away(port: int, files: TlsFiles, **how: Any) -> bool:
    """True if the peer gets no answer: with TLS 1.3 a client hears of the refusal only when it reads."""
    try:
        peer = await SecurePeer.connect_as(port, files, **how)
    except OSError:
        return True
    try:
        peer.send(bytes.fromhex("0001 0000 0006 01 03 9c40 0002"))
        return await peer.reader.read(100) == b""
    except OSError:
        return True
    finally:
        peer.close()
