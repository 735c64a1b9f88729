"""UUGreenPower frames, against commands, modes and status masks that public projects list."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.can.frame import Frame
from edge.hardware.modules.family import OFF, ModuleNews, ModuleOrder, Topic, Trouble
from edge.hardware.modules.uugreen import UuGreenPower
from powerctl.core.errors import MalformedFrame, RemoteError

UR = UuGreenPower()
ID = 0x02200000


def answer(data: str, *, module: int = 1) -> Frame:
    # Date 17 and serial number 0x123, as a module fills them in.
    return Frame(ID | module << 14 | 17 << 9 | 0x123, bytes.fromhex(data), extended=True)


def test_a_lower_current_goes_out_before_the_voltage() -> None:
    limit, reference, on = UR.orders(1, ModuleOrder(is_on=True, voltage_v=410.0, current_a=20.0))
    assert {frame.frame_id for frame in (limit, reference, on)} == {ID | 1 << 14}
    assert limit.data.hex() == "0003000000004e20"
    assert reference.data.hex() == "0002000000064190"
    assert on.data.hex() == "0004000000000000"


def test_off_is_a_one_and_everyone_is_address_0() -> None:
    assert [frame.data.hex() for frame in UR.orders(9, OFF)] == ["0004000000000001"]
    assert [frame.frame_id for frame in UR.all_off()] == [ID]


@pytest.mark.parametrize(("high", "mode"), [(True, 1), (False, 2)])
def test_the_range_is_a_mode(high: bool, mode: int) -> None:
    (frame,) = UR.ranged(1, high=high)
    assert frame.data.hex() == f"005f00000000000{mode}"


def test_questions_are_read_messages() -> None:
    frames = UR.questions(2) + UR.seldom(2)
    assert [(frame.data[0], frame.data[1]) for frame in frames] == [
        (2, 98),
        (2, 48),
        (2, 8),
        (2, 104),
        (2, 30),
        (2, 96),
    ]


@pytest.mark.parametrize(
    ("data", "news"),
    [
        ("0362000000064190", ModuleNews(voltage_v=410.0)),
        ("0330000000004e20", ModuleNews(current_a=20.0)),
        ("03300000ffffff00", ModuleNews(current_a=0.0)),
        ("0368000000007530", ModuleNews(available_a=30.0)),
        ("031e00000000afc8", ModuleNews(temperature_c=45.0)),
        ("0360000000000001", ModuleNews(is_high_range=True)),
        ("0308000000000000", ModuleNews(is_on=True, troubles=frozenset())),
        ("0308000002000000", ModuleNews(is_on=False, troubles=frozenset())),
        ("0308000000001000", ModuleNews(is_on=True, troubles=frozenset({Trouble.OVER_TEMPERATURE}))),
        ("0308000002200002", ModuleNews(is_on=False, troubles=frozenset({Trouble.FAULT, Trouble.INPUT}))),
    ],
)
def test_answers(data: str, news: ModuleNews) -> None:
    assert UR.heard(answer(data, module=7)) == (7, news)


@pytest.mark.parametrize("data", ["0162000000064190", "0305000000000001", "0262000000000000"])
def test_what_is_no_value_says_nothing(data: str) -> None:
    assert UR.heard(answer(data)) is None


def test_a_short_answer_is_refused() -> None:
    with pytest.raises(MalformedFrame):
        UR.heard(answer("0362"))


def test_another_protocol_on_the_bus_says_nothing() -> None:
    assert UR.heard(Frame(0x0283F001, bytes(8), extended=True)) is None


@given(st.integers(0, (1 << 29) - 1), st.binary(max_size=8))
def test_no_frame_breaks_either_half(identity: int, data: bytes) -> None:
    for frame in (Frame(identity, data, extended=True), Frame(ID | identity & 0x1FFFFF, data, extended=True)):
        with contextlib.suppress(RemoteError):
            UR.heard(frame)
        UR.asked(frame)


@pytest.mark.parametrize("trouble", [Trouble.INPUT, Trouble.FAN, Trouble.OVER_TEMPERATURE, Trouble.FAULT])
def test_the_module_half_says_what_ours_hears(trouble: Trouble) -> None:
    frame = UR.answer(1, Topic.STATUS, ModuleNews(is_on=True, troubles=frozenset({trouble})))
    assert frame is not None
    assert UR.heard(frame) == (1, ModuleNews(is_on=True, troubles=frozenset({trouble})))
