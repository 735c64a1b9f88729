"""One-time codes by time (RFC 6238, with SHA-1, six digits and thirty seconds, which every authenticator knows)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

STEP_S: Final = 30
DIGITS: Final = 6
DRIFT: Final = 1
"""Steps that the authenticator's clock may be ahead or behind."""
SECRET_BYTES: Final = 20
_ISSUER: Final = "powerctl"


def code(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of one step (RFC 4226, 5.3)."""
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack_from(">I", digest, offset)[0] & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def step_at(now: datetime) -> int:
    """The step that `now` lies in."""
    return int(now.timestamp()) // STEP_S


def accepted_step(secret: bytes, given: str, now: datetime, last: int | None) -> int | None:
    """The step whose code was given. None: a wrong code, or one of a step that was used already.

    Args:
        secret: The user's.
        given: What the person typed.
        now: The time.
        last: Step of the last code that was accepted. None: none was.
    """
    present = step_at(now)
    matching = [
        step
        for step in range(present - DRIFT, present + DRIFT + 1)
        if hmac.compare_digest(code(secret, step).encode(), given.encode())
    ]
    fresh = [step for step in matching if last is None or step > last]
    return fresh[0] if fresh else None


def uri(secret: bytes, user: str) -> str:
    """What an authenticator reads from a QR code."""
    encoded = base64.b32encode(secret).decode().rstrip("=")
    return f"otpauth://totp/{_ISSUER}:{quote(user)}?{urlencode({'secret': encoded, 'issuer': _ISSUER})}"
