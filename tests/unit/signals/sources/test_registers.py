"""Values in other people's registers; SunSpec meters are encoded by pysunspec2."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sunspec2 import device

from powerctl.core.errors import RemoteError
from powerctl.core.units import Power
from powerctl.signals.sources.registers import METER_MODELS, Number, Register, sunspec_reading, value


def encoded(model_id: int, **points: Any) -> list[int]:
    """The registers of a meter model, from its id on, as pysunspec2 writes them."""
    model = device.Model(model_id, data={"ID": model_id, "L": 1, **points})
    data = model.get_mb()
    return list(struct.unpack(f">{len(data) // 2}H", data))


def test_an_integer_meter_tells_power_currents_and_frequency() -> None:
    words = encoded(
        203, W=1234, W_SF=1, A=1, AphA=101, AphB=-102, AphC=103, A_SF=-1, PhV=1, V_SF=0, Hz=4998, Hz_SF=-2, PF_SF=0
    )
    reading = sunspec_reading(203, words, 1)
    assert reading.power == Power(12_340)
    assert reading.currents_a == pytest.approx((10.1, -10.2, 10.3))
    assert reading.frequency_hz == pytest.approx(49.98)


def test_a_floating_point_meter_tells_the_same() -> None:
    words = encoded(213, W=-12_340.5, AphA=10.5, AphB=11.5, AphC=12.5, Hz=50.25)
    reading = sunspec_reading(213, words, -1)
    assert (reading.power, reading.currents_a) == (Power(12_340.5), (10.5, 11.5, 12.5))
    assert reading.frequency_hz == 50.25


@pytest.mark.parametrize("model_id", sorted(METER_MODELS))
def test_every_meter_model_has_its_power_where_pysunspec2_puts_it(model_id: int) -> None:
    points = {"W": 50, "W_SF": 2} if model_id < 210 else {"W": 5000.0}
    assert sunspec_reading(model_id, encoded(model_id, **points), 1).power == Power(5_000)


def test_a_meter_without_phases_tells_only_the_power() -> None:
    assert sunspec_reading(203, encoded(203, W=5, W_SF=0), 1).currents_a is None


@pytest.mark.parametrize("words", [[203] * 5, encoded(203, W_SF=0), encoded(203, W=1, W_SF=11), encoded(213)])
def test_a_meter_that_does_not_tell_its_power_is_refused(words: list[int]) -> None:
    with pytest.raises(RemoteError):
        sunspec_reading(words[0], words, 1)


@pytest.mark.parametrize(
    ("number", "words", "expected"),
    [
        (Number.INT16, [0xFFFE], -2),
        (Number.UINT16, [0xFFFE], 65_534),
        (Number.INT32, [0xFFFF, 0xFFFE], -2),
        (Number.UINT32, [0x0001, 0x0000], 65_536),
        (Number.INT64, [0, 0, 1, 0], 65_536),
        (Number.FLOAT32, [0x42F6, 0xE979], 123.456),
    ],
)
def test_numbers_lie_high_word_first(number: Number, words: list[int], expected: float) -> None:
    register = Register(0, number)
    assert register.count == len(words)
    assert value(register, words) == pytest.approx(expected, rel=1e-6)
    swapped = Register(0, number, low_word_first=True)
    assert value(swapped, words[::-1]) == pytest.approx(expected, rel=1e-6)


def test_the_scale_turns_it_into_our_unit() -> None:
    assert value(Register(0, Number.INT16, scale=-100.0), [0xFFF6]) == 1_000


@pytest.mark.parametrize("words", [[], [1, 2, 3], [0x7FC0, 0], [0x7F80, 0]])
def test_what_is_no_number_is_refused(words: list[int]) -> None:
    with pytest.raises(RemoteError):
        value(Register(7, Number.FLOAT32), words)


@given(st.lists(st.integers(0, 0xFFFF), max_size=140), st.sampled_from(sorted(METER_MODELS)))
def test_nothing_but_a_refusal_comes_of_nonsense(words: list[int], model_id: int) -> None:
    try:
        reading = sunspec_reading(model_id, words, 1)
    except RemoteError:
        return
    assert math.isfinite(reading.power.w)
