"""The catalogue is the only source of metrics, and keeps Prometheus' conventions."""

from __future__ import annotations

import re

import pytest
from prometheus_client import generate_latest

from powerctl.core.record import Lane
from powerctl.runtime import metrics
from powerctl.runtime.metrics import CATALOGUE, Metric

BY_NAME = [pytest.param(metric, id=metric.name) for metric in CATALOGUE]
UNITS = {"", "seconds", "watts", "joules", "volts", "amperes", "hertz", "bytes", "ratio", "dbm", "celsius", "percent"}


@pytest.mark.parametrize("metric", BY_NAME)
def test_a_metric_keeps_the_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"(powerctl|edge|cloud)_[a-z0-9_]+", metric.name)
    assert metric.unit in UNITS
    assert metric.meaning
    assert metric.name.endswith("_total") == (metric.type == "counter")
    assert not {"user", "driver", "session", "email", "token"} & set(metric.labels)


def test_names_are_unique() -> None:
    names = [metric.name for metric in CATALOGUE]
    assert len(set(names)) == len(names)


def test_a_metric_that_is_not_in_the_catalogue_does_not_exist() -> None:
    with pytest.raises(KeyError, match="powerctl_invented is not in the catalogue"):
        metrics.gauge("powerctl_invented")


def test_a_metric_has_the_type_of_its_row() -> None:
    with pytest.raises(KeyError, match="is a gauge, not a counter"):
        metrics.counter("powerctl_build_info")
    assert metrics.gauge("powerctl_build_info") is metrics.gauge("powerctl_build_info")


def test_what_a_program_counts_exists_before_it_happens() -> None:
    metrics.begin("edge-control", "1.2.3", [1, 2])
    shown = generate_latest().decode()
    assert 'powerctl_build_info{program="edge-control",version="1.2.3"} 1.0' in shown
    assert 'edge_sessions_total{connector="2"} 0.0' in shown
    assert 'edge_records_dropped_total{lane="telemetry"} 0.0' in shown
    assert "# TYPE edge_transactions_total counter" in shown


@pytest.mark.parametrize("program", metrics.PROGRAMS)
def test_every_metric_belongs_to_a_program(program: str) -> None:
    metrics.begin(program, "1.2.3")


def test_no_metric_belongs_to_no_program() -> None:
    begins = [mine for mine, _ in metrics.PROGRAMS.values()]
    assert [row.name for row in CATALOGUE if not any(row.name.startswith(mine) for mine in begins)] == []


def test_lanes_are_named_as_in_the_outbox() -> None:
    assert tuple(lane.name.lower() for lane in Lane) == metrics.LANES
