"""RTU frames against the standard's check and published examples."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.hardware import rtu
from powerctl.core.errors import RemoteError


def test_the_check_is_the_standards() -> None:
    # MODBUS over serial line V1.02, appendix B: CRC of 02 07 is 41 12.
    assert rtu.crc(bytes.fromhex("0207")) == bytes.fromhex("4112")
    assert rtu.crc(b"123456789") == bytes.fromhex("374b")  # CRC-16/MODBUS catalogue value 0x4B37


def test_requests() -> None:
    assert rtu.read_request(0x11, 0x6B, 3).hex() == "1103006b00037687"
    assert rtu.write_request(3, 8005, 0x5445)[:6].hex() == "03061f455445"


def test_an_answer_gives_its_registers() -> None:
    answer = rtu.sealed(bytes.fromhex("110306ae415652 4340".replace(" ", "")))
    assert rtu.answer_length(answer[:3]) == len(answer)
    assert rtu.registers_from(answer, 0x11, 3) == (0xAE41, 0x5652, 0x4340)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        bytes.fromhex("1103"),
        rtu.sealed(bytes.fromhex("120306ae4156524340")),
        rtu.sealed(bytes.fromhex("118302")),
        rtu.sealed(bytes.fromhex("1103040000ffff")),
        rtu.sealed(bytes.fromhex("110406ae4156524340")),
        rtu.sealed(bytes.fromhex("110306ae4156524340"))[:-1] + b"\0",
    ],
)
def test_what_is_no_good_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(RemoteError):
        rtu.registers_from(answer, 0x11, 3)


def test_a_write_must_be_confirmed() -> None:
    rtu.written(rtu.write_request(3, 3023, 1), 3, 3023, 1)
    with pytest.raises(RemoteError, match="3023"):
        rtu.written(rtu.write_request(3, 3023, 2), 3, 3023, 1)


@given(st.floats(width=32, allow_nan=False))
def test_floats_take_two_registers(value: float) -> None:
    assert rtu.float_of(rtu.registers_of(value)) == value


@given(st.binary(max_size=300))
def test_no_answer_breaks_the_client(answer: bytes) -> None:
    with contextlib.suppress(RemoteError):
        rtu.registers_from(answer, 3, 2)
    rtu.answer_length(answer)
