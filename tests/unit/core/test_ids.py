"""Ids and records as values."""

from __future__ import annotations

import pytest

from powerctl.core.clock import ManualClock, Monotonic, after
from powerctl.core.ids import station_id


@pytest.mark.parametrize("text", ["", "-a", "a b", "a" * 37, "a/b", "ä"])
def test_a_station_id_goes_into_certificates_and_topics(text: str) -> None:
    with pytest.raises(ValueError, match="letters, digits and hyphens"):
        station_id(text)


def test_a_usable_station_id() -> None:
    assert station_id("Demo-1") == "Demo-1"


def test_a_manual_clock_moves_when_told() -> None:
    clock = ManualClock(start=5.0)
    before = clock.utc()
    clock.advance(2.5)
    assert clock.monotonic() == after(Monotonic(5.0), 2.5)
    clock.step_utc(3600)
    assert (clock.utc() - before).total_seconds() == 3602.5
    assert clock.monotonic() == 7.5
