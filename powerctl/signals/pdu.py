"""Modbus requests and answers as values: what may be asked, and the exact refusal of everything else.

Source: Modbus Application Protocol V1.1b3, §4.3, §6 and §7.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from powerctl.core.errors import RemoteError


class Code(IntEnum):
    """Exception codes."""

    ILLEGAL_FUNCTION = 1
    """Also the answer to a peer without the right, without detail (Modbus/TCP Security R-31)."""
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    FAILURE = 4
    BUSY = 6
    NO_TARGET = 0x0B


class Function(IntEnum):
    """The functions that are answered."""

    READ_HOLDING = 3
    READ_INPUT = 4
    WRITE_ONE = 6
    WRITE = 16
    READ_WRITE = 23


MAX_READ: Final = 125
MAX_WRITE: Final = 123
MAX_READ_WRITE: Final = 121
EXCEPTION_BIT: Final = 0x80


class Refused(RemoteError):
    """A request that is answered with an exception."""

    def __init__(self, code: Code) -> None:
        super().__init__(f"refused: {code.name.lower()}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive registers."""

    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Request:
    """A well-formed request. One of `read` and `write` is there, or both."""

    function: Function
    read: Span | None = None
    write: Span | None = None
    data: bytes = b""
    """What to write: two bytes per register."""


def parse(pdu: bytes) -> Request:
    """The request in `pdu`, which has at least one byte.

    Raises:
        Refused: The function is not answered, the length is wrong, or a count is out of range.
    """
    try:
        function = Function(pdu[0])
    except ValueError:
        raise Refused(Code.ILLEGAL_FUNCTION) from None
    try:
        return _PARSERS[function](function, pdu)
    except struct.error:
        raise Refused(Code.ILLEGAL_VALUE) from None


def _parse_read(function: Function, pdu: bytes) -> Request:
    _, address, count = struct.unpack(">BHH", pdu)
    return Request(function, read=_span(address, count, MAX_READ))


def _parse_write_one(function: Function, pdu: bytes) -> Request:
    _, address, data = struct.unpack(">BH2s", pdu)
    return Request(function, write=Span(address, 1), data=data)


def _parse_write(function: Function, pdu: bytes) -> Request:
    _, address, count, size = struct.unpack_from(">BHHB", pdu)
    return Request(function, write=_span(address, count, MAX_WRITE), data=_payload(pdu[6:], count, size))


def _parse_read_write(function: Function, pdu: bytes) -> Request:
    _, read_from, read_count, address, count, size = struct.unpack_from(">BHHHHB", pdu)
    read = _span(read_from, read_count, MAX_READ)
    return Request(function, read, _span(address, count, MAX_READ_WRITE), _payload(pdu[10:], count, size))


_PARSERS: Final = {
    Function.READ_HOLDING: _parse_read,
    Function.READ_INPUT: _parse_read,
    Function.WRITE_ONE: _parse_write_one,
    Function.WRITE: _parse_write,
    Function.READ_WRITE: _parse_read_write,
}


def _span(address: int, count: int, most: int) -> Span:
    if not 1 <= count <= most:
        raise Refused(Code.ILLEGAL_VALUE)
    return Span(address, count)


def _payload(data: bytes, count: int, size: int) -> bytes:
    if size != 2 * count or len(data) != size:
        raise Refused(Code.ILLEGAL_VALUE)
    return data


def answer(request: Request, data: bytes) -> bytes:
    """The answer to a request that was carried out.

    Args:
        data: The registers that were read; empty for a write.
    """
    if request.read is not None:
        return bytes((request.function, len(data))) + data
    written = request.write or Span(0, 0)
    if request.function is Function.WRITE_ONE:
        return struct.pack(">BH", request.function, written.address) + request.data
    return struct.pack(">BHH", request.function, written.address, written.count)


def refusal(function: int, code: Code) -> bytes:
    """The exception that answers a request of `function`."""
    return bytes((function | EXCEPTION_BIT, code))
