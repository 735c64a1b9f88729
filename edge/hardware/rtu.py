"""Modbus RTU frames of a client that reads and writes holding registers (pure; MODBUS over serial line V1.02)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from powerctl.core.errors import RemoteError

READ_HOLDING: Final = 3
WRITE_ONE: Final = 6
WRITE_MANY: Final = 16
MOST_REGISTERS: Final = 125


def crc(data: bytes) -> bytes:
    """The two bytes that end a frame; low byte first."""
    value = 0xFFFF
    for octet in data:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


def sealed(body: bytes) -> bytes:
    """`body` with its check."""
    return body + crc(body)


def read_request(unit: int, address: int, count: int) -> bytes:
    """Asks for `count` registers from `address` on."""
    return sealed(struct.pack(">BBHH", unit, READ_HOLDING, address, count))


def write_request(unit: int, address: int, value: int) -> bytes:
    """Sets one register."""
    return sealed(struct.pack(">BBHH", unit, WRITE_ONE, address, value))


def answer_length(head: bytes) -> int | None:
    """How long the answer is that begins with `head`; None: not known yet."""
    if len(head) < 3:
        return None
    if head[1] & 0x80:
        return 5
    return 5 + head[2] if head[1] == READ_HOLDING else 8


def registers_from(answer: bytes, unit: int, count: int) -> tuple[int, ...]:
    """The registers of an answer to `read_request`.

    Raises:
        RemoteError: Another unit, an exception, a wrong length or check.
    """
    body = _checked(answer, unit, READ_HOLDING)
    if len(body) != 1 + 2 * count or body[0] != 2 * count:
        raise RemoteError(f"unit {unit}: {body[0] if body else 0} bytes where {2 * count} were asked for")
    return struct.unpack(f">{count}H", body[1:])


def written(answer: bytes, unit: int, address: int, value: int) -> None:
    """Checks the answer to `write_request`.

    Raises:
        RemoteError: It does not confirm the write.
    """
    if _checked(answer, unit, WRITE_ONE) != struct.pack(">HH", address, value):
        raise RemoteError(f"unit {unit}: register {address} was not confirmed")


def _checked(answer: bytes, unit: int, function: int) -> bytes:
    if len(answer) < 5 or crc(answer[:-2]) != answer[-2:]:
        raise RemoteError(f"unit {unit}: the answer is cut or damaged")
    if answer[0] != unit:
        raise RemoteError(f"unit {answer[0]} answered for unit {unit}")
    if answer[1] == function | 0x80:
        raise RemoteError(f"unit {unit}: exception {answer[2]}")
    if answer[1] != function:
        raise RemoteError(f"unit {unit}: function {answer[1]} instead of {function}")
    return answer[2:-2]


def float_of(registers: Sequence[int]) -> float:
    """The 32-bit float of two registers, high word first."""
    value: float = struct.unpack(">f", struct.pack(">HH", *registers))[0]
    return value


def registers_of(value: float) -> tuple[int, int]:
    """The two registers of a 32-bit float, high word first."""
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return high, low
