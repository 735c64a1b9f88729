"""Sums do not depend on how and in which order they are made."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloud.domain.summary import (
    HOUR,
    MINUTE,
    QUARTER,
    WHOLE_STATION,
    Sample,
    Slot,
    Summary,
    by_minute,
    coarser,
    floor,
    merged,
    samples_of,
)
from powerctl.core.ids import StationId
from tests.unit.cloud.stories import LEFT, NOON, SESSION, STATION, describes, dso_cap, live, telemetry

_WHOLE = st.integers(0, 22_000).map(float)
_REPORTS = st.lists(
    st.tuples(
        st.sampled_from([StationId("a"), StationId("b")]),
        st.integers(0, 7_300).map(lambda second: NOON + timedelta(seconds=second)),
        st.builds(Sample, st.integers(0, 2), st.sampled_from(["", "s", "t"]), _WHOLE, _WHOLE, st.none() | _WHOLE).map(
            lambda one: [one]
        ),
    ),
    max_size=40,
)


def test_a_report_has_a_sample_of_each_connector_and_of_the_station() -> None:
    body = telemetry(live(kw=6.0, wh=12.0, limit_kw=11.0), limits=dso_cap(15))
    assert samples_of(body) == [
        Sample(LEFT, SESSION, 6_000.0, 12.0, 11_000.0),
        Sample(WHOLE_STATION, "", 7_000.0, 0.0, 15_000.0),
    ]
    assert samples_of(describes()) == []


@given(_REPORTS, st.randoms(use_true_random=False))
def test_order_and_cuts_make_no_difference(
    reports: list[tuple[StationId, datetime, list[Sample]]], dice: random.Random
) -> None:
    given_order = by_minute(reports)
    dice.shuffle(reports)
    cut = dice.randint(0, len(reports))
    parts = [by_minute(reports[:cut]), by_minute(reports[cut:])]
    together: dict[Slot, Summary] = {}
    for part in parts:
        for slot, summary in part.items():
            together[slot] = merged(together[slot], summary) if slot in together else summary
    assert together == given_order
    for width in (QUARTER, HOUR):
        assert coarser(together, width) == coarser(given_order, width)
    assert coarser(coarser(given_order, QUARTER), HOUR) == coarser(given_order, HOUR)
    assert sum(one.samples for one in coarser(given_order, HOUR).values()) == len(reports)


def test_slots_begin_on_the_full_minute_quarter_and_hour() -> None:
    time = NOON + timedelta(minutes=44, seconds=59)
    starts = [floor(time, width) - NOON for width in (MINUTE, QUARTER, HOUR)]
    assert starts == [timedelta(minutes=44), timedelta(minutes=30), timedelta(0)]
    summary = by_minute([(STATION, time, samples_of(telemetry(live(kw=6.0))))])
    assert summary[Slot(STATION, LEFT, SESSION, NOON + 44 * MINUTE)].power_w == 6_000.0
