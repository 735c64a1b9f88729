"""Infypower frames, against ids and layouts that public drivers and manuals show."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.can.frame import Frame
from edge.hardware.modules.family import OFF, ModuleNews, ModuleOrder, Topic, Trouble
from edge.hardware.modules.infypower import InfypowerReg
from powerctl.core.errors import MalformedFrame, RemoteError

REG = InfypowerReg()


def answer(command: int, data: str, *, module: int = 2, error: int = 0) -> Frame:
    return Frame(error << 26 | 0x02800000 | command << 16 | 0xF000 | module, bytes.fromhex(data), extended=True)


def test_a_set_point_is_millivolts_and_milliamperes() -> None:
    setting, on = REG.orders(0, ModuleOrder(is_on=True, voltage_v=500.0, current_a=10.0))
    assert (setting.frame_id, setting.data.hex()) == (0x029C00F0, "0007a12000002710")
    assert (on.frame_id, on.data.hex()) == (0x029A00F0, "0000000000000000")
    assert setting.extended


def test_off_is_a_one() -> None:
    (off,) = REG.orders(5, OFF)
    assert (off.frame_id, off.data.hex()) == (0x029A05F0, "0100000000000000")


def test_everyone_is_address_3f() -> None:
    assert [frame.frame_id for frame in REG.all_off()] == [0x029A3FF0]


def test_questions_carry_nothing() -> None:
    frames = REG.questions(1) + REG.seldom(1)
    assert [frame.frame_id for frame in frames] == [0x028301F0, 0x028401F0, 0x028C01F0, 0x028A01F0]
    assert {frame.data for frame in frames} == {bytes(8)}


def test_the_output_is_two_floats() -> None:
    data = struct.pack(">ff", 401.5, 12.25).hex()
    assert REG.heard(answer(0x03, data)) == (2, ModuleNews(voltage_v=401.5, current_a=12.25))


@pytest.mark.parametrize(
    ("data", "is_on", "troubles"),
    [
        ("0000000028000000", True, set()),
        ("0000000028000100", False, set()),
        ("000000005f001000", True, {Trouble.OVER_TEMPERATURE}),
        ("0000000028000300", False, {Trouble.FAULT}),
        ("0000000028000801", True, {Trouble.FAN, Trouble.SHORT}),
        ("0000000028080000", True, {Trouble.INPUT}),
        ("0000000028008000", True, set()),
    ],
)
def test_status_bits(data: str, is_on: bool, troubles: set[Trouble]) -> None:
    heard = REG.heard(answer(0x04, data))
    assert heard is not None
    assert heard[1].is_on is is_on
    assert heard[1].troubles == frozenset(troubles)


def test_a_temperature_can_be_below_zero() -> None:
    heard = REG.heard(answer(0x04, "00000000f6000000"))
    assert heard is not None
    assert heard[1].temperature_c == -10.0


def test_what_it_can_give_now_and_what_it_is_rated_for() -> None:
    assert REG.heard(answer(0x0C, "0fa0012c00000000")) == (2, ModuleNews(available_a=30.0))
    assert REG.heard(answer(0x0A, "03e8009601f40bb8")) == (2, ModuleNews(max_power_w=30_000.0))


@pytest.mark.parametrize(
    "frame",
    [
        Frame(0x028302F0, bytes(8), extended=True),
        Frame(0x102, bytes(8)),
        answer(0x0B, "0000000000000000"),
        answer(0x03, "0000000000000000", module=0xF0),
    ],
)
def test_what_is_no_answer_says_nothing(frame: Frame) -> None:
    assert REG.heard(frame) is None


@pytest.mark.parametrize(
    "frame", [answer(0x03, "0000"), answer(0x03, "7fc0000000000000"), answer(0x03, "0000000000000000", error=2)]
)
def test_a_broken_answer_is_refused(frame: Frame) -> None:
    with pytest.raises(MalformedFrame):
        REG.heard(frame)


@given(st.integers(0, (1 << 29) - 1), st.binary(max_size=8))
def test_no_frame_breaks_either_half(identity: int, data: bytes) -> None:
    frame = Frame(identity, data, extended=True)
    with contextlib.suppress(RemoteError):
        REG.heard(frame)
    REG.asked(frame)


@given(st.floats(0, 1000), st.floats(0, 100), st.sampled_from(list(Trouble)), st.booleans())
def test_the_module_half_says_what_ours_hears(voltage: float, current: float, trouble: Trouble, on: bool) -> None:
    news = ModuleNews(voltage, current, on, frozenset({trouble}), 40.0, 20.0, 20_000.0)
    for topic in (Topic.OUTPUT, Topic.STATUS, Topic.AVAILABLE, Topic.RATING):
        frame = REG.answer(3, topic, news)
        assert frame is not None
        heard = REG.heard(frame)
        assert heard is not None
        for name in ("voltage_v", "current_a", "is_on", "available_a", "max_power_w", "troubles"):
            if getattr(heard[1], name) is not None:
                expected = getattr(news, name)
                assert getattr(heard[1], name) == (
                    expected if isinstance(expected, frozenset | bool) else pytest.approx(expected, rel=1e-4, abs=0.1)
                )
