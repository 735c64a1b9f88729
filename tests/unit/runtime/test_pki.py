"""Certificates are fit for exactly what they were issued for; checked by OpenSSL through real handshakes."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from powerctl.runtime import pki
from powerctl.runtime.settings import TlsFiles


@pytest.fixture
def authority(tmp_path: Path) -> pki.Authority:
    return pki.create_ca(tmp_path / "pki", "Test authority")


def context(files: TlsFiles, *, server: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(files.certificate, files.key)
    context.load_verify_locations(files.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def handshake(server: TlsFiles, client: TlsFiles, name: str = "127.0.0.1") -> str:
    """The common name of the client as the server saw it."""
    left, right = socket.socketpair()
    seen: list[str] = []

    def serve() -> None:
        try:
            with context(server, server=True).wrap_socket(left, server_side=True) as tls:
                der = tls.getpeercert(binary_form=True) or b""
                subject = x509.load_der_x509_certificate(der).subject
                seen.extend(str(name.value) for name in subject.get_attributes_for_oid(NameOID.COMMON_NAME))
                tls.send(b"x")
        except (ssl.SSLError, OSError):
            left.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with context(client, server=False).wrap_socket(right, server_hostname=name) as tls:
            if tls.recv(1) != b"x":
                raise ssl.SSLError("refused by the server")
    finally:
        right.close()
        thread.join()
    return seen[0]


def test_both_sides_know_each_other(authority: pki.Authority) -> None:
    server = pki.issue(authority, "server", server_names=["127.0.0.1", "localhost"])
    client = pki.issue(authority, "station-7", organisation="Operator", client=True)
    assert handshake(server, client) == "station-7"


@pytest.mark.parametrize("fault", ["server only", "expired", "other authority"])
def test_a_client_that_is_not_one_is_refused(authority: pki.Authority, tmp_path: Path, fault: str) -> None:
    server = pki.issue(authority, "server", server_names=["127.0.0.1"])
    client = {
        "server only": lambda: pki.issue(authority, "c", server_names=["c"]),
        "expired": lambda: pki.issue(authority, "c", client=True, days=-1),
        "other authority": lambda: pki.issue(pki.create_ca(tmp_path / "rogue", "Test authority"), "c", client=True),
    }[fault]()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(server, TlsFiles(ca=server.ca, certificate=client.certificate, key=client.key))


def test_a_server_with_another_name_is_refused(authority: pki.Authority) -> None:
    server = pki.issue(authority, "server", server_names=["elsewhere.example"])
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, pki.issue(authority, "c", client=True))


def test_private_keys_are_their_owners_only(authority: pki.Authority) -> None:
    files = pki.issue(authority, "c", client=True)
    for key in (files.key, authority.folder / "ca.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_the_role_is_one_utf8_string(authority: pki.Authority) -> None:
    files = pki.issue(authority, "utility", client=True, role="GridServiceSunSpec")
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    extension = certificate.extensions.get_extension_for_oid(pki.ROLE_OID).value
    assert isinstance(extension, x509.UnrecognizedExtension)
    assert extension.value == b"\x0c\x12GridServiceSunSpec"


def test_an_authority_can_be_loaded_again(authority: pki.Authority) -> None:
    again = pki.load_ca(authority.folder)
    server = pki.issue(again, "server", server_names=["127.0.0.1"])
    assert handshake(server, pki.issue(authority, "c", client=True)) == "c"


def test_a_certificate_for_nobody_is_refused(authority: pki.Authority) -> None:
    with pytest.raises(ValueError, match="server, a client or both"):
        pki.issue(authority, "c")
