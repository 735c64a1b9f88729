"""Modbus over a serial line: silence ends a frame, a checksum guards it, an address says whom it is for. Pure.

Source: Modbus over Serial Line V1.02, §2.2, §2.5.1 and §6.2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIN_FRAME: Final = 4
MAX_FRAME: Final = 256
BROADCAST: Final = 0
"""Everybody applies it, nobody answers."""
GAP_CHARACTERS: Final = 3.5
LEAST_GAP_S: Final = 0.00175
"""Above 19200 baud the gap is fixed (§2.5.1.1)."""
_POLYNOMIAL: Final = 0xA001


def _table() -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ _POLYNOMIAL if crc & 1 else crc >> 1
        rows.append(crc)
    return tuple(rows)


_TABLE: Final = _table()


def checksum(data: bytes) -> bytes:
    """The CRC of `data`, low byte first as it stands on the line."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Frame:
    """One intact frame."""

    unit: int
    pdu: bytes


def gap_s(baud: int, bits: int) -> float:
    """The silence that ends a frame, seconds.

    Args:
        bits: Per character, with start, parity and stop bits.
    """
    return max(LEAST_GAP_S, GAP_CHARACTERS * bits / baud)


class Assembler:
    """Collects what comes between two silences. Bounded: more than the longest frame is no frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        if len(self._buffer) <= MAX_FRAME:
            self._buffer += data

    def end(self) -> Frame | None:
        """What was received, now that the line has fallen silent. None: it is no intact frame, and is dropped."""
        received, self._buffer = bytes(self._buffer), bytearray()
        if not MIN_FRAME <= len(received) <= MAX_FRAME or checksum(received[:-2]) != received[-2:]:
            return None
        return Frame(received[0], received[1:-2])


def frame(unit: int, pdu: bytes) -> bytes:
    """`pdu` as it goes on the line."""
    body = bytes((unit,)) + pdu
    return body + checksum(body)
