"""The register image."""

from __future__ import annotations

import pytest

from powerctl.signals.image import Image
from powerctl.signals.pdu import Code, Refused, Span
from powerctl.signals.register_map import REGISTER_MAP


@pytest.fixture
def image() -> Image:
    return Image(REGISTER_MAP)


def test_the_chain_begins_with_the_marker_and_ends_with_the_end_model(image: Image) -> None:
    assert image.read(Span(40000, 4)) == b"SunS" + bytes.fromhex("0001 0042")
    assert image.read(Span(40907, 2)) == bytes.fromhex("ffff 0000")


def test_the_whole_map_can_be_read_in_any_slices(image: Image) -> None:
    whole = b"".join(image.read(Span(address, 1)) for address in range(40000, 40909))
    assert image.read(Span(40000, 125)) + image.read(Span(40125, 125)) == whole[:500]


@pytest.mark.parametrize("span", [Span(39999, 1), Span(40908, 2), Span(0, 1), Span(65535, 125), Span(50000, 2)])
def test_nothing_outside_the_map_can_be_read(image: Image, span: Span) -> None:
    with pytest.raises(Refused) as caught:
        image.read(span)
    assert caught.value.code is Code.ILLEGAL_ADDRESS


def test_counts_of_repeated_groups_are_there_from_the_start(image: Image) -> None:
    counts = ("714.NPrt", "64300.NSrc", "64302.NCon", "64303.NPt")
    assert [image.get(path) for path in counts] == [2, 4, 2, 96]


def test_what_was_never_set_reads_as_not_implemented(image: Image) -> None:
    assert image.get("701.W") is None
    assert image.read(Span(40080, 1)) == bytes.fromhex("8000")


def test_a_quantity_is_scaled_by_its_factor(image: Image) -> None:
    image.put("701.Hz_SF", -2)
    image.put_scaled("701.Hz", 49.987)
    assert image.get("701.Hz") == 4999


def test_a_quantity_beyond_its_point_is_held_at_the_bound_and_never_reads_as_absent(image: Image) -> None:
    image.put_all({"64301.W_SF": 0})
    image.put_scaled("64301.EffW", 1e9)
    image.put_scaled("64301.W", -1e9)
    assert (image.get("64301.EffW"), image.get("64301.W")) == (0xFFFE, -0x7FFF)
    image.put_scaled("64301.EffW", -3.0)
    assert image.get("64301.EffW") == 0


def test_an_unknown_quantity_reads_as_not_implemented(image: Image) -> None:
    image.put_scaled("64301.W", 5.0)
    image.put_scaled("64301.W", None)
    assert image.get("64301.W") is None
