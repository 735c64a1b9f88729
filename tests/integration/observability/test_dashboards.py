"""A real Prometheus scrapes a running station, and answers every expression of the dashboards."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from powerctl.app.demo.ports import Ports
from tests.integration.observability.prometheus import ask, demo, free_ports, prometheus, running, unanswered
from tools.dashboard_words import HOUR, SESSION_END, SIGNAL, as_prometheus
from tools.dashboards import DASHBOARDS

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        shutil.which("prometheus") is None, reason="prometheus is not on this machine (Debian package prometheus)"
    ),
]
STORY_S = 50


def expressions(*after: str) -> set[str]:
    """What a station answers at once, and what it answers after these events."""
    queries = [query for table in DASHBOARDS for panel in table.panels for query in panel.queries]
    return {as_prometheus(query.expression, station="demo") for query in queries if query.after in ("", *after)}


def play(folder: Path, scenario: str, wanted: set[str]) -> tuple[set[str], set[str]]:
    """What found no answer during a story, and the alerts that fired at its end."""
    names = list(Ports.__dataclass_fields__)
    *numbers, own = free_ports(len(names) + 1)
    ports = dict(zip(names, numbers, strict=True))
    with (
        running(demo(ports, folder / "data", scenario, STORY_S), folder / "demo.log") as story,
        running(prometheus(folder, own, ports), folder / "prometheus.log"),
    ):
        left = unanswered(own, wanted, story, STORY_S + 60)
        firing = {sample["metric"]["alertname"] for sample in ask(own, 'ALERTS{alertstate="firing"}')}
    return left, firing


def test_a_running_station_answers_every_expression_and_alerts_nobody(tmp_path: Path) -> None:
    left, firing = play(tmp_path, "two-cars", expressions())
    assert left == set(), (tmp_path / "demo.log").read_text()[-2000:]
    assert firing == set()


@pytest.mark.slow
def test_a_lower_cap_and_sessions_that_end_answer_what_depends_on_them(tmp_path: Path) -> None:
    left, firing = play(tmp_path, "grid-dip", expressions(SESSION_END, SIGNAL, HOUR))
    assert left == set(), (tmp_path / "demo.log").read_text()[-2000:]
    assert firing == set()
