"""The page of metrics says what the catalogue says."""

from __future__ import annotations

from powerctl.runtime.metrics import CATALOGUE, Metric
from tools.metrics_page import PROGRAMS, page, row


def test_a_row_says_type_unit_labels_and_meaning() -> None:
    metric = Metric("edge_frames_rejected_total", "counter", "", "Frames that were dropped", ("connector", "reason"))
    assert (
        row(metric)
        == "| `edge_frames_rejected_total` | counter | 1 | `connector`, `reason` | Frames that were dropped |"
    )


def test_every_metric_is_on_the_page() -> None:
    text = page(CATALOGUE)
    assert [metric.name for metric in CATALOGUE if f"| `{metric.name}` |" not in text] == []


def test_every_metric_carries_a_program_and_a_meaning() -> None:
    assert [m.name for m in CATALOGUE if m.name.split("_")[0] not in PROGRAMS or not m.meaning] == []


def test_no_metric_is_there_twice() -> None:
    names = [metric.name for metric in CATALOGUE]
    assert sorted(set(names)) == sorted(names)
