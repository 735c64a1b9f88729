"""Days in seconds, the hard cases, and the files and reports around them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerctl.allocation.allocator import Rules
from powerctl.allocation.efficiency import Conversion, EfficiencyCurve
from powerctl.allocation.modules import ModuleRules
from powerctl.allocation.plan_problem import STEPS, PlanProblem, PlanSession, grid, problem_to_json
from powerctl.allocation.shares import Fairness
from powerctl.app import cli, simulate_check, simulate_files, simulate_report
from powerctl.app.demo import files
from powerctl.app.demo.ports import Ports
from powerctl.app.simulate import simulate
from powerctl.app.simulate_model import Session, Signal, Site
from powerctl.app.simulate_plan import WaitingPlanner
from powerctl.core.errors import ConfigError
from tests.unit.allocation.station import capability

SITE = Site(
    22_000.0,
    (capability(1), capability(2)),
    conversion=Conversion(EfficiencyCurve.from_table([(2000.0, 0.90), (22000.0, 0.95)]), 150.0),
)
LEFT = Session("left", 1, 60.0, 5400.0, 12_000.0)
RIGHT = Session("right", 2, 600.0, 7200.0, 15_000.0, soc=0.2)


@pytest.fixture
def planner() -> Iterator[WaitingPlanner]:
    with WaitingPlanner() as one:
        yield one


@pytest.fixture
def station_file(tmp_path: Path) -> Path:
    return files.prepare(tmp_path, Ports(), scripted=False).station_file


def test_two_vehicles_are_served_within_the_rating() -> None:
    run = simulate(SITE, [RIGHT, LEFT])
    assert simulate_report.findings(run)["served"] == 2
    assert run.violations == []
    assert max(sample.ac_w for sample in run.samples) <= 22_001.0


def test_a_plan_shapes_and_breaks_nothing(planner: WaitingPlanner) -> None:
    price = [Signal(0.0, price=0.5), Signal(3600.0, announced_s=0.0, price=0.1)]
    late = replace(LEFT, departure_s=20_000.0, stated_s=20_000.0)
    sessions = [
        replace(late, name=f"v{n}", arrival_s=60.0 + 25_000.0 * n, departure_s=18_000.0 + 25_000.0 * n)
        for n in range(3)
    ]
    run = simulate(SITE, sessions, price, planner=planner)
    assert run.plans > 0
    assert run.rejected == 0
    assert simulate_report.findings(run)["served"] == 3
    assert run.violations == []


def test_who_finds_the_connector_taken_is_not_served() -> None:
    run = simulate(SITE, [LEFT, replace(LEFT, name="late", arrival_s=100.0)])
    assert [vehicle.session.name for vehicle in run.vehicles] == ["left"]


@pytest.mark.parametrize("fairness", Fairness)
def test_every_station_passes_the_hard_cases(fairness: Fairness) -> None:
    site = replace(SITE, rules=Rules(fairness=fairness))
    assert [name for name, flaw in simulate_check.failures(site) if flaw is not None] == []


def test_a_station_that_does_not_come_back_fails() -> None:
    site = replace(SITE, rules=Rules(ramp_up_w_s=1.0))
    assert any(flaw is not None for _, flaw in simulate_check.failures(site))


caps = st.none() | st.floats(0, 30_000)


@settings(max_examples=25)
@given(
    st.lists(
        st.builds(
            Session,
            st.uuids().map(str),
            st.integers(1, 2),
            st.floats(0, 1000),
            st.floats(100, 1500),
            st.floats(10, 30_000),
            soc=st.floats(0, 1),
            max_w=st.floats(1500, 22_000),
            min_w=st.floats(0, 3000),
            firm=st.booleans(),
        ),
        max_size=4,
    ),
    st.lists(st.builds(Signal, st.floats(0, 1500), cap_w=caps), max_size=8),
    st.sampled_from(Fairness),
    st.none() | st.builds(ModuleRules, st.floats(2000, 11_000), st.integers(1, 8), st.floats(0, 100)),
)
def test_whatever_comes_no_limit_is_broken(
    sessions: list[Session], signals: list[Signal], fairness: Fairness, modules: ModuleRules | None
) -> None:
    run = simulate(replace(SITE, rules=Rules(fairness=fairness, modules=modules)), sessions, signals, step_s=7.0)
    assert run.violations == []
    assert run.dead_zone == 0


def test_sessions_and_signals_come_from_csv_and_json(tmp_path: Path) -> None:
    table = tmp_path / "sessions.csv"
    table.write_text(
        "name,connector,arrival_s,departure_s,need_wh,firm\n"
        "a,1,2026-03-01T08:00:00+00:00,2026-03-01T09:00:00+00:00,9000,yes\n"
    )
    midnight = simulate_files.midnight_of(table)
    assert simulate_files.sessions(table, {1, 2}, midnight) == [Session("a", 1, 28800.0, 32400.0, 9000.0, firm=True)]
    (tmp_path / "signals.json").write_text('[{"at_s": 5, "cap_w": 4200, "price": null}]')
    assert simulate_files.signals(tmp_path / "signals.json") == [Signal(5.0, 4200.0)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,connector\na,1\n", "arrival_s is missing"),
        ("name,connector,arrival_s,departure_s,need_wh\na,x,1,2,3\n", "connector is 'x'"),
        ("name,colour\na,red\n", "colour is no column"),
        (
            "name,connector,arrival_s,departure_s,need_wh\na,3,1,2,3\n",
            "connector is 3. The station's connectors are 1, 2",
        ),
        ("name,connector,arrival_s,departure_s,need_wh\na,1,5,2,3\n", "departure_s is 2"),
        ("name,connector,arrival_s,departure_s,need_wh\na,1,nan,2,3\n", "arrival_s is 'nan'"),
        ("name,connector,arrival_s,departure_s,need_wh\na,1,1,2,-3\n", "need_wh is -3"),
        ("name,connector,arrival_s,departure_s,need_wh,soc\na,1,1,2,3,40\n", "soc is 40"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "sessions.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"row 1.*{words}"):
        simulate_files.sessions(path, {1, 2})


def test_both_files_count_from_one_midnight(tmp_path: Path) -> None:
    table, grid_file = tmp_path / "sessions.csv", tmp_path / "signals.csv"
    table.write_text("name,connector,arrival_s,departure_s,need_wh\na,1,2026-03-02T01:00:00,2026-03-02T02:00:00,9000\n")
    grid_file.write_text("at_s,cap_w\n2026-03-01T23:00:00Z,4200\n")
    midnight = simulate_files.midnight_of(table, grid_file)
    assert simulate_files.sessions(table, {1}, midnight)[0].arrival_s == 25 * 3600.0
    assert simulate_files.signals(grid_file, midnight)[0].at_s == 23 * 3600.0


def test_a_price_costs_no_driver_energy_where_nothing_is_known_of_stays(planner: WaitingPlanner) -> None:
    """A vehicle that leaves before the cheap hours has what it has without a plan."""
    price = [Signal(0.0, price=0.5), Signal(3600.0, announced_s=0.0, price=0.1)]
    said = replace(LEFT, departure_s=2400.0, stated_s=20_000.0)
    sessions = [said, replace(RIGHT, departure_s=3000.0)]
    planned, alone = simulate(SITE, sessions, price, planner=planner), simulate(SITE, sessions, price)
    assert planned.plans > 0
    ours, theirs = ([vehicle.taken_wh for vehicle in run.vehicles] for run in (planned, alone))
    assert ours == pytest.approx(theirs, rel=1e-3)


@pytest.mark.parametrize("report", ["missing/out.html", "out.pdf"])
def test_a_report_that_cannot_be_written_is_said(
    station_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], report: str
) -> None:
    table = tmp_path / "sessions.csv"
    table.write_text("name,connector,arrival_s,departure_s,need_wh\na,1,10,60,2000\n")
    arguments = [
        "--config",
        str(station_file),
        "--sessions",
        str(table),
        "--report",
        str(tmp_path / report),
        "--no-plan",
    ]
    assert cli.main(["simulate", *arguments]) == 2
    assert "--report" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["html", "json"])
def test_the_command_writes_its_report(station_file: Path, tmp_path: Path, suffix: str) -> None:
    table = tmp_path / "sessions.csv"
    table.write_text("name,connector,arrival_s,departure_s,need_wh\na,1,10,1800,2000\nb,2,10,1800,2000\n")
    report = tmp_path / f"out.{suffix}"
    arguments = ["simulate", "--config", str(station_file), "--sessions", str(table), "--report", str(report)]
    assert cli.main(arguments) == 0
    text = report.read_text()
    if suffix == "json":
        assert json.loads(text)["findings"]["served"] == 2
    else:
        assert "<svg" in text


def test_a_rejected_problem_can_be_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vehicles = (PlanSession(1, 9000.0, 22000.0, 3600.0), PlanSession(2, 9000.0, 22000.0, 3600.0))
    path = tmp_path / "plan-1.json"
    path.write_bytes(problem_to_json(PlanProblem(grid(), (22000.0,) * STEPS, vehicles)))
    assert cli.main(["plan", "replay", str(path)]) == 0
    assert "Passed the check. 2 vehicles" in capsys.readouterr().out
    path.write_text("{}")
    assert cli.main(["plan", "replay", str(path)]) == 2


def test_the_how_tos_example_runs_and_breaks_nothing(station_file: Path, tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "simulate-days.md"
    tables = page.read_text().split("```csv\n")[1:]
    (tmp_path / "day.csv").write_text(tables[0].split("```")[0])
    (tmp_path / "grid.csv").write_text(tables[1].split("```")[0])
    arguments = ["--sessions", str(tmp_path / "day.csv"), "--signals", str(tmp_path / "grid.csv"), "--no-plan"]
    report = tmp_path / "day.json"
    assert cli.main(["simulate", "--config", str(station_file), *arguments, "--report", str(report)]) == 0
    assert json.loads(report.read_text())["findings"]["sessions"] == 3
