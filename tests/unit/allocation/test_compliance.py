from __future__ import annotations

from powerctl.allocation.compliance import Complied, Exceeded, Watch, envelope_w, measured, ordered
from powerctl.core.clock import Monotonic
from powerctl.core.units import Power
from tests.unit.allocation.station import dso


def test_the_tolerance_is_the_larger_of_two_per_cent_and_200_watts() -> None:
    assert (envelope_w(4200.0), envelope_w(20000.0)) == (4400.0, 20400.0)


def test_compliance_is_the_first_reading_within_the_envelope() -> None:
    watch = ordered(ordered(Watch(), dso(22.0), Monotonic(0.0)), dso(4.2), Monotonic(10.0))
    watch, nothing = measured(watch, Power(9000.0), Monotonic(10.5))
    watch, met = measured(watch, Power(4390.0), Monotonic(11.2))
    assert nothing is None
    assert isinstance(met, Complied)
    assert (met.cap, round(met.after_s, 3)) == (Power(4200.0), 1.2)
    assert measured(watch, Power(4200.0), Monotonic(12.0))[1] is None


def test_the_same_cap_again_does_not_start_anew() -> None:
    watch = ordered(Watch(), dso(4.2), Monotonic(0.0))
    assert ordered(watch, dso(4.2), Monotonic(5.0)) == watch


def test_a_lifted_cap_is_nothing_to_comply_with() -> None:
    watch = ordered(ordered(Watch(), dso(4.2), Monotonic(0.0)), dso(22.0), Monotonic(1.0))
    assert watch.open is None


def test_power_above_the_cap_after_the_settle_time_is_said_once() -> None:
    watch = ordered(ordered(Watch(), dso(22.0), Monotonic(0.0)), dso(4.2, settle_s=2.0), Monotonic(10.0))
    watch, early = measured(watch, Power(9000.0), Monotonic(12.9))
    watch, missed = measured(watch, Power(9000.0), Monotonic(13.1))
    watch, again = measured(watch, Power(9000.0), Monotonic(14.0))
    assert (early, again) == (None, None)
    assert isinstance(missed, Exceeded)
    assert (missed.cap, missed.measured, round(missed.after_s, 1)) == (Power(4200.0), Power(9000.0), 3.1)
    watch, met = measured(watch, Power(4300.0), Monotonic(20.0))
    assert isinstance(met, Complied)
    assert met.after_s == 10.0


def test_power_that_rises_above_the_cap_later_on_is_told_too() -> None:
    watch = ordered(ordered(Watch(), dso(22.0), Monotonic(0.0)), dso(4.2), Monotonic(10.0))
    watch, _ = measured(watch, Power(4200.0), Monotonic(11.0))
    watch, missed = measured(watch, Power(5000.0), Monotonic(100.0))
    assert isinstance(missed, Exceeded)


def test_power_under_a_cap_that_was_lifted_a_little_is_fine() -> None:
    watch = ordered(ordered(Watch(), dso(4.2), Monotonic(0.0)), dso(9.0), Monotonic(10.0))
    assert measured(watch, Power(9000.0), Monotonic(20.0))[1] is None
