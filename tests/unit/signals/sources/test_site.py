"""The station takes what the site leaves of its grid connection."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.site import MeterReading, Site, SiteRules, SiteSource, cap_of, drew, metered
from tests.unit.signals.station import EPOCH

RULES = SiteRules(limit=Power(40_000), others_max=Power(32_000))
FUSED = SiteRules(limit=Power(43_000), others_max=Power(32_000), fuse_a=63)


def site(*readings: tuple[float, float, float], rules: SiteRules = RULES) -> Site:
    """A site after readings of (instant, drawn by all, drawn by the station)."""
    made = Site(rules)
    for at, total_w, own_w in readings:
        made = drew(made, Power(own_w), Monotonic(at))
        made = metered(made, MeterReading(Power(total_w)), Monotonic(at))
    return made


def test_before_the_first_reading_everything_else_counts_as_its_worst_case() -> None:
    assert cap_of(Site(RULES), Monotonic(0)) == Power(8_000)


def test_the_station_gets_what_the_others_leave() -> None:
    assert cap_of(site((0, 30_000, 10_000)), Monotonic(0)) == Power(20_000)


def test_what_the_station_draws_itself_moves_nothing() -> None:
    assert cap_of(site((0, 20_000, 0), (1, 40_000, 20_000)), Monotonic(1)) == Power(20_000)


def test_own_generation_adds_to_what_is_free() -> None:
    assert cap_of(site((0, -5_000, 0)), Monotonic(0)) == Power(45_000)


def test_more_load_counts_at_once_and_less_after_a_while() -> None:
    made = site((0, 20_000, 0), (1, 35_000, 0), (2, 20_000, 0))
    assert cap_of(made, Monotonic(2)) == Power(5_000)
    assert cap_of(site((0, 35_000, 0), (5, 20_000, 0), (10.5, 20_000, 0)), Monotonic(10.5)) == Power(20_000)


def test_a_stale_meter_is_the_worst_case_and_a_fresh_reading_ends_it() -> None:
    made = site((0, 10_000, 0))
    assert cap_of(made, Monotonic(9.9)) == Power(30_000)
    assert cap_of(made, Monotonic(10)) == Power(8_000)
    assert cap_of(metered(made, MeterReading(Power(10_000)), Monotonic(60)), Monotonic(60)) == Power(30_000)


def test_an_overload_leaves_nothing_and_never_less() -> None:
    assert cap_of(site((0, 50_000, 0)), Monotonic(0)) == Power(0)


def test_what_the_station_draws_unmeasured_counts_as_others() -> None:
    made = metered(site((0, 30_000, 20_000)), MeterReading(Power(30_000)), Monotonic(20))
    assert cap_of(made, Monotonic(20)) == Power(10_000)


def test_the_phase_that_carries_most_decides() -> None:
    reading = MeterReading(Power(10_000), (10.0, 43.0, 5.0))
    assert cap_of(metered(Site(FUSED), reading, Monotonic(0)), Monotonic(0)) == Power(13_800)


def test_the_source_says_who_limits() -> None:
    source = SiteSource(RULES, Power(22_000))
    stamp = Stamp(Monotonic(0), EPOCH)
    (worst,) = source.contributions(stamp)
    assert (worst.source, worst.cap) == (LimitSource.FAILSAFE, Power(8_000))
    source.metered(MeterReading(Power(25_000)), Monotonic(0))
    (limit,) = source.contributions(stamp)
    assert (limit.source, limit.cap) == (LimitSource.SITE_METER, Power(15_000))
    assert source.deadline(stamp) == Monotonic(10)


def test_a_cap_above_the_rating_is_none() -> None:
    source = SiteSource(RULES, Power(22_000))
    source.metered(MeterReading(Power(0)), Monotonic(0))
    assert list(source.contributions(Stamp(Monotonic(0), EPOCH))) == []


loads = st.integers(0, 60_000)


@given(st.lists(st.tuples(loads, st.integers(0, 22_000)), min_size=1))
def test_others_and_cap_never_exceed_the_connection(readings: list[tuple[int, int]]) -> None:
    made = Site(RULES)
    for at, (others_w, own_w) in enumerate(readings):
        made = drew(made, Power(own_w), Monotonic(at))
        made = metered(made, MeterReading(Power(others_w + own_w)), Monotonic(at))
        cap = cap_of(made, Monotonic(at))
        assert cap.w == 0 or others_w + cap.w <= RULES.limit.w + 1e-6
