"""Web Push without a network: the encrypted message (RFC 8291) and the sender's proof (VAPID, RFC 8292)."""

from __future__ import annotations

import base64
import os
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_SIZE: Final = 4096
LONGEST: Final = 3_000
"""Bytes of a message; push services take about four thousand."""
PROOF_LIFE: Final = timedelta(hours=12)
_CURVE: Final = ec.SECP256R1()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A browser that takes messages."""

    endpoint: str
    p256dh: bytes
    """The browser's public key, an uncompressed point."""
    auth: bytes


def subscription(endpoint: str, p256dh: str, auth: str) -> Subscription:
    """What a browser says of itself, checked.

    Raises:
        ValueError: It is not one.
    """
    parts = urlsplit(endpoint)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.port not in (None, 443):
        raise ValueError("endpoint must be an https address")
    key, secret = unpadded(p256dh), unpadded(auth)
    if len(secret) != 16 or len(endpoint) > 1_000:
        raise ValueError("auth must have 16 bytes, and endpoint at most 1000 characters")
    ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, key)
    return Subscription(endpoint, key, secret)


def encrypted(
    text: bytes, to: Subscription, own: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """`text` as only `to` can read it: one record of aes128gcm (RFC 8188).

    Args:
        text: At most `LONGEST` bytes.
        to: Who reads it.
        own: A fresh key. None: made here.
        salt: 16 fresh bytes. None: made here.
    """
    own, salt = own or ec.generate_private_key(_CURVE), salt or os.urandom(16)
    shared = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, to.p256dh))
    point = public_point(own)
    secret = HKDF(SHA256(), 32, to.auth, b"WebPush: info\0" + to.p256dh + point).derive(shared)
    key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
    sealed = AESGCM(key).encrypt(nonce, text[:LONGEST] + b"\x02", None)
    return salt + struct.pack("!IB", RECORD_SIZE, len(point)) + point + sealed


def headers(to: Subscription, key: ec.EllipticCurvePrivateKey, subject: str, now: datetime) -> dict[str, str]:
    """What goes with a message to `to`.

    Args:
        to: Who reads it.
        key: The application server's.
        subject: Whom the push service may write to, `mailto:` or `https:`.
        now: Of sending.
    """
    parts = urlsplit(to.endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int((now + PROOF_LIFE).timestamp()), "sub": subject}
    token = jwt.encode(claims, key, algorithm="ES256")
    return {
        "Authorization": f"vapid t={token}, k={padless(public_point(key))}",
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": "3600",
        "Urgency": "normal",
    }


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public key as an uncompressed point."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def padless(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unpadded(text: str) -> bytes:
    """What `padless` was made from. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
