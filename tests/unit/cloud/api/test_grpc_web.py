"""gRPC-Web's frames, against bytes that others wrote down."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.api.grpc_web import message_in, timeout_s
from cloud.domain.refusal import Refusal

# The body of a unary call with an empty message, as Google's grpc-web client sends it in text mode.
EMPTY_TEXT = b"AAAAAAA="


def test_an_empty_message_in_text() -> None:
    assert message_in(EMPTY_TEXT, text=True) == b""


def test_padding_may_stand_between_pieces() -> None:
    frame = b"\x00\x00\x00\x00\x03abc"
    text = base64.b64encode(frame[:5]) + base64.b64encode(frame[5:])
    assert message_in(text, text=True) == b"abc"


@given(st.binary(max_size=300), st.booleans())
def test_whatever_was_framed_comes_out(content: bytes, text: bool) -> None:
    frame = b"\x00" + len(content).to_bytes(4, "big") + content
    assert message_in(base64.b64encode(frame) if text else frame, text=text) == content


@given(st.binary(max_size=64), st.booleans())
def test_anything_else_is_refused_and_breaks_nothing(body: bytes, text: bool) -> None:
    try:
        message_in(body, text=text)
    except Refusal:
        return


@pytest.mark.parametrize("body", [b"", b"\x00\x00", b"\x01\x00\x00\x00\x00", b"\x00\x00\x00\x00\x02a", b"\x00" * 6])
def test_compressed_cut_and_trailing_frames_are_refused(body: bytes) -> None:
    with pytest.raises(Refusal):
        message_in(body, text=False)


@pytest.mark.parametrize(
    ("header", "seconds"), [("", None), ("5S", 5.0), ("100m", 0.1), ("2H", 7200.0), ("1M", 60.0), ("1n", 1e-9)]
)
def test_deadlines_carry_their_unit(header: str, seconds: float | None) -> None:
    assert timeout_s(header) == seconds


@pytest.mark.parametrize("header", ["S", "5", "-5S", "5s", "123456789S", "٣S"])
def test_other_deadlines_are_refused(header: str) -> None:
    with pytest.raises(Refusal):
        timeout_s(header)
