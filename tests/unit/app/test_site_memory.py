"""What the site has taught about stays, over restarts and in the metrics."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from powerctl.allocation.plan_site import SiteProfile
from powerctl.allocation.situation import Rules
from powerctl.app.site_memory import SiteMemory
from powerctl.core.demand import StationReport
from powerctl.core.session import ConnectorState
from powerctl.core.units import Energy, Power
from tests.unit.allocation.station import NOON, capability, report


def _visits(memory: SiteMemory, count: int, minutes: float) -> None:
    """So many vehicles that stay so long, one after the other."""
    for number in range(count):
        there = replace(report(1, session=f"visit-{number}"), plug_in_time=NOON, capacity=Energy(38_000.0))
        gone = report(1, ConnectorState.AVAILABLE)
        for seen, at_min in ((there, 0.0), (there, minutes), (gone, minutes + 0.1)):
            at = NOON + timedelta(minutes=at_min)
            memory.follow(StationReport(at, None, None, (seen,)), (capability(1),), at)


def test_what_was_learnt_outlives_a_restart_and_its_calibration_is_a_metric(tmp_path: Path) -> None:
    path = tmp_path / "manager" / "stays.json"
    memory = SiteMemory(path)
    _visits(memory, 12, 30.0)
    learnt = memory.visits.model
    assert learnt.visits == pytest.approx(12.0)
    assert SiteMemory(path).visits.model == learnt
    assert REGISTRY.get_sample_value("powerctl_stay_visits") == pytest.approx(12.0)
    assert REGISTRY.get_sample_value("powerctl_stay_coverage_ratio") == pytest.approx(learnt.covered)
    before = learnt.covered
    _visits(memory, 3, 600.0)
    assert (REGISTRY.get_sample_value("powerctl_stay_coverage_ratio") or 1.0) < before


def test_a_damaged_file_costs_what_was_learnt_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "stays.json"
    path.write_text('{"mean": [NaN]}')
    memory = SiteMemory(path)
    assert memory.visits.model.visits == 0.0
    _visits(memory, 1, 30.0)
    assert SiteMemory(path).visits.model == memory.visits.model


def _measured(memory: SiteMemory, kw: float, quarters: int, start_min: float = 0.0) -> None:
    """So much at the grid connection for so many quarters of an hour."""
    for minute in range(15 * quarters + 1):
        at = NOON + timedelta(minutes=start_min + minute)
        memory.follow(StationReport(at, Power.from_kw(kw), None, ()), (), at)


def test_the_highest_quarter_of_the_month_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "stays.json"
    memory = SiteMemory(path, SiteProfile(load_w=(2000.0,) * 24))
    assert memory.place(Rules(), None).peak_w is None
    _measured(memory, 9.0, 2)
    _measured(memory, 5.0, 2, 45.0)
    assert SiteMemory(path).place(Rules(), None).peak_w == pytest.approx(11_000.0, rel=0.07)
    _measured(memory, 3.0, 2, 60 * 24 * 31.0)
    assert memory.place(Rules(), None).peak_w == pytest.approx(5000.0, rel=0.07)


@pytest.mark.parametrize(
    "text", ["{}", "[]", '{"month": "x", "highest_w": NaN, "quarter": 1, "energy_ws": 0, "at": 0}']
)
def test_a_damaged_peak_begins_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "peak.json").write_text(text)
    assert SiteMemory(tmp_path / "stays.json").place(Rules(), None).peak_w is None
