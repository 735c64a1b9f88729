"""What is told of the plan process, whatever becomes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from powerctl.allocation.plan_problem import STEPS, Plan, PlanProblem, PlanSession, grid
from powerctl.allocation.plan_site import SiteProfile
from powerctl.app.manager_settings import PlanSettings
from powerctl.app.planning import Planning
from powerctl.core.clock import ManualClock, Monotonic, after
from powerctl.core.ids import ConnectorId
from powerctl.core.record import PlanState
from tests.unit.allocation.station import NOON, report

REPORTS = {ConnectorId(1): report(1), ConnectorId(2): report(2)}
PROBLEM = PlanProblem(
    grid(), (20_000.0,) * STEPS, (PlanSession(1, 9000.0, 22000.0, 3600.0), PlanSession(2, 9000.0, 22000.0, 3600.0))
)
PLAN = Plan({1: (15_000.0,) * STEPS, 2: (5_000.0,) * STEPS})


class _Station:
    def __init__(self, *, enabled: bool = True) -> None:
        self.clock = ManualClock(Monotonic(100.0), NOON)
        self.told: list[str] = []
        settings = PlanSettings(enabled=enabled, interval_s=10.0)
        self.planning = Planning(settings, self.clock, lambda: None, self._changed, Path("rejects"))
        self.planning.guidance(REPORTS, self.clock.monotonic())

    def _changed(self) -> None:
        self.told.append("news")

    @property
    def weights(self) -> dict[ConnectorId, float]:
        return dict(self.planning.guidance(REPORTS, self.clock.monotonic()).weights)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("died", "The plan process ended: it ended with status -9."),
        ("late", "The plan process did not answer in time: it ended with status -9."),
        ("rejected", "The plan process gave an answer that failed the check"),
        ("none", "The solver found no plan"),
    ],
)
def test_a_failure_is_told_at_once_and_remembered_for_a_while(result: str, words: str) -> None:
    station = _Station()
    station.planning._told(result, "it ended with status -9")
    status = station.planning.status
    assert (status.state, status.since) == (PlanState.FAILED, NOON)
    assert status.detail.startswith(words)
    assert "every limit holds" in status.detail
    station.planning._told("used", "")
    assert station.planning.status.state is PlanState.USED
    assert "At 12:00:00 UTC" in station.planning.status.detail
    station.clock.advance(601.0)
    station.planning._told("used", "")
    assert station.planning.status.detail == "A plan shapes the shares."


def test_what_is_not_new_is_not_told() -> None:
    station = _Station()
    station.told.clear()
    for _ in range(3):
        station.planning._told("idle", "")
    assert station.told == ["news"]


def test_without_a_plan_the_status_says_so() -> None:
    station = _Station(enabled=False)
    assert station.planning.process is None
    assert station.planning.status.state is PlanState.OFF


def test_a_plan_on_guesses_is_said_to_change_nothing() -> None:
    station = _Station()
    station.planning._take(
        PLAN, replace(PROBLEM, sessions=tuple(replace(s, confident=False) for s in PROBLEM.sessions))
    )
    station.planning._told("used", "")
    assert "it changes no share" in station.planning.status.detail


def test_the_last_good_plan_ages_out_and_one_for_other_sessions_is_dropped() -> None:
    station = _Station()
    station.planning._take(PLAN, PROBLEM)
    assert station.weights == {1: 1.0, 2: pytest.approx(1 / 3)}
    station.clock.advance(29.0)
    assert station.weights != {}
    station.clock.advance(2.0)
    assert station.weights == {}
    station.planning._take(PLAN, PROBLEM)
    others = {**REPORTS, ConnectorId(2): report(2, session="another")}
    assert station.planning.guidance(others, after(station.clock.monotonic(), 0.1)).weights == {}
    assert station.planning.newest is None


def test_the_rest_of_the_site_is_a_day_of_24_values() -> None:
    aims = PlanSettings.model_validate(
        {"peak_price": 8.5, "site": {"load_w": [5000.0] * 24, "limit_w": 60000.0}}
    ).aims()
    assert aims.peak_price == 8.5
    assert aims.site == SiteProfile(load_w=(5000.0,) * 24, limit_w=60000.0)
    with pytest.raises(ValueError, match="1 values instead of 24"):
        PlanSettings.model_validate({"site": {"load_w": [1.0]}})
