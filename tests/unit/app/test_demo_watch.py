"""The observer's conclusions, from made-up observations."""

from __future__ import annotations

import pytest

from powerctl.app.demo.watch import CapWatch, EnvelopeWatch, LatencyWatch, SlotReading, percentile, tolerance_w


def slot(at: float, **changes: object) -> SlotReading:
    fields: dict[str, object] = {
        "at": at,
        "since": at - 0.02,
        "enabled": True,
        "limit_w": 22000,
        "mode": 0,
        "heartbeat": 1,
        "failsafe_w": 4200,
        "heartbeat_timeout_s": 5,
        "power_w": None,
        **changes,
    }
    return SlotReading(**fields)  # type: ignore[arg-type]


def asked(watch: CapWatch, reading: SlotReading) -> tuple[float, float]:
    answer = watch.read(reading)
    watch.remember(reading)
    return answer


def test_before_the_first_limit_the_failsafe_holds() -> None:
    watch = CapWatch(rating_w=22000, settle_s=2)
    assert asked(watch, slot(0, enabled=False)) == (4200, 2)
    assert asked(watch, slot(1)) == (22000, 2)


def test_a_heartbeat_that_stands_still_means_failsafe() -> None:
    watch = CapWatch(rating_w=22000, settle_s=2)
    asked(watch, slot(0))
    assert asked(watch, slot(5.9))[0] == 22000
    assert asked(watch, slot(6.1))[0] == 4200
    assert asked(watch, slot(6.2, heartbeat=2))[0] == 22000


def test_a_write_counts_as_a_heartbeat() -> None:
    watch = CapWatch(rating_w=22000, settle_s=2)
    asked(watch, slot(0))
    asked(watch, slot(5, limit_w=8000))
    assert asked(watch, slot(10))[0] == 22000


@pytest.mark.parametrize(("mode", "expected"), [(0, (8000, 2)), (2, (0, 2)), (3, (0, 0))])
def test_the_mode_decides_what_a_limit_means(mode: int, expected: tuple[float, float]) -> None:
    assert CapWatch(rating_w=22000, settle_s=2).read(slot(0, limit_w=8000, mode=mode)) == expected


def test_a_restarted_manager_starts_in_failsafe_again() -> None:
    watch = CapWatch(rating_w=22000, settle_s=2)
    asked(watch, slot(0))
    watch.manager_gone()
    assert asked(watch, slot(9, enabled=False))[0] == 4200


def envelope_at_20_kw() -> EnvelopeWatch:
    watch = EnvelopeWatch(voltage_v=400, efficiency=1.0)
    watch.cap(0.0, 22000, 2.0)
    watch.power(9.9, 20000)
    watch.cap(10.0, 4200, 2.0)
    return watch


def test_power_on_the_slope_is_within_the_envelope() -> None:
    watch = envelope_at_20_kw()
    for tenth in range(1, 24):
        power = 20000 - 4000 * max(0.0, tenth / 10 - 0.25) if tenth < 22 else 4300
        assert watch.power(10 + tenth / 10, max(power, 4300)) == 0
    assert watch.max_over_w == 0


def test_power_that_stays_is_over_the_envelope() -> None:
    watch = envelope_at_20_kw()
    assert watch.power(10.2, 20000) == 0
    assert watch.power(11.5, 20000) > 3000
    assert watch.worst_at == 11.5


def test_after_the_settle_time_only_the_meters_tolerance_is_left() -> None:
    watch = envelope_at_20_kw()
    assert watch.power(13.0, 4390) == 0
    assert watch.power(13.1, 4500) == pytest.approx(100)


def test_an_emergency_allows_only_the_modules_own_slope() -> None:
    watch = EnvelopeWatch(voltage_v=400, efficiency=1.0)
    watch.cap(0.0, 22000, 2.0)
    watch.power(9.9, 20000)
    watch.cap(10.0, 0, 0.0)
    assert watch.power(10.2, 20000) == 0
    assert watch.power(10.6, 20000) > 5000
    assert watch.power(11.0, 150) == 0


def test_the_time_to_settle_is_measured() -> None:
    watch = envelope_at_20_kw()
    watch.power(11.0, 16000)
    watch.power(12.2, 4300)
    assert watch.max_settle_ms == pytest.approx(2200)


def test_a_rise_needs_no_settling() -> None:
    watch = envelope_at_20_kw()
    watch.cap(11.0, 22000, 2.0)
    assert watch.power(13.0, 20000) == 0


def test_latency_is_to_the_first_bus_that_carries_less() -> None:
    watch = LatencyWatch()
    watch.frame(0.0, 0, 30)
    watch.frame(0.05, 1, 30)
    watch.decrease(1.0)
    watch.frame(1.03, 0, 30)
    watch.frame(1.08, 1, 29)
    watch.frame(1.13, 0, 29)
    assert watch.samples_ms == pytest.approx([80])


def test_a_write_that_is_learnt_of_late_counts_from_its_own_instant() -> None:
    watch = LatencyWatch()
    watch.frame(0.0, 0, 30)
    watch.frame(1.02, 0, 29)
    watch.decrease(1.0)
    assert watch.samples_ms == pytest.approx([20])


def test_a_decrease_that_reaches_no_bus_is_missed() -> None:
    watch = LatencyWatch()
    watch.frame(0.0, 0, 30)
    watch.decrease(1.0)
    for tenth in range(12, 40):
        watch.frame(tenth / 10, 0, 30)
    assert (watch.samples_ms, watch.missed) == ([], 1)


def test_percentiles_are_samples() -> None:
    assert percentile([], 0.5) is None
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([7], 0.99) == 7


def test_the_tolerance_is_the_larger_of_share_and_watts() -> None:
    assert tolerance_w(4200) == 200
    assert tolerance_w(22000) == 440
