"""What a running station tells: from the manager's decision to an operator's eyes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from powerctl.allocation.flexibility import Flex
from powerctl.allocation.plan_shortfall import Cause, Shortfall
from powerctl.allocation.stay import StayModel
from powerctl.app.explanation import Told, document, sentences, spans
from powerctl.app.terminal_text import status_lines
from powerctl.core.record import FlexibilitySpan, PlanState, PlanStatus
from powerctl.core.units import Current, Power
from powerctl.runtime.station import StationSettings
from tests.unit.allocation.station import NOON, Bench, dso, report

SOON = Flex(0.0, 6000.0, 6000.0, 1000.0, 0.9)
NOW, LATER = Flex(0.0, 8000.0, 8000.0, 0.0, 1.0), Flex(3600.0, 5000.0, 4960.0, 2000.0, 0.5)
STATION = StationSettings.model_validate(
    {
        "id": "S-1",
        "display_name": "Harbour",
        "rating_w": 22000,
        "simulated": True,
        "state_dir": "state",
        "connector": [
            {
                "id": number,
                "type": "chademo",
                "position": place,
                "max_power_w": 22000,
                "max_current_a": 60,
                "max_voltage_v": 500,
                "min_power_w": 500,
                "fallback_w": 5000,
            }
            for number, place in ((1, "left"), (2, "right"))
        ],
    }
)


def told_station() -> Told:
    """Two cars under 8 kW of the grid operator."""
    bench = Bench(report(1, committed_kw=11.0), report(2, committed_kw=11.0), budget=dso(8.0))
    decisions = tuple(bench.settle().values())
    return Told(
        STATION,
        NOON,
        Power.from_kw(22.0),
        PlanStatus(PlanState.USED, "A plan shapes the shares.", NOON - timedelta(minutes=1)),
        budget=bench.budget,
        decisions=decisions,
        reports=tuple(replace(one, current=Current(10.0)) for one in bench.reports.values()),
        measured=Power.from_kw(7.9),
        committed_w=8000.0,
        controller=True,
        health={"healthy": False, "components": {"evidence": {"ok": False, "detail": "the disk is full"}}},
        plan_age_s=12.0,
        shortfalls=(Shortfall(2, 6200.0, Cause.STAY),),
        stays=StayModel(),
        flexibility=(NOW, SOON, LATER),
    )


def _read(told: Told) -> dict[str, object]:
    read: dict[str, object] = json.loads(json.dumps(document(told)))
    return read


def test_an_operator_reads_why_a_car_has_4_kw() -> None:
    text = "\n".join(sentences(_read(told_station())))
    assert "Connector 1 (left): run, 4.0 kW. It draws 4.0 kW." in text
    assert "4.0 kW by dso: The grid operator limits the station to 8.0 kW, shared by 2 vehicles." in text
    assert "Without it: 11.0 kW. What would lift it: The grid operator raising or releasing its limit." in text
    assert "A plan shapes the shares. The plan is 12 s old." in text
    assert "Connector 2 is planned to lack 6.2 kWh when it leaves: its stay is too short" in text
    assert "In the next hour: 6.0 kW, 6.0 kW less or 1.0 kW more possible, 90% sure." in text
    assert "In 1 h: 5.0 kW, 5.0 kW less or 2.0 kW more possible, 50% sure." in text


def test_one_connector_alone_is_explained_without_the_other() -> None:
    text = "\n".join(sentences(_read(told_station()), 1))
    assert "Connector 1 (left)" in text
    assert "Connector 2" not in text


def test_machines_read_the_codes() -> None:
    told = document(told_station())
    first = told["connectors"][0]
    assert [bound["code"] for bound in first["bounds"]] == ["dso", "share", "hardware"]
    assert (first["state"], first["flexibility"], told["limit"]["code"]) == ("charging", "fast", "dso")
    assert told["plan"]["gives_way"][0]["code"] == "stay"


def test_the_state_fits_on_a_screen_and_says_what_is_not_well() -> None:
    told = {**_read(told_station()), "programs": {"energy manager": told_station().health}}
    text = "\n".join(status_lines(told))
    assert text.startswith("Harbour (S-1), simulated")
    assert "May draw 8.0 kW of 22.0 kW, by dso" in text
    assert "Draws 7.9 kW; committed 8.0 kW." in text
    assert "1 left   charging    4.0 kW of 4.0 kW granted  40 %" in text
    assert "energy manager       NOT WELL  evidence: the disk is full" in text


def test_a_manager_that_knows_nothing_says_so() -> None:
    told = Told(STATION, NOON, Power.from_kw(22.0), PlanStatus(PlanState.OFF, "No plan is commissioned.", NOON))
    assert sentences(document(told)) == ["The energy manager has not heard from the grid side yet."]
    assert "The charging controller is not connected" in "\n".join(status_lines(document(told)))


@pytest.mark.parametrize(
    ("flex", "span"),
    [
        (LATER, FlexibilitySpan(3600, 5000, 5000, 2000, 50)),
        (Flex(0.0, -20.0, -20.0, 49.0, 1.2), FlexibilitySpan(0, 0, 0, 0, 100)),
    ],
)
def test_flexibility_travels_in_hundreds_of_watts(flex: Flex, span: FlexibilitySpan) -> None:
    assert spans([flex]) == (span,)


def test_what_can_be_done_now_is_told_at_the_grid_connection_too() -> None:
    now = Flex(0.0, 8_000.0, 8_000.0, 2_000.0, 1.0)
    first, later = spans([now, LATER], Flex(0.0, 8_610.0, 8_610.0, 2_149.0, 1.0))
    assert (first.down_w, first.down_ac_w, first.up_ac_w) == (8_000, 8_600, 2_100)
    assert (later.down_ac_w, later.up_ac_w) == (None, None)
    assert spans([], now) == ()
