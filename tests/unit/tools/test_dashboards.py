"""Dashboards are what their tables say; every expression is PromQL over metrics that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

import promql_parser
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard as Model

from powerctl.runtime.metrics import CATALOGUE
from tools import dashboards
from tools.dashboard_words import Dashboard, Query, S, as_prometheus, quantile

RULES = Path(__file__).resolve().parents[3] / "deploy" / "prometheus" / "rules"
QUERIES = [query for table in dashboards.DASHBOARDS for panel in table.panels for query in panel.queries]


def known_series() -> dict[str, frozenset[str]]:
    """Every series that a dashboard may ask for, with its labels."""
    scraped = {"job", "instance", "station"}
    series = {m.name: frozenset({*m.labels, *scraped}) for m in CATALOGUE if m.type != "histogram"}
    series |= {f"{m.name}_bucket": frozenset({*m.labels, *scraped, "le"}) for m in CATALOGUE if m.type == "histogram"}
    recorded = re.findall(r"record: (\S+)", "".join(path.read_text() for path in RULES.glob("*.yml")))
    series |= {name: frozenset({"station"} if name.startswith("station:") else ()) for name in recorded}
    return series | {"up": frozenset(scraped), "ALERTS": frozenset({"alertname", "alertstate"})}


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def note(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(as_prometheus(expression)), pre_visit=note)
    return found


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.expression)
def test_every_expression_is_promql_over_series_and_labels_that_exist(query: Query) -> None:
    series = known_series()
    asked = selectors(query.expression)
    assert asked
    for selector in asked:
        assert selector.name is not None
        assert {m.name for m in selector.matchers.matchers} <= series[selector.name]


@pytest.mark.parametrize("query", [q for q in QUERIES if "{{" in q.legend], ids=lambda query: query.expression)
def test_a_legend_names_labels_that_the_answer_has(query: Query) -> None:
    named = set(re.findall(r"{{(\w+)}}", query.legend))
    kept = [set(re.split(r",\s*", labels)) for labels in re.findall(r"by \(([^)]+)\)", query.expression)]
    available = (
        kept[0] if kept else {name for s in selectors(query.expression) for name in known_series()[s.name or ""]}
    )
    assert named <= available


@pytest.mark.parametrize("table", dashboards.DASHBOARDS, ids=lambda table: table.name)
def test_an_expression_keeps_to_the_stations_that_the_reader_chose(table: Dashboard) -> None:
    chosen = ["$station" in query.expression for panel in table.panels for query in panel.queries]
    assert set(chosen) == {table.per_station}


@pytest.mark.parametrize("table", dashboards.DASHBOARDS, ids=lambda table: table.name)
def test_a_dashboard_survives_the_way_to_json_and_back(table: Dashboard) -> None:
    text = dashboards.document(table)
    again = JSONEncoder(sort_keys=True, indent=2).encode(Model.from_json(json.loads(text)))
    assert json.loads(again) == json.loads(text)


@pytest.mark.parametrize("table", dashboards.DASHBOARDS, ids=lambda table: table.name)
def test_panels_do_not_overlap_and_have_options(table: Dashboard) -> None:
    panels = json.loads(dashboards.document(table))["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(panels) == len(table.panels)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    assert all(panel["options"] for panel in panels)


def test_every_panel_says_what_it_means() -> None:
    assert [panel.title for table in dashboards.DASHBOARDS for panel in table.panels if not panel.meaning] == []


def test_a_quantile_keeps_its_labels_and_the_buckets() -> None:
    expression = quantile(0.9, "edge_period_seconds", "station", S)
    buckets = 'edge_period_seconds_bucket{station=~"$station"}[$__rate_interval]'
    assert expression == f"histogram_quantile(0.9, sum by (station, le) (rate({buckets})))"


def test_the_committed_files_are_what_the_tables_say() -> None:
    assert dashboards.main(["--check"]) == 0


def test_a_file_that_differs_or_belongs_to_no_table_is_drift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dashboards, "FOLDER", tmp_path)
    assert dashboards.main(["--check"]) == 1
    assert "make docs" in capsys.readouterr().err
    assert dashboards.main([]) == 0
    assert dashboards.main(["--check"]) == 0
    (tmp_path / "old.json").write_text("{}")
    assert dashboards.main(["--check"]) == 1
