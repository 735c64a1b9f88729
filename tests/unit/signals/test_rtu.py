"""Frames on a serial line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.signals.rtu import MAX_FRAME, Assembler, Frame, checksum, frame, gap_s

EXAMPLE = bytes.fromhex("02 07 41 12")
"""Modbus over Serial Line V1.02, §6.2.2: the checksum of 02 07 is 0x1241, low byte first."""


def received(*pieces: bytes) -> Frame | None:
    assembler = Assembler()
    for piece in pieces:
        assembler.feed(piece)
    return assembler.end()


def test_the_checksum_is_that_of_the_specification() -> None:
    assert checksum(EXAMPLE[:2]) == EXAMPLE[2:]


def test_a_frame_in_pieces_is_one_frame() -> None:
    whole = frame(17, bytes.fromhex("03 006b 0003"))
    assert received(whole[:1], whole[1:4], whole[4:]) == Frame(17, bytes.fromhex("03 006b 0003"))


@given(st.integers(0, 255), st.binary(min_size=1, max_size=253))
def test_what_is_framed_is_received(unit: int, pdu: bytes) -> None:
    assert received(frame(unit, pdu)) == Frame(unit, pdu)


@given(st.binary(min_size=1, max_size=253), st.integers(0, 255), st.integers(0, 7))
def test_one_wrong_bit_is_noticed(pdu: bytes, place: int, bit: int) -> None:
    whole = bytearray(frame(1, pdu))
    whole[place % len(whole)] ^= 1 << bit
    assert received(bytes(whole)) is None


@given(st.binary(max_size=600))
def test_noise_is_dropped_and_leaves_nothing_behind(noise: bytes) -> None:
    assembler = Assembler()
    assembler.feed(noise)
    assembler.end()
    assembler.feed(EXAMPLE)
    assert assembler.end() == Frame(2, b"\x07")


@pytest.mark.parametrize("short", [b"", b"\x01", EXAMPLE[:3]])
def test_less_than_a_frame_is_none(short: bytes) -> None:
    assert received(short) is None


def test_more_than_a_frame_is_none_and_is_not_kept() -> None:
    assembler = Assembler()
    for _ in range(10_000):
        assembler.feed(b"\x55" * 100)
    assert len(assembler._buffer) <= MAX_FRAME + 100
    assert assembler.end() is None


@pytest.mark.parametrize(("baud", "least"), [(1200, 0.032), (9600, 0.004), (19200, 0.002), (115200, 0.00175)])
def test_the_gap_follows_the_speed(baud: int, least: float) -> None:
    assert gap_s(baud, 11) == pytest.approx(least, rel=0.01)
