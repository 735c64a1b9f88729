"""A report is ok only when every invariant held, and has the documented keys."""

from __future__ import annotations

from typing import Any

import pytest

from powerctl.app.demo.report import KEYS, assemble
from powerctl.app.demo.stories import STORIES, Action


def measured(**changes: Any) -> dict[str, Any]:
    return {
        "violations": [],
        "signal_to_can_ms": {"n": 1, "p50": 40.0, "p99": 40.0, "max": 40.0},
        "overshoot_w": {"max": 0.0, "settle_ms": 2100.0},
        "records": {"produced": 10, "committed": 10, "duplicates": 0, "lost": 0},
        "sessions": [session(1), session(2)],
        "peak_w": [11000.0, 11000.0],
        **changes,
    }


def session(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"s{number}",
        "connector": number,
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-01-01T00:01:00Z",
        "stop_reason": "driver",
        "energy_wh": 100,
        "receipt_id": f"r{number}",
        **changes,
    }


def report(story: str = "grid-dip", **changes: Any) -> dict[str, Any]:
    return assemble(
        STORIES[story],
        seed=1,
        duration_s=60.0,
        measured=measured(**changes),
        events=[{"t": 1.0, "name": "plug", "detail": ""}],
        started_at=100.0,
        expected_sessions=2,
    )


def test_a_story_in_which_everything_held_is_ok() -> None:
    made = report()
    assert made["ok"] is True
    assert tuple(made) == KEYS
    assert set(made["sessions"][0]) == {"id", "connector", "start", "end", "stop_reason", "energy_wh", "receipt_id"}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"violations": [{"t": 130.0, "name": "over_cap", "detail": "x"}]}, "over_cap"),
        ({"sessions": [session(1)]}, "sessions"),
        ({"sessions": [session(1), session(2, receipt_id=None)]}, "receipt"),
        ({"sessions": [session(1), session(2, energy_wh=0)]}, "receipt"),
        ({"records": {"produced": 10, "committed": 9, "duplicates": 0, "lost": 1}}, "records"),
        ({"records": {"produced": 10, "committed": 10, "duplicates": 1, "lost": 0}}, "records"),
        ({"signal_to_can_ms": {"n": 0, "p50": None, "p99": None, "max": None}}, "signal"),
        ({"signal_to_can_ms": {"n": 1, "p50": 900.0, "p99": 900.0, "max": 900.0}}, "signal"),
    ],
)
def test_one_thing_that_did_not_hold_is_a_violation(changes: dict[str, Any], name: str) -> None:
    made = report(**changes)
    assert made["ok"] is False
    assert [violation["name"] for violation in made["violations"]] == [name]


def test_what_the_observer_saw_is_timed_from_the_start() -> None:
    made = report(violations=[{"t": 130.0, "name": "over_cap", "detail": "x"}])
    assert made["violations"][0]["t"] == 30.0


def test_a_story_without_a_decrease_needs_no_latency() -> None:
    assert report("two-cars", signal_to_can_ms={"n": 0, "p50": None, "p99": None, "max": None})["ok"]


def test_the_taper_must_have_freed_power() -> None:
    assert not report("taper")["ok"]
    assert report("taper", peak_w=[17000.0, 11000.0])["ok"]


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_a_story_plugs_in_first_and_unplugs_last(story: Any) -> None:
    steps = [step for _, step in story.schedule(60.0)]
    assert steps[0].action is Action.PLUG
    assert steps[-1].action is Action.UNPLUG
    assert all(step.at < 60 for step in steps)


def test_a_longer_story_is_stretched() -> None:
    story = STORIES["grid-dip"]
    dips = {d: next(at for at, s in story.schedule(d) if s.action is Action.DIM) for d in (60.0, 120.0)}
    assert dips[120.0] == 2 * dips[60.0]
