"""Passwords as hashes that are dear to guess, and columns that only the holder of the key can read."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidKey, InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

ITERATIONS: Final = 2
MEMORY_KIB: Final = 19 * 1024
LANES: Final = 1
"""Argon2id as the OWASP password storage cheat sheet recommends: 19 MiB, two passes, one lane."""
_SALT_BYTES: Final = 16
_LENGTH: Final = 32
_AT_ONCE: Final = 4
"""Hashes that are computed at the same time; a flood of sign-ins must not take the memory."""
_NONCE_BYTES: Final = 12


@dataclass(slots=True)
class Passwords:
    """Hashes passwords and compares them, off the event loop."""

    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _nobodys: str = ""
    """Hash that an unknown user's password is compared with, so that the answer takes as long."""

    async def hash(self, password: str) -> str:
        """The hash of `password` in PHC format, with its own salt."""
        async with self._turn:
            return await asyncio.to_thread(_hash, password)

    async def is_right(self, hashed: str | None, password: str) -> bool:
        """True when `hashed` is that of `password`. None: there is no such user; takes as long."""
        if hashed is None and not self._nobodys:
            self._nobodys = await self.hash("nobody")
        async with self._turn:
            same = await asyncio.to_thread(_is_right, hashed or self._nobodys, password)
        return same and hashed is not None


def _hash(password: str) -> str:
    kdf = Argon2id(
        salt=os.urandom(_SALT_BYTES), length=_LENGTH, iterations=ITERATIONS, lanes=LANES, memory_cost=MEMORY_KIB
    )
    return kdf.derive_phc_encoded(password.encode())


def _is_right(hashed: str, password: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(), hashed)
    except InvalidKey:
        return False
    return True


class Sealer:
    """Encrypts small values (AES-256-GCM), each bound to the place where it belongs."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, value: bytes, place: str) -> bytes:
        """`value`, unreadable, and of use only at `place`."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes | None:
        """The value. None: another key or place, or it was changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            return None
