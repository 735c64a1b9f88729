from __future__ import annotations

from powerctl.allocation.compliance import Watch, envelope_w, measured, ordered
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
    assert met is not None
    assert (met.cap, round(met.after_s, 3)) == (Power(4200.0), 1.2)
    assert measured(watch, Power(4200.0), Monotonic(12.0))[1] is None


def test_the_same_cap_again_does_not_start_anew() -> None:
    watch = ordered(Watch(), dso(4.2), Monotonic(0.0))
    assert ordered(watch, dso(4.2), Monotonic(5.0)) == watch


def test_a_lifted_cap_is_nothing_to_comply_with() -> None:
    watch = ordered(ordered(Watch(), dso(4.2), Monotonic(0.0)), dso(22.0), Monotonic(1.0))
    assert watch.open is None
