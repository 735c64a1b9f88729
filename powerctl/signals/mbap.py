"""Modbus over a byte stream: one header per request, however the segments were cut.

Source: Modbus Messaging on TCP/IP V1.0b, §3.1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from powerctl.core.errors import RemoteError

HEADER: Final = struct.Struct(">HHHB")
LENGTH_AT: Final = 6
"""Bytes of a frame that its length field does not count."""
MAX_LENGTH: Final = 254
UNITS: Final = frozenset({0, 1, 255})
"""Unit ids that mean this station on TCP."""


class MalformedStream(RemoteError):
    """The peer does not speak Modbus/TCP, or lost its place. There is no way back: close."""


@dataclass(frozen=True, slots=True)
class Adu:
    """One request in its envelope."""

    transaction: int
    unit: int
    pdu: bytes


class Deframer:
    """Cuts a byte stream into requests. Holds what was fed and not yet taken."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self._buffer += data

    def take(self) -> Adu | None:
        """The next complete request; None: more bytes are needed.

        Raises:
            MalformedStream: The header has another protocol, or a length that no request has.
        """
        buffer = self._buffer
        if len(buffer) < HEADER.size:
            return None
        transaction, protocol, length, unit = HEADER.unpack_from(buffer)
        if protocol != 0 or not 2 <= length <= MAX_LENGTH:
            raise MalformedStream(f"protocol {protocol}, length {length}")
        end = LENGTH_AT + length
        if len(buffer) < end:
            return None
        pdu = bytes(buffer[HEADER.size : end])
        del buffer[:end]
        return Adu(transaction, unit, pdu)


def frame(adu: Adu, pdu: bytes) -> bytes:
    """The answer `pdu` in the envelope of the request `adu`."""
    return HEADER.pack(adu.transaction, 0, len(pdu) + 1, adu.unit) + pdu
