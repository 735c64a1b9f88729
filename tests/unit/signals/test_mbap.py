"""Modbus over a byte stream: requests survive any cut, nonsense does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.signals.mbap import Adu, Deframer, MalformedStream, frame

ADUS = st.lists(
    st.builds(Adu, st.integers(0, 0xFFFF), st.integers(0, 255), st.binary(min_size=1, max_size=253)), max_size=6
)


def taken(deframer: Deframer) -> list[Adu]:
    found = []
    while (adu := deframer.take()) is not None:
        found.append(adu)
    return found


@given(ADUS, st.integers(1, 40))
def test_requests_survive_split_and_merged_segments(adus: list[Adu], size: int) -> None:
    stream = b"".join(frame(adu, adu.pdu) for adu in adus)
    deframer, found = Deframer(), []
    for start in range(0, len(stream), size):
        deframer.feed(stream[start : start + size])
        found += taken(deframer)
    assert found == adus


@pytest.mark.parametrize(
    "header",
    [
        "0001 0001 0006 01",
        "0001 0000 0000 01",
        "0001 0000 0001 01",
        "0001 0000 00ff 01",
        "0001 0000 ffff 01",
        "4745 5420 2f20 48",
    ],
)
def test_a_header_that_no_request_has_ends_the_stream(header: str) -> None:
    deframer = Deframer()
    deframer.feed(bytes.fromhex(header))
    with pytest.raises(MalformedStream):
        deframer.take()


def test_good_requests_before_the_nonsense_are_taken() -> None:
    deframer = Deframer()
    deframer.feed(bytes.fromhex("0007 0000 0006 01 03 9c40 0002") + b"nonsense")
    assert deframer.take() == Adu(7, 1, bytes.fromhex("039c400002"))
    with pytest.raises(MalformedStream):
        deframer.take()
