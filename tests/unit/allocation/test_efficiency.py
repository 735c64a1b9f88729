from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.allocation.efficiency import LOSSLESS, Conversion, EfficiencyCurve, corrected
from tests.unit.allocation.station import CURVE


@pytest.mark.parametrize(("dc_w", "ac_w"), [(0.0, 0.0), (2000.0, 2222.2), (11000.0, 11578.9), (22000.0, 23404.3)])
def test_the_table_holds_at_its_rows(dc_w: float, ac_w: float) -> None:
    assert CURVE.ac_w(dc_w) == pytest.approx(ac_w, abs=0.1)


@given(st.floats(0.0, 40000.0))
def test_both_directions_agree(dc_w: float) -> None:
    assert CURVE.dc_w(CURVE.ac_w(dc_w)) == pytest.approx(dc_w, abs=1e-6)


@given(st.floats(0.0, 40000.0), st.floats(0.0, 40000.0))
def test_more_output_never_needs_less_input(one: float, other: float) -> None:
    assert (one <= other) == (CURVE.ac_w(one) <= CURVE.ac_w(other)) or abs(one - other) < 1e-9


def test_beyond_the_table_the_last_efficiency_holds() -> None:
    assert CURVE.ac_w(44000.0) == pytest.approx(44000.0 / 0.94)


@pytest.mark.parametrize(
    "table",
    [[], [(1000.0, 0.0)], [(1000.0, 1.1)], [(2000.0, 0.9), (1000.0, 0.9)], [(1000.0, 0.5), (1500.0, 0.9)]],
)
def test_a_table_that_does_not_rise_is_refused(table: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match=r"efficiency"):
        EfficiencyCurve.from_table(table)


def test_auxiliaries_come_off_the_cap_first() -> None:
    conversion = Conversion(CURVE, auxiliary_w=150.0)
    assert conversion.usable_w(4200.0) == 4050.0
    assert conversion.usable_w(100.0) == 0.0
    assert conversion.station_w([0.0, 0.0]) == 150.0


def _after_a_minute(conversion: Conversion, measured_w: float, output_w: float) -> Conversion:
    for _ in range(600):
        conversion = corrected(conversion, measured_w, [output_w], 0.1)
    return conversion


def test_a_meter_that_reads_more_raises_the_estimate_soon() -> None:
    conversion = _after_a_minute(Conversion(LOSSLESS), 10300.0, 10000.0)
    assert conversion.factor == pytest.approx(1.03, abs=0.005)
    assert conversion.ac_w(10000.0) >= 10250.0


def test_a_meter_that_reads_less_is_believed_late() -> None:
    assert _after_a_minute(Conversion(LOSSLESS), 9700.0, 10000.0).factor > 0.99


def test_the_correction_is_bounded() -> None:
    assert _after_a_minute(Conversion(LOSSLESS), 99000.0, 10000.0).factor == pytest.approx(1.10)


@pytest.mark.parametrize("outputs", [[100.0], [0.0]])
def test_too_little_output_teaches_nothing(outputs: list[float]) -> None:
    assert corrected(Conversion(LOSSLESS, output_w=outputs[0]), 500.0, outputs, 60.0).factor == 1.0


def test_a_changing_output_teaches_nothing() -> None:
    conversion = Conversion(LOSSLESS)
    for output_w in range(2000, 20000, 1000):
        conversion = corrected(conversion, 25000.0, [float(output_w)], 0.1)
    assert conversion.factor == 1.0
