"""Modbus/TCP Security and Secure SunSpec Modbus: who gets an answer, and who may write what."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import ssl
import struct
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509

from powerctl.core.errors import ConfigError
from powerctl.core.record import GridEventKind
from powerctl.runtime import pki
from powerctl.runtime.revocation import revoke
from powerctl.signals import server
from tests.contract.modbus.peer import Peer, adu
from tests.contract.modbus.secure import SecurePeer, Site, fingerprint, is_turned_away
from tests.unit.signals.station import HEARTBEAT, SLOT_0, Station, running

MARKER = (0x5375, 0x6E53)
ENA = SLOT_0 + 21
CHARGE_RATE_MAX = 40225 + 34
REFUSED = b"\x90\x01"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
async def station(site: Site, tmp_path: Path) -> AsyncIterator[Station]:
    async with running(tmp_path, site.settings()) as station:
        yield station


async def test_the_utility_dims_over_tls(station: Station, site: Site) -> None:
    peer = await SecurePeer.connect_as(station.signals.tls_port, site.utility)
    assert await peer.read(40000, 2) == MARKER
    assert await peer.write(SLOT_0, 4000) == struct.pack(">BHH", 16, SLOT_0, 1)
    assert await peer.write(ENA, 1) == struct.pack(">BHH", 16, ENA, 1)
    assert station.cap_w == 4000
    peer.close()


async def test_the_evidence_names_the_role_and_the_certificate(
    station: Station, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "powerctl.signals")
    peer = await SecurePeer.connect_as(station.signals.tls_port, site.utility)
    await peer.write(ENA, 1)
    (detail,) = [event.detail for event in station.events if event.kind is GridEventKind.RECEIVED]
    assert f"by modbus-tls as GridServiceSunSpec with certificate {fingerprint(site.utility)}: accepted." in detail
    (entry,) = [vars(line)["fields"] for line in caplog.records if line.message == "modbus_write_accepted"]
    assert (entry["role"], entry["fingerprint"]) == ("GridServiceSunSpec", fingerprint(site.utility))
    assert entry["values"] == {"64300.Src.0.Ena": 1}
    peer.close()


async def test_plain_and_secure_show_the_same_registers_at_once(station: Station, site: Site) -> None:
    secure = await SecurePeer.connect_as(station.signals.tls_port, site.utility)
    plain = await station.connect()
    await secure.write(SLOT_0, 5000)
    assert await plain.read(SLOT_0) == (5000,)
    assert await plain.write(SLOT_0, 6000) == REFUSED
    assert await secure.read(SLOT_0) == (5000,)
    secure.close()
    plain.close()


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_1_2_and_1_3_are_spoken(station: Station, site: Site, newest: ssl.TLSVersion) -> None:
    peer = await SecurePeer.connect_as(station.signals.tls_port, site.utility, newest=newest)
    assert await peer.read(40000, 2) == MARKER
    if newest is ssl.TLSVersion.TLSv1_2:
        assert peer.cipher()[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"
    peer.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_tls_1_1_is_refused(station: Station, site: Site) -> None:
    assert await is_turned_away(station.signals.tls_port, site.utility, newest=ssl.TLSVersion.TLSv1_1)


async def test_a_peer_without_a_certificate_is_turned_away(station: Station, site: Site) -> None:
    assert await is_turned_away(station.signals.tls_port, site.utility, show=False)


async def test_a_peer_of_another_authority_is_turned_away(station: Station, site: Site, tmp_path: Path) -> None:
    other = pki.create_ca(tmp_path / "rogue", "Rogue")
    rogue = pki.issue(other, "rogue", client=True, role="SuperAdministratorSunSpec")
    trusting = rogue.model_copy(update={"ca": site.station.ca})
    assert await is_turned_away(station.signals.tls_port, trusting)


async def test_an_expired_certificate_is_turned_away(station: Station, site: Site) -> None:
    assert await is_turned_away(station.signals.tls_port, site.enrol("old", "GridServiceSunSpec", days=-1))


async def test_a_revoked_certificate_is_turned_away_from_the_next_handshake_on(site: Site, tmp_path: Path) -> None:
    other = site.enrol("other", "ReadOnlySunSpec")
    revoked = revoke(site.authority)
    async with running(tmp_path, site.settings(tls={"revoked": revoked})) as station:
        peer = await SecurePeer.connect_as(station.signals.tls_port, other)
        assert await peer.read(40000, 2) == MARKER
        revoke(site.authority, x509.load_pem_x509_certificate(other.certificate.read_bytes()))
        assert await is_turned_away(station.signals.tls_port, other)
        utility = await SecurePeer.connect_as(station.signals.tls_port, site.utility)
        assert await utility.read(40000, 2) == MARKER
        peer.close()
        utility.close()


async def test_a_servers_certificate_does_not_pass_for_a_clients(station: Station, site: Site) -> None:
    assert await is_turned_away(station.signals.tls_port, site.station)


@pytest.mark.parametrize("role", [None, "", "SomebodySunSpec"])
async def test_without_a_known_role_every_request_is_an_illegal_function(
    station: Station, site: Site, role: str | None
) -> None:
    peer = await SecurePeer.connect_as(station.signals.tls_port, site.enrol("nobody", role))
    assert await peer.ask(bytes.fromhex("03 9c40 0002")) == b"\x83\x01"
    assert await peer.write(SLOT_0, 1) == REFUSED
    peer.close()


@pytest.mark.parametrize(
    "role", ["ReadOnlySunSpec", "GridServiceSunSpec", "NetworkAdministratorSunSpec", "SuperAdministratorSunSpec"]
)
async def test_every_role_reads_and_none_writes_a_slot_that_it_is_not_bound_to(
    station: Station, site: Site, role: str
) -> None:
    peer = await SecurePeer.connect_as(station.signals.tls_port, site.enrol("other", role))
    assert await peer.read(40002, 2) == (1, 66)
    assert await peer.write(SLOT_0, 1) == REFUSED
    assert await peer.write(HEARTBEAT, 1) == REFUSED
    peer.close()


async def test_a_certificate_writes_the_slot_it_is_bound_to_and_no_other(site: Site, tmp_path: Path) -> None:
    other = site.enrol("other", "GridServiceSunSpec")
    settings = site.settings((site.utility, [0]), (other, [1]))
    async with running(tmp_path, settings) as station:
        peer = await SecurePeer.connect_as(station.signals.tls_port, other)
        assert await peer.write(SLOT_0, 1) == REFUSED
        assert await peer.write(SLOT_0 + 32, 1) == b"\x90\x02"
        peer.close()


async def test_only_a_super_administrator_writes_the_stations_settings(station: Station, site: Site) -> None:
    utility = await SecurePeer.connect_as(station.signals.tls_port, site.utility)
    assert await utility.write(CHARGE_RATE_MAX, 11000) == REFUSED
    chief = await SecurePeer.connect_as(station.signals.tls_port, site.enrol("chief", "SuperAdministratorSunSpec"))
    assert await chief.write(CHARGE_RATE_MAX, 4100) == struct.pack(">BHH", 16, CHARGE_RATE_MAX, 1)
    assert station.cap_w == 4100
    utility.close()
    chief.close()


async def test_a_refusal_tells_a_stranger_nothing_about_the_value(station: Station, site: Site) -> None:
    reader = await SecurePeer.connect_as(station.signals.tls_port, site.enrol("reader", "ReadOnlySunSpec"))
    assert await reader.write(ENA, 1) == await reader.write(ENA, 7) == REFUSED
    reader.close()


async def test_split_and_merged_records_are_one_stream(station: Station, site: Site) -> None:
    peer = await SecurePeer.connect_as(station.signals.tls_port, site.utility)
    request = bytes.fromhex("03 9c40 0002")
    stream = b"".join(adu(number, request) for number in range(20))
    for start in range(0, len(stream), 7):
        peer.send(stream[start : start + 7])
        await peer.writer.drain()
    assert [(await peer.reply()).transaction for _ in range(20)] == list(range(20))
    peer.close()


async def test_a_plain_peer_on_the_secure_port_gets_no_answer(station: Station) -> None:
    peer = await Peer.connect(station.signals.tls_port)
    peer.send(adu(1, bytes.fromhex("03 9c40 0002")))
    answer = await peer.reader.read()
    assert b"SunS" not in answer
    peer.close()


async def test_peers_that_never_shake_hands_do_not_keep_the_utility_out_for_long(
    station: Station, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HANDSHAKE_S", 0.3)
    silent = [await Peer.connect(station.signals.tls_port) for _ in range(server.MAX_HANDSHAKES)]
    await asyncio.sleep(0)
    over = await Peer.connect(station.signals.tls_port)
    assert await over.is_closed()
    assert all([await peer.is_closed() for peer in silent])
    utility = await SecurePeer.connect_as(station.signals.tls_port, site.utility)
    assert await utility.read(40000, 2) == MARKER
    for peer in (*silent, over, utility):
        peer.close()


async def test_failed_handshakes_leave_nothing_behind(station: Station, site: Site) -> None:
    """Without the collector's help: a peer's TLS state is a quarter of a megabyte, and a storm outruns it."""
    gc.collect()
    gc.disable()
    try:
        for number in range(24):
            if number % 2:
                assert await is_turned_away(station.signals.tls_port, site.utility, show=False)
            else:
                await babble(station.signals.tls_port, random.Random(number).randbytes(200))
        await asyncio.sleep(0)
        held = [one for one in gc.get_objects() if isinstance(one, SSLProtocol) and one._server_side]
    finally:
        gc.enable()
    assert not held
    utility = await SecurePeer.connect_as(station.signals.tls_port, site.utility)
    assert await utility.read(40000, 2) == MARKER
    utility.close()


async def babble(port: int, noise: bytes) -> None:
    """Say something that is no handshake, and wait until the station has hung up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(noise)
    with suppress(ConnectionError):
        while await reader.read(1000):
            pass
    writer.close()


async def test_replaced_certificates_count_from_the_next_handshake_on(site: Site, tmp_path: Path) -> None:
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(site.station.ca.read_bytes())
    other = pki.create_ca(tmp_path / "other", "Another root")
    newcomer = pki.issue(other, "newcomer", client=True, role="ReadOnlySunSpec")
    trusting = newcomer.model_copy(update={"ca": site.station.ca})
    async with running(tmp_path, site.settings(tls={"authorities": [authorities]})) as station:
        assert await is_turned_away(station.signals.tls_port, trusting)
        authorities.write_bytes(site.station.ca.read_bytes() + newcomer.ca.read_bytes())
        os.utime(authorities, ns=(0, 0))
        peer = await SecurePeer.connect_as(station.signals.tls_port, trusting)
        assert await peer.read(40000, 2) == MARKER
        authorities.write_text("nonsense")
        os.utime(authorities, ns=(1, 1))
        again = await SecurePeer.connect_as(station.signals.tls_port, trusting)
        assert await again.read(40000, 2) == MARKER
        peer.close()
        again.close()


async def test_twelve_roots_are_held_and_each_may_sign(site: Site, tmp_path: Path) -> None:
    roots = [pki.create_ca(tmp_path / f"root{number}", f"Root {number}") for number in range(12)]
    files = [root.certificate_file for root in roots]
    async with running(tmp_path, site.settings(tls={"authorities": files})) as station:
        for number in (0, 11):
            signed = pki.issue(roots[number], "peer", client=True, role="ReadOnlySunSpec")
            peer = await SecurePeer.connect_as(
                station.signals.tls_port, signed.model_copy(update={"ca": site.station.ca})
            )
            assert await peer.read(40000, 2) == MARKER
            peer.close()


async def test_a_missing_certificate_is_an_error_with_its_remedy(site: Site, tmp_path: Path) -> None:
    settings = site.settings(tls={"certificate": tmp_path / "missing.pem"})
    with pytest.raises(ConfigError, match="modbus_tls"):
        async with running(tmp_path, settings):
            pass


async def test_a_key_that_does_not_fit_is_an_error(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="modbus_tls"):
        async with running(tmp_path, site.settings(tls={"key": site.utility.key})):
            pass
