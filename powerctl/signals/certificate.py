"""What a peer's certificate says about it: its role and its fingerprint.

Source: Modbus/TCP Security R-21, R-22, R-65: exactly one role extension, an ASN.1 UTF8String.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from cryptography import x509

ROLE_OID: Final = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.1")
UTF8_STRING: Final = 0x0C
SHORT_FORM: Final = 0x80
"""Lengths of DER below this take one byte; no role is longer."""


def role_of(certificate: bytes) -> str | None:
    """The role in a DER certificate. None: none, several, or not a UTF8String."""
    try:
        extension = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_oid(ROLE_OID)
    except (ValueError, x509.DuplicateExtension, x509.ExtensionNotFound):
        return None
    value = extension.value
    return _utf8_string(value.value) if isinstance(value, x509.UnrecognizedExtension) else None


def _utf8_string(der: bytes) -> str | None:
    if len(der) < 2 or der[0] != UTF8_STRING or der[1] >= SHORT_FORM or len(der) != 2 + der[1]:
        return None
    try:
        return der[2:].decode()
    except UnicodeDecodeError:
        return None


def fingerprint_of(certificate: bytes) -> str:
    """SHA-256 of a DER certificate, lower-case hexadecimal."""
    return sha256(certificate).hexdigest()


def normalized(fingerprint: str) -> str:
    """A fingerprint as people copy it, with colons and in any case, in the one form that is compared.

    Raises:
        ValueError: It is not that of SHA-256.
    """
    plain = fingerprint.replace(":", "").replace(" ", "").lower()
    if len(plain) != 64 or not set(plain) <= set("0123456789abcdef"):
        raise ValueError("a SHA-256 fingerprint has 64 hexadecimal digits")
    return plain
