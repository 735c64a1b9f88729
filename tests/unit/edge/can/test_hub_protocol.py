"""The hub reads what a real socketcand client writes, and survives what it should not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.can.frame import Frame
from edge.can.hub_protocol import MAX_MESSAGE, MessageSplitter, frame_message, parse_send
from powerctl.core.errors import RemoteError


def test_a_send_of_python_can_is_read_without_zero_padding() -> None:
    # As python-can 4.6 writes it: id with three digits, bytes without leading zeros.
    assert parse_send("send 108 8 1 f4 1 76 f4 1 0 0") == Frame(0x108, bytes.fromhex("01f40176f4010000"))


def test_eight_digits_name_an_extended_frame() -> None:
    assert parse_send("send 00000102 1 ff") == Frame(0x102, b"\xff", extended=True)


def test_a_frame_may_be_empty() -> None:
    assert parse_send("send 100 0 ") == Frame(0x100, b"")


@pytest.mark.parametrize(
    "message",
    ["send", "send 108", "send 108 2 1", "send 108 1 100", "send 108 1 zz", "send 10 1 1", "send 108 9 " + "0 " * 9],
)
def test_a_mangled_send_is_refused(message: str) -> None:
    with pytest.raises(RemoteError):
        parse_send(message)


def test_a_frame_reads_as_socketcand_writes_it() -> None:
    assert frame_message(Frame(0x109, b"\x02\x00"), 12.5) == b"< frame 109 12.500000 0200 >"
    assert frame_message(Frame(0x109, b"", extended=True), 0.0) == b"< frame 00000109 0.000000  >"


@given(st.lists(st.text("abc 019", max_size=20)), st.data())
def test_messages_survive_any_segmentation(texts: list[str], data: st.DataObject) -> None:
    stream = "".join(f"< {text} >" for text in texts).encode()
    splitter, found = MessageSplitter(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += splitter.feed(stream[:cut])
        stream = stream[cut:]
    assert found == [text.strip() for text in texts]


def test_a_message_without_an_end_is_refused() -> None:
    splitter = MessageSplitter()
    with pytest.raises(RemoteError):
        splitter.feed(b"<" + b"x" * (MAX_MESSAGE + 1))
