"""`powerctl explain`: from the manager's decision over its port to an operator's eyes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from powerctl.allocation.flexibility import Flex
from powerctl.allocation.stay import StayModel
from powerctl.app import cli
from powerctl.app.demo import files
from powerctl.app.demo.ports import Ports
from powerctl.app.explain_cli import PATH
from powerctl.app.explanation import Told, document, sentences
from powerctl.runtime.health import Health, HealthServer
from powerctl.runtime.settings import HttpListener
from tests.unit.allocation.station import Bench, dso, report

NOW, LATER = Flex(0.0, 8000.0, 8000.0, 0.0, 1.0), Flex(3600.0, 5000.0, 5000.0, 2000.0, 0.5)


def _told() -> Told:
    bench = Bench(report(1, committed_kw=11.0), report(2, committed_kw=11.0), budget=dso(8.0))
    decisions = tuple(bench.settle().values())
    return Told(bench.budget, decisions, plan_age_s=12.0, stays=StayModel(), now=NOW, ahead=(LATER,))


def test_an_operator_reads_why_a_car_has_4_kw() -> None:
    text = "\n".join(sentences(json.loads(json.dumps(document(_told())))))
    assert "Connector 1: run, 4.0 kW." in text
    assert "4.0 kW by dso: The grid operator limits the station to 8.0 kW, shared by 2 vehicles." in text
    assert "Without it: 11.0 kW. What would lift it: The grid operator raising or releasing its limit." in text
    assert "In 1 h: 5.0 kW, 5.0 kW less or 2.0 kW more possible, 50% sure." in text


def test_a_manager_that_knows_nothing_says_so() -> None:
    assert sentences(document(Told())) == ["The energy manager has not heard from the grid side yet."]


@pytest.mark.parametrize(("arguments", "words"), [([], "Connector 2: run"), (["--json"], '"code": "dso"')])
async def test_the_command_asks_the_running_manager(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    pages = {PATH: lambda: json.dumps(document(_told())).encode()}
    server = HealthServer(HttpListener(port=0), Health(), pages=pages)
    await server.start()
    station_file = files.prepare(tmp_path, Ports(), scripted=False).station_file
    text = station_file.read_text()
    station_file.write_text(text.replace(f"port = {Ports().metrics_powerctl}", f"port = {server.port}"))
    try:
        assert cli.main(["explain", "--config", str(station_file), *arguments]) == 0
    finally:
        server.close()
    assert words in capsys.readouterr().out


def test_a_manager_that_does_not_run_is_status_2(tmp_path: Path) -> None:
    station_file = files.prepare(tmp_path, Ports(), scripted=False).station_file
    text = station_file.read_text()
    station_file.write_text(text.replace(f"port = {Ports().metrics_powerctl}", "port = 9"))
    assert cli.main(["explain", "--config", str(station_file)]) == 2
