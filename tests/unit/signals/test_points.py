"""Points: typed values in registers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sunspec2 import mb

from powerctl.signals.points import SHAPES, Point, PointType, acceptable, decode, encode, numbered

NUMERIC = sorted(SHAPES)


@pytest.mark.parametrize("kind", [k for k in NUMERIC if k is not PointType.PAD])
def test_not_implemented_values_are_those_of_sunspec(kind: PointType) -> None:
    theirs = mb.point_type_info[kind.value]
    assert not theirs.is_impl(theirs.data_to(encode(Point("P", kind), None)))


@pytest.mark.parametrize("kind", NUMERIC)
def test_not_implemented_reads_back_as_absent(kind: PointType) -> None:
    point = Point("P", kind)
    assert decode(point, encode(point, None)) is None


@given(st.integers(-0x7FFFFFFF, 0x7FFFFFFF))
def test_a_signed_value_survives_its_registers(value: int) -> None:
    point = Point("P", PointType.INT32)
    assert decode(point, encode(point, value)) == value


def test_registers_are_big_endian_with_the_high_word_first() -> None:
    assert encode(Point("P", PointType.UINT32), 0x12345678) == bytes.fromhex("12345678")


def test_a_string_is_padded_and_an_empty_one_is_absent() -> None:
    point = Point("P", PointType.STRING, size=4)
    assert encode(point, "EUR") == b"EUR\0\0\0\0\0"
    assert decode(point, encode(point, "EUR")) == "EUR"
    assert decode(point, encode(point, None)) is None


@pytest.mark.parametrize(
    ("kind", "value"), [(PointType.UINT16, 65536), (PointType.INT16, 40000), (PointType.UINT32, -1)]
)
def test_a_value_beyond_its_type_is_refused(kind: PointType, value: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode(Point("P", kind), value)


def test_a_string_beyond_its_registers_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        encode(Point("P", PointType.STRING, size=1), "EUR")


def test_a_client_may_write_only_known_symbols() -> None:
    point = Point("Ena", PointType.ENUM16, symbols=numbered("OFF", "ON"))
    assert [acceptable(point, value) for value in (0, 1, 2, None)] == [True, True, False, False]


def test_a_client_may_write_only_what_the_table_allows() -> None:
    point = Point("HbTms", PointType.UINT16, allowed=(range(1), range(5, 601)))
    assert [acceptable(point, value) for value in (0, 4, 5, 600, 601)] == [True, False, True, True, False]


def test_a_point_without_a_meaning_is_not_implemented() -> None:
    assert not Point("P", PointType.UINT16).implemented
    assert Point("P", PointType.UINT16, meaning="now").implemented
