"""Modbus requests: what is well formed, and the exact refusal of the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.signals.pdu import Code, Function, Refused, Request, Span, answer, parse, refusal


def refused(pdu: str) -> Code:
    with pytest.raises(Refused) as caught:
        parse(bytes.fromhex(pdu))
    return caught.value.code


def test_a_read_is_understood() -> None:
    assert parse(bytes.fromhex("03 9c40 0002")) == Request(Function.READ_HOLDING, read=Span(40000, 2))
    assert parse(bytes.fromhex("04 9c40 007d")) == Request(Function.READ_INPUT, read=Span(40000, 125))


def test_a_single_write_is_understood_and_echoed() -> None:
    pdu = bytes.fromhex("06 9e00 1068")
    assert answer(parse(pdu), b"") == pdu


def test_a_multiple_write_is_answered_with_its_place_and_size() -> None:
    request = parse(bytes.fromhex("10 9e00 0002 04 1068 0001"))
    assert (request.write, request.data) == (Span(0x9E00, 2), bytes.fromhex("10680001"))
    assert answer(request, b"") == bytes.fromhex("10 9e00 0002")


def test_a_read_write_is_answered_with_what_was_read() -> None:
    request = parse(bytes.fromhex("17 9c40 0001 9e00 0001 02 1068"))
    assert (request.read, request.write, request.data) == (Span(40000, 1), Span(0x9E00, 1), b"\x10\x68")
    assert answer(request, b"Su") == b"\x17\x02Su"


@pytest.mark.parametrize("function", [0, 1, 2, 5, 7, 8, 11, 12, 15, 17, 20, 21, 22, 24, 43, 100, 0x80, 0x83, 0xFF])
def test_a_function_that_is_not_served_is_an_illegal_function(function: int) -> None:
    assert refused(f"{function:02x} 9c40 0001") is Code.ILLEGAL_FUNCTION


@pytest.mark.parametrize(
    "pdu",
    [
        "03 9c40 0000",
        "03 9c40 007e",
        "03 9c40 ffff",
        "03",
        "03 9c40",
        "03 9c40 0001 00",
        "06 9e00",
        "06 9e00 1068 00",
        "10 9e00 0000 00",
        "10 9e00 007c f8" + "00" * 248,
        "10 9e00 0001 04 00010002",
        "10 9e00 0002 04 0001",
        "10 9e00 0002",
        "17 9c40 0000 9e00 0001 02 0001",
        "17 9c40 0001 9e00 0000 00",
        "17 9c40 0001 9e00 007a f4" + "00" * 244,
        "17 9c40 0001 9e00 0001 03 000100",
        "17 9c40 0001",
    ],
)
def test_a_wrong_count_or_length_is_an_illegal_value(pdu: str) -> None:
    assert refused(pdu) is Code.ILLEGAL_VALUE


def test_a_refusal_carries_the_function_with_its_high_bit() -> None:
    assert refusal(0x10, Code.BUSY) == b"\x90\x06"


@given(st.binary(min_size=1, max_size=253))
def test_any_bytes_are_a_request_or_refused(pdu: bytes) -> None:
    try:
        request = parse(pdu)
    except Refused:
        return
    assert request.write is None or len(request.data) == 2 * request.write.count
