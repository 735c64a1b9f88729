"""Instants and durations of ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.errors import RemoteError
from powerctl.signals.sources.iso8601 import duration_s, instant, later


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT15M", 900),
        ("PT1H", 3600),
        ("P1D", 86_400),
        ("P1DT2H3M4.5S", 93_784.5),
        ("P2W", 1_209_600),
        ("PT0S", 0),
        ("P9999Y", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "15M", "-PT1H", "P1H", "PT1", None, 5, "P" + "9" * 60 + "D"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(RemoteError):
        duration_s(text)


def test_instants_are_in_utc() -> None:
    assert instant("2026-11-01T12:00:00Z") == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert instant("2026-11-01T14:00:00+02:00") == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert instant("0001-01-01T00:00:00Z") is None
    assert instant("0001-01-01") is None


@pytest.mark.parametrize("text", ["", "now", "2026-11-01T12:00:00", "2026-13-01T00:00:00Z", None, 7])
def test_what_is_no_instant_is_refused(text: object) -> None:
    with pytest.raises(RemoteError):
        instant(text)


def test_what_is_later_than_the_calendar_never_comes() -> None:
    assert later(datetime(9998, 1, 1, tzinfo=UTC), 1e10) is None
    assert later(datetime(2026, 1, 1, tzinfo=UTC), None) is None


@given(st.integers(0, 4_000_000_000), st.integers(-12, 12))
def test_every_offset_means_the_same_instant(seconds: int, hours: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    assert instant(moment.astimezone(timezone(timedelta(hours=hours))).isoformat()) == moment
