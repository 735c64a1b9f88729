"""Write `deploy/grafana/*.json` from the tables beside this file; with `--check`, fail when one differs."""

from __future__ import annotations

import sys

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef, VariableRefresh

from tools.dashboard_words import Dashboard, Panel
from tools.dashboards_of_stations import GRID, STATION
from tools.dashboards_of_the_fleet import BUSINESS, CLOUD, FLEET
from tools.generated import ROOT, write_or_compare

DASHBOARDS = (STATION, FLEET, GRID, CLOUD, BUSINESS)
FOLDER = ROOT / "deploy" / "grafana"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
PANEL_WIDTH, PANEL_HEIGHT = 12, 8
STAT_WIDTH, STAT_HEIGHT = 6, 4


def targets(panel: Panel) -> list[prometheus.Dataquery]:
    """The queries of a panel, lettered from A as Grafana does."""
    return [
        prometheus.Dataquery().ref_id(chr(ord("A") + number)).expr(query.expression).legend_format(query.legend)
        for number, query in enumerate(panel.queries)
    ]


def number(panel: Panel) -> stat.Panel:
    """A panel with one number."""
    built = stat.Panel().title(panel.title).description(panel.meaning).unit(panel.unit).datasource(SOURCE)
    for target in targets(panel):
        built = built.with_target(target)
    built = built.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    return built.span(STAT_WIDTH).height(STAT_HEIGHT)


def curve(panel: Panel) -> timeseries.Panel:
    """A panel with values over time."""
    built = timeseries.Panel().title(panel.title).description(panel.meaning).unit(panel.unit).datasource(SOURCE)
    for target in targets(panel):
        built = built.with_target(target)
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    built = built.legend(legend.show_legend(True)).tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    return built.min(0).fill_opacity(10).span(PANEL_WIDTH).height(PANEL_HEIGHT)


def built(table: Dashboard) -> board.Dashboard:
    """The dashboard of a table; numbers first, as they fit four to a row."""
    result = board.Dashboard(table.title).uid(f"powerctl-{table.name}").tags(["powerctl"])
    result = (
        result.description(table.meaning)
        .refresh("5s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
    )
    result = result.with_variable(board.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    if table.per_station:
        query = board.QueryVariable("station").label("Station").datasource(SOURCE)
        query = query.query("label_values(up, station)").refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        result = result.with_variable(query.include_all(True).multi(True))
    for panel in table.panels:
        result = result.with_panel(number(panel) if panel.is_number else curve(panel))
    return result


def document(table: Dashboard) -> str:
    """The JSON of a dashboard; the same for the same table."""
    return JSONEncoder(sort_keys=True, indent=2).encode(built(table).build()) + "\n"


def main(arguments: list[str]) -> int:
    """Write, or compare. Exit status 1: a file is not what the tables say, or belongs to no table."""
    fresh = {FOLDER / f"{table.name}.json": document(table) for table in DASHBOARDS}
    strays = sorted(set(FOLDER.glob("*.json")) - fresh.keys())
    for stray in strays:
        print(f"{stray.name} in {FOLDER.name} belongs to no table of dashboards; remove it", file=sys.stderr)
    return write_or_compare(arguments, fresh, "the tables of dashboards") or min(len(strays), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
