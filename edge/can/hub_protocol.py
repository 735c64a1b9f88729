"""The text protocol of socketcand, server side, as far as raw frames need it (pure).

Public origin: the socketcand project's protocol description (`doc/protocol.md`), raw mode.
"""

from __future__ import annotations

from typing import Final

from edge.can.frame import Frame
from powerctl.core.errors import RemoteError

HI: Final = b"< hi >"
OK: Final = b"< ok >"
ECHO: Final = b"< echo >"
MAX_MESSAGE: Final = 200
"""Bytes between the brackets; the longest message of raw mode has fewer than 50."""


class MessageSplitter:
    """Cuts a stream of bytes into the texts between `<` and `>`; segments may split anywhere."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """The messages that `data` completes.

        Raises:
            RemoteError: A message is longer than `MAX_MESSAGE` or not ASCII; the stream cannot be trusted any more.
        """
        self._buffer += data
        *complete, rest = self._buffer.split(b">")
        self._buffer = bytearray(rest)
        if len(rest) > MAX_MESSAGE:
            raise RemoteError(f"{len(rest)} bytes without an end of message")
        return [_text(message) for message in complete]


def _text(message: bytearray) -> str:
    _, _, inside = message.rpartition(b"<")
    try:
        return inside.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise RemoteError("a message is not ASCII") from error


def parse_send(message: str) -> Frame:
    """The frame of a `send` message: id in hexadecimal, length, bytes in hexadecimal.

    Three digits name a standard frame and eight an extended one.

    Raises:
        RemoteError: It is not such a message.
    """
    parts = message.split()
    try:
        _, identifier, length, *octets = parts
        data = bytes(int(octet, 16) for octet in octets)
        if len(data) != int(length, 16) or len(data) > 8 or len(identifier) not in (3, 8):
            raise ValueError("wrong length")
        return Frame(int(identifier, 16), data, extended=len(identifier) == 8)
    except ValueError as error:
        raise RemoteError(f"not a frame: {message[:60]!r}") from error


def frame_message(frame: Frame, seconds: float) -> bytes:
    """The message that brings `frame` to a client; `seconds` is the wall clock."""
    identifier = f"{frame.frame_id:08X}" if frame.extended else f"{frame.frame_id:03X}"
    return f"< frame {identifier} {seconds:.6f} {frame.data.hex().upper()} >".encode("ascii")


def error_message(reason: str) -> bytes:
    """The message that refuses something."""
    return f"< error {reason} >".encode("ascii")
