"""A revocation list of a small authority: certificates that count no more although they have not expired."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from powerctl.runtime.pki import CLOCK_SKEW, Authority

FILE_NAME: Final = "revoked.pem"


def revoke(authority: Authority, *certificates: x509.Certificate) -> Path:
    """The authority's list, with `certificates` added to those that were on it before.

    The list lasts as long as the authority: whoever checks it must not be locked out because nobody renewed it.

    Raises:
        OSError: The list cannot be read or written.
        ValueError: A certificate is another authority's.
    """
    for certificate in certificates:
        if certificate.issuer != authority.certificate.subject:
            raise ValueError(f"{certificate.subject.rfc4514_string()} was issued by another authority")
    path = authority.folder / FILE_NAME
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - CLOCK_SKEW)
        .next_update(authority.certificate.not_valid_after_utc)
    )
    known = list(x509.load_pem_x509_crl(path.read_bytes())) if path.exists() else []
    numbers = {entry.serial_number for entry in known}
    for entry in known:
        builder = builder.add_revoked_certificate(entry)
    for number in {certificate.serial_number for certificate in certificates} - numbers:
        entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now).build()
        builder = builder.add_revoked_certificate(entry)
    signed = builder.sign(authority.key, hashes.SHA256())
    fresh = path.with_suffix(".new")
    fresh.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    fresh.replace(path)
    return path
