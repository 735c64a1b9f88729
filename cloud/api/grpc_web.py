"""gRPC-Web: frames with the trailers in the body, binary or as base64 text.

Source: grpc/doc/PROTOCOL-WEB.md. A frame is one byte of flags, four bytes of length, then the content.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from google.protobuf.message import Message

from cloud.api.boundary import answer, answers, parse
from cloud.api.call import Call
from cloud.api.errors import DETAILS_KEY, status_text
from cloud.api.grpc_server import STATUS
from cloud.api.method import Method, Unary
from cloud.domain.refusal import Refusal, Why

TYPES: Final = {
    "application/grpc-web": False,
    "application/grpc-web+proto": False,
    "application/grpc-web-text": True,
    "application/grpc-web-text+proto": True,
}
"""Content types, and whether the body is text."""
_HEADER: Final = struct.Struct(">BI")
_TRAILERS: Final = 0x80
_UNITS_S: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One gRPC-Web call."""

    method: Method
    body: bytes
    text: bool
    timeout: str
    """The header grpc-timeout; empty: none."""

    async def frames(self, call: Call) -> AsyncIterator[bytes]:
        """The body of the response, piece by piece; the last piece is the trailers."""
        try:
            async for message in _until(timeout_s(self.timeout), self._messages(call)):
                yield self._encode(0, message.SerializeToString())
            trailers = _trailers(0, "")
        except TimeoutError:
            trailers = _trailers(STATUS[Why.DEADLINE_EXCEEDED].value[0], "The deadline has passed.")
        except Refusal as refusal:
            trailers = _refusal(refusal)
        yield self._encode(_TRAILERS, trailers)

    async def refused(self, refusal: Refusal) -> AsyncIterator[bytes]:
        """The body of a response that is only a refusal."""
        yield self._encode(_TRAILERS, _refusal(refusal))

    async def _messages(self, call: Call) -> AsyncGenerator[Message]:
        request = parse(self.method, message_in(self.body, text=self.text))
        if isinstance(self.method, Unary):
            call.timeout_s = timeout_s(self.timeout)
            yield await answer(self.method, request, call, "grpc-web")
            return
        async for response in answers(self.method, request, call, "grpc-web"):
            yield response

    def _encode(self, flags: int, content: bytes) -> bytes:
        frame = _HEADER.pack(flags, len(content)) + content
        return base64.b64encode(frame) if self.text else frame


async def _until(seconds: float | None, messages: AsyncGenerator[Message]) -> AsyncIterator[Message]:
    """`messages` while the deadline has not passed. Each is awaited on its own, as the next task may be another one.

    Raises:
        TimeoutError: The deadline has passed.
    """
    deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
    async with aclosing(messages):
        while True:
            async with asyncio.timeout_at(deadline):
                message = await anext(messages, None)
            if message is None:
                return
            yield message


def message_in(body: bytes, *, text: bool) -> bytes:
    """The one message in a request's body.

    Raises:
        Refusal: INVALID_ARGUMENT: there is not exactly one, or it is compressed.
    """
    try:
        content = _decode_text(body) if text else body
        flags, length = _HEADER.unpack_from(content)
    except (struct.error, binascii.Error, ValueError) as error:
        raise Refusal(Why.INVALID_ARGUMENT, "The body is not a gRPC-Web frame.") from error
    if flags != 0 or length != len(content) - _HEADER.size:
        raise Refusal(Why.INVALID_ARGUMENT, "The body must be one uncompressed gRPC-Web frame.")
    return content[_HEADER.size :]


def timeout_s(header: str) -> float | None:
    """Seconds in a grpc-timeout header. None: there is no deadline.

    Raises:
        Refusal: INVALID_ARGUMENT: it is not up to eight digits and a unit.
    """
    if not header:
        return None
    number, unit = header[:-1], header[-1]
    if not (number.isascii() and number.isdigit() and len(number) <= 8) or unit not in _UNITS_S:
        raise Refusal(Why.INVALID_ARGUMENT, "grpc-timeout must be up to eight digits and one of H M S m u n.")
    return int(number) * _UNITS_S[unit]


def _decode_text(body: bytes) -> bytes:
    """Base64, in which padding may also stand between two pieces."""
    pieces = [body[start : start + 4] for start in range(0, len(body), 4)]
    return b"".join(base64.b64decode(piece, validate=True) for piece in pieces)


def _refusal(refusal: Refusal) -> bytes:
    return _trailers(STATUS[refusal.why].value[0], refusal.message, f"{DETAILS_KEY}:{status_text(refusal)}")


def _trailers(code: int, message: str, *more: str) -> bytes:
    lines = [f"grpc-status:{code}", *more]
    if message:
        lines.append(f"grpc-message:{quote(message, safe=' ,.:;!?()/=')}")
    return "".join(f"{line}\r\n" for line in lines).encode()
