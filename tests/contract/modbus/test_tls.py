"""The same handler behind TLS: a place is kept for roles, and nobody writes without one."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from powerctl.core.clock import Monotonic
from powerctl.runtime.pki import create_ca, issue
from powerctl.runtime.settings import TlsFiles
from powerctl.signals.bank import Bank, WriteRate
from powerctl.signals.grid_signal import Authority, Channel
from powerctl.signals.image import Image
from powerctl.signals.register_map import REGISTER_MAP
from powerctl.signals.rights import Rights, networks
from powerctl.signals.server import Front, ModbusServer
from tests.contract.modbus.peer import Peer
from tests.unit.signals.station import SLOT_0


def context(files: TlsFiles, *, server: bool) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.load_cert_chain(files.certificate, files.key)
    made.load_verify_locations(files.ca)
    made.verify_mode = ssl.CERT_REQUIRED
    return made


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[Peer]:
    authority = create_ca(tmp_path, "Test")
    station = issue(authority, "station", server_names=["localhost"])
    utility = issue(authority, "utility", client=True, role="GridServiceSunSpec")
    rights = Rights({0: networks(["127.0.0.1"])})
    bank = Bank(Image(REGISTER_MAP), rights, WriteRate(10), lambda *_: None)

    def execute(pdu: bytes, authority: Authority) -> bytes:
        return bank.execute(pdu, authority, Monotonic(0.0))

    front = Front(Channel.MODBUS_TLS, execute, lambda _: None, rights.is_writer, 4, 60.0)
    server = ModbusServer(front, setting="port", tls=context(station, server=True))
    await server.start("127.0.0.1", 0)
    client = context(utility, server=False)
    streams = await asyncio.open_connection("127.0.0.1", server.port, ssl=client, server_hostname="localhost")
    peer = Peer(*streams)
    yield peer
    peer.close()
    await server.close()


async def test_reading_works_as_it_does_without_tls(peer: Peer) -> None:
    assert await peer.read(40000, 2) == (0x5375, 0x6E53)


async def test_an_address_that_may_write_without_tls_may_not_with_it(peer: Peer) -> None:
    assert await peer.ask(struct.pack(">BHH", 6, SLOT_0, 4200)) == b"\x86\x01"
