"""Frames on the pipes to and from the plan process: four bytes of length, then UTF-8 JSON."""

from __future__ import annotations

import struct
from typing import Final

from powerctl.core.errors import RemoteError

HEADER: Final = struct.Struct(">I")
LARGEST: Final = 1 << 20
"""Largest payload, bytes."""


def framed(payload: bytes) -> bytes:
    """`payload` with its length before it."""
    return HEADER.pack(len(payload)) + payload


def length_of(header: bytes) -> int:
    """Length of the payload that follows.

    Raises:
        RemoteError: It is larger than any that we would send.
    """
    (length,) = HEADER.unpack(header)
    if length > LARGEST:
        raise RemoteError(f"plan: a frame of {length} bytes")
    return int(length)
