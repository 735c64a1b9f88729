"""What a certificate says about its holder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from powerctl.runtime import pki
from powerctl.signals.certificate import ROLE_OID, fingerprint_of, normalized, role_of

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")])
START = datetime(2026, 1, 1, tzinfo=UTC)


def certificate(*roles: bytes) -> bytes:
    """A certificate with one role extension, its value DER, or with none."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=1))
    )
    for role in roles:
        builder = builder.add_extension(x509.UnrecognizedExtension(ROLE_OID, role), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def test_the_role_is_that_of_the_extension() -> None:
    assert role_of(certificate(pki.utf8_string("GridServiceSunSpec"))) == "GridServiceSunSpec"


def test_the_issuing_side_writes_the_extension_that_is_read() -> None:
    assert ROLE_OID == pki.ROLE_OID


@pytest.mark.parametrize(
    "value",
    [b"", b"\x0c", b"\x13\x04Grid", b"\x0c\x05Grid", b"\x0c\x03Grid", b"\x0c\x81\x04Grid", b"\x0c\x02\xff\xfe"],
    ids=["empty", "no length", "PrintableString", "short", "long", "long form", "not UTF-8"],
)
def test_a_role_in_another_encoding_is_none(value: bytes) -> None:
    assert role_of(certificate(value)) is None


def test_no_role_is_none() -> None:
    assert role_of(certificate()) is None


def test_what_is_no_certificate_has_no_role() -> None:
    assert role_of(b"\x30\x00") is None


def test_two_roles_are_none() -> None:
    one = certificate(pki.utf8_string("A"))
    assert role_of(_with_extension_twice(one)) is None


def _with_extension_twice(der: bytes) -> bytes:
    """The certificate with its only extension repeated; every enclosing length grows by as much."""
    oid = bytes.fromhex("2b0601040183890c862201")
    at = der.index(oid) - 4
    size = 2 + der[at + 1]
    extension = der[at : at + size]
    grown = bytearray(der[: at + size] + extension + der[at + size :])
    for start in _enclosing(der, at):
        _grow(grown, start, size)
    return bytes(grown)


def _enclosing(der: bytes, at: int) -> list[int]:
    """Where the sequences and tags begin that enclose the byte at `at`."""
    found, start, end = [], 0, len(der)
    while start < at:
        header = 2 if der[start + 1] < 0x80 else 2 + (der[start + 1] & 0x7F)
        length = der[start + 1] if header == 2 else int.from_bytes(der[start + 2 : start + header], "big")
        if start + header + length <= at:
            start += header + length
            continue
        found.append(start)
        start, end = start + header, start + header + length
    assert at < end
    return found


def _grow(der: bytearray, start: int, by: int) -> None:
    if der[start + 1] < 0x80:
        der[start + 1] += by
        assert der[start + 1] < 0x80
        return
    width = der[start + 1] & 0x7F
    length = int.from_bytes(der[start + 2 : start + 2 + width], "big") + by
    der[start + 2 : start + 2 + width] = length.to_bytes(width, "big")


def test_a_fingerprint_is_compared_in_one_form() -> None:
    plain = fingerprint_of(certificate())
    colons = ":".join(plain[i : i + 2] for i in range(0, 64, 2)).upper()
    assert normalized(colons) == plain


@pytest.mark.parametrize("text", ["", "ab", "g" * 64, "a" * 63])
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        normalized(text)
