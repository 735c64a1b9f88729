"""The catalogue is the only source of metrics, and keeps Prometheus' conventions."""

from __future__ import annotations

import re

import pytest

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
