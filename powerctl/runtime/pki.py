"""A small certificate authority on P-256: enough for a demo, a test bench and a first station.

Certificates carry the station id as common name, one role extension where a role is given (Modbus/TCP Security,
object identifier 1.3.6.1.4.1.50316.802.1, UTF8String), and exactly the extended key usage they need.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from powerctl.core.errors import RemoteError
from powerctl.runtime.settings import TlsFiles

ROLE_OID: Final = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.1")
"""Modbus/TCP Security R-21: the role of a client, an ASN.1 UTF8String."""
CA_DAYS: Final = 3650
LEAF_DAYS: Final = 90
MAX_REQUEST: Final = 8_000
"""Characters of a certificate request that is looked into."""
CLOCK_SKEW: Final = timedelta(minutes=5)
"""Certificates begin this much in the past, for peers whose clock is late."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority with its key in memory."""

    folder: Path
    """Where the authority and what it issues are written."""
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_file(self) -> Path:
        """PEM file of the authority's certificate."""
        return self.folder / "ca.pem"


def create_ca(folder: Path, name: str) -> Authority:
    """A new self-signed authority in `folder`, files `ca.pem` and `ca.key`."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _builder(subject, subject, key.public_key(), CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    authority = Authority(folder, certificate, key)
    authority.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    write_private(folder / "ca.key", _key_pem(key))
    return authority


def load_ca(folder: Path) -> Authority:
    """The authority that `create_ca` wrote to `folder`.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file is not what it should be.
    """
    certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{folder / 'ca.key'} holds no elliptic-curve key")
    return Authority(folder, certificate, key)


def issue(
    authority: Authority,
    name: str,
    *,
    organisation: str = "",
    server_names: Sequence[str] = (),
    client: bool = False,
    role: str | None = None,
    days: float = LEAF_DAYS,
) -> TlsFiles:
    """A new key and certificate, files `NAME.pem` and `NAME.key` in the authority's folder.

    Args:
        authority: Who signs.
        name: Common name; also the file name.
        organisation: Organisation of the subject; empty for none.
        server_names: DNS names and IP addresses it may serve as; empty: no server.
        client: True: it may be used as a client.
        role: Role extension; None for none.
        days: Life from now; negative for one that has expired.

    Raises:
        ValueError: Neither client nor server.
    """
    if not server_names and not client:
        raise ValueError(f"{name}: a certificate must be for a server, a client or both")
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organisation:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    builder = _builder(x509.Name(attributes), authority.certificate.subject, key.public_key(), days)
    builder = _with_leaf_extensions(builder, authority, server_names, client, role)
    certificate = builder.sign(authority.key, hashes.SHA256())
    certificate_file, key_file = authority.folder / f"{name}.pem", authority.folder / f"{name}.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    write_private(key_file, _key_pem(key))
    return TlsFiles(ca=authority.certificate_file, certificate=certificate_file, key=key_file)


def request(key: ec.EllipticCurvePrivateKey, name: str) -> x509.CertificateSigningRequest:
    """A signed request for a certificate for `name` (PKCS #10)."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())


def read_request(pem: str) -> x509.CertificateSigningRequest:
    """The request in `pem`, proven to come from the holder of its key.

    Raises:
        RemoteError: It is none, not signed by its own key, or the key is not on P-256.
    """
    if len(pem) > MAX_REQUEST:
        raise RemoteError("the certificate request is too large")
    try:
        found = x509.load_pem_x509_csr(pem.encode())
        key = found.public_key()
        proven = found.is_signature_valid
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RemoteError("this is not a certificate request (PKCS #10, PEM)") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RemoteError("the key of a certificate request must be on P-256")
    if not proven:
        raise RemoteError("the certificate request is not signed by its own key")
    return found


def name_in(subject: x509.Name) -> str:
    """The one common name in a subject. Empty: there is none.

    Raises:
        RemoteError: There are several.
    """
    found = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(found) > 1:
        raise RemoteError("more than one common name")
    return str(found[0].value) if found else ""


def sign_client(
    authority: Authority, asked: x509.CertificateSigningRequest, name: str, *, organisation: str, days: float
) -> x509.Certificate:
    """A client's certificate for the key in `asked`; of the request nothing else counts.

    The organisational unit is the certificate's own, so that a broker that knows clients by their subject can tell a
    revoked certificate from the one that replaced it.

    Raises:
        RemoteError: The request is for another name.
    """
    if name_in(asked.subject) not in {"", name}:
        raise RemoteError("the certificate request is for another name")
    key = asked.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise RemoteError("the key of a certificate request must be on P-256")
    attributes = {
        NameOID.COMMON_NAME: name,
        NameOID.ORGANIZATION_NAME: organisation,
        NameOID.ORGANIZATIONAL_UNIT_NAME: secrets.token_hex(8),
    }
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes.items()])
    builder = _builder(subject, authority.certificate.subject, key, days)
    return _with_leaf_extensions(builder, authority, (), True, None).sign(authority.key, hashes.SHA256())


def revocation_list(authority: Authority, revoked: Mapping[int, datetime], *, days: float = 7.0) -> bytes:
    """The authority's list of revoked serials as PEM; good for `days`."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - CLOCK_SKEW)
        .next_update(now + timedelta(days=days))
        .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), critical=False)
    )
    for serial, time in revoked.items():
        row = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(time).build()
        builder = builder.add_revoked_certificate(row)
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _with_leaf_extensions(
    builder: x509.CertificateBuilder,
    authority: Authority,
    server_names: Sequence[str],
    client: bool,
    role: str | None,
) -> x509.CertificateBuilder:
    usages = [ExtendedKeyUsageOID.SERVER_AUTH] if server_names else []
    usages += [ExtendedKeyUsageOID.CLIENT_AUTH] if client else []
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
    )
    if server_names:
        names = x509.SubjectAlternativeName([_general_name(name) for name in server_names])
        builder = builder.add_extension(names, critical=False)
    if role is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(ROLE_OID, utf8_string(role)), critical=False)
    return builder


def utf8_string(text: str) -> bytes:
    """`text` as a DER UTF8String.

    Raises:
        ValueError: It is longer than 127 bytes.
    """
    encoded = text.encode()
    if len(encoded) > 127:
        raise ValueError(f"role of {len(encoded)} bytes: at most 127")
    return bytes([0x0C, len(encoded)]) + encoded


def write_private(path: Path, content: bytes) -> None:
    """Write `content` to a file that only its owner can read."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def signing_key(path: Path) -> Path:
    """A new P-256 private key for signing tokens, as PEM in `path`."""
    write_private(path, _key_pem(ec.generate_private_key(ec.SECP256R1())))
    return path


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: float
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    start = min(now - CLOCK_SKEW, now + timedelta(days=days) - CLOCK_SKEW)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(now + timedelta(days=days))
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
