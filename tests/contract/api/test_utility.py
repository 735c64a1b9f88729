"""A utility sees what the fleet can give, caps a group of stations, and reads how each complied."""

from __future__ import annotations

import csv
import io
import json
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloud.domain.principal import Principal, Role
from powerctl.core.ids import StationId
from powerctl.core.order import EndFleetCap, SetFleetCap
from powerctl.core.record import CommandOutcome, CommandResult, FlexibilitySpan, GridEvent, GridEventKind, StationLimits
from powerctl.core.setpoint import Limit, LimitSource
from powerctl.core.units import Power
from powerctl.v1 import uplink_pb2
from powerctl.v1 import utility_pb2 as pb
from powerctl.wire.common import time_to_wire
from tests.contract.api.peers import Failed, Json, M
from tests.unit.cloud.api_world import Cloud
from tests.unit.cloud.stories import NOON, describes, live, plugged, telemetry

UMA = Principal("uma", "Uma", Role.UTILITY)
SECOND = StationId("demo-2")


def built_for(kw: float) -> StationLimits:
    limit = Limit(LimitSource.HARDWARE, Power.from_kw(kw), "The station is built for it.")
    return StationLimits(limit.limit, limit.source, limit.detail, None, (limit,))


async def two_stations(api: Cloud) -> None:
    await api.world.reports(describes(), *plugged(), telemetry(live(kw=6.1, target_kw=20), limits=built_for(22)))
    await api.world.reports(describes(), telemetry(limits=built_for(44)), station=SECOND)


async def ask(api: Cloud, method: str, request: Any, response: type[M]) -> M:
    return await Json(api.web).call(f"UtilityService/{method}", request, response, api.token(UMA))


def wanted(cap_w: float = 30_000.0, end: datetime = NOON + timedelta(hours=1), **more: Any) -> pb.CreateFleetCapRequest:
    cap = pb.FleetCap(cap_w=cap_w, end_time=time_to_wire(end), **more)
    return pb.CreateFleetCapRequest(fleet_cap=cap, request_id=str(uuid.uuid4()))


async def test_flexibility_of_every_station_in_one_call(api: Cloud) -> None:
    await two_stations(api)
    listed = await ask(api, "ListFlexibility", pb.ListFlexibilityRequest(), pb.ListFlexibilityResponse)
    first, second = listed.stations
    assert (first.station, first.rating_w, first.power_w) == ("stations/demo-1", 22_000, 7_000)
    assert (first.down_w, first.up_w) == (7_000, 13_000)
    assert (second.rating_w, second.up_w) == (44_000, 0)


async def test_a_station_that_tells_its_flexibility_is_believed(api: Cloud) -> None:
    await two_stations(api)
    span = FlexibilitySpan(0, 6_100, 4_600, 3_000, 100, 4_900, 3_200)
    limits = replace(built_for(22), flexibility=(span, replace(span, begin_s=3600, down_ac_w=None, up_ac_w=None)))
    await api.world.reports(telemetry(live(kw=6.1, target_kw=20), limits=limits))
    listed = await ask(api, "ListFlexibility", pb.ListFlexibilityRequest(), pb.ListFlexibilityResponse)
    assert (listed.stations[0].down_w, listed.stations[0].up_w) == (4_900, 3_200)
    # An older manager tells watts DC alone.
    older = replace(limits, flexibility=(replace(span, down_ac_w=None, up_ac_w=None),))
    await api.world.reports(telemetry(live(kw=6.1, target_kw=20), limits=older))
    listed = await ask(api, "ListFlexibility", pb.ListFlexibilityRequest(), pb.ListFlexibilityResponse)
    assert (listed.stations[0].down_w, listed.stations[0].up_w) == (7_000, 13_000)


async def test_a_group_is_capped_in_proportion_and_each_answers(api: Cloud) -> None:
    await two_stations(api)
    request = wanted(ramp_up_w_per_minute=12_000.0)
    made = await ask(api, "CreateFleetCap", request, pb.FleetCap)
    assert (await ask(api, "CreateFleetCap", request, pb.FleetCap)).name == made.name
    sent = dict(api.notebook.sent)
    assert len(api.notebook.sent) == 2
    actions = {station: command.action for station, command in sent.items()}
    caps = {station: action.cap.w for station, action in actions.items() if isinstance(action, SetFleetCap)}
    assert caps == {"demo-1": 10_000.0, SECOND: 20_000.0}
    rates = [action.ramp_up_w_s for action in actions.values() if isinstance(action, SetFleetCap)]
    assert sum(rates) == pytest.approx(12_000 / 60)
    assert all(action.return_within_s == 600.0 for action in actions.values() if isinstance(action, SetFleetCap))
    await api.world.reports(CommandResult(sent[StationId("demo-1")].command_id, CommandOutcome.ACCEPTED, ""))
    at, cap = api.world.clock.utc(), Power(10_000.0)
    await api.world.reports(
        GridEvent(GridEventKind.APPLIED, LimitSource.AGGREGATOR, cap, None, at, ""),
        GridEvent(GridEventKind.COMPLIED, LimitSource.AGGREGATOR, cap, Power(9_900.0), at + timedelta(seconds=2), ""),
    )
    seen = await ask(api, "GetFleetCap", pb.GetFleetCapRequest(name=made.name), pb.FleetCap)
    first, second = sorted(seen.responses, key=lambda one: one.station)
    assert (first.outcome, first.measured_w) == (uplink_pb2.COMMAND_OUTCOME_ACCEPTED, 9_900.0)
    assert (first.comply_time.ToDatetime() - first.apply_time.ToDatetime()).total_seconds() == 2.0
    assert (second.outcome, second.HasField("comply_time")) == (uplink_pb2.COMMAND_OUTCOME_UNSPECIFIED, False)


async def test_a_dispatch_is_cancelled_at_every_station(api: Cloud) -> None:
    await two_stations(api)
    made = await ask(api, "CreateFleetCap", wanted(stations=["stations/demo-2"]), pb.FleetCap)
    assert [station for station, _ in api.notebook.sent] == [SECOND]
    over = await ask(api, "CancelFleetCap", pb.CancelFleetCapRequest(name=made.name), pb.FleetCap)
    assert over.state == pb.FLEET_CAP_STATE_CANCELED
    assert isinstance(api.notebook.sent[-1][1].action, EndFleetCap)
    await ask(api, "CancelFleetCap", pb.CancelFleetCapRequest(name=made.name), pb.FleetCap)
    assert len(api.notebook.sent) == 2
    listed = await ask(api, "ListFleetCaps", pb.ListFleetCapsRequest(), pb.ListFleetCapsResponse)
    assert [one.name for one in listed.fleet_caps] == [made.name]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (wanted(cap_w=-1.0), "invalid_argument"),
        (wanted(end=NOON), "invalid_argument"),
        (wanted(end=NOON + timedelta(days=2)), "invalid_argument"),
        (wanted(ramp_up_w_per_minute=1e9), "invalid_argument"),
        (wanted(stations=["stations/nowhere"]), "not_found"),
    ],
)
async def test_what_makes_no_sense_reaches_no_station(api: Cloud, request_: Any, code: str) -> None:
    await two_stations(api)
    with pytest.raises(Failed, match=code):
        await ask(api, "CreateFleetCap", request_, pb.FleetCap)
    assert api.notebook.sent == []


async def test_a_station_that_has_not_said_what_it_is_built_for_cannot_be_divided(api: Cloud) -> None:
    await api.world.reports(describes())
    with pytest.raises(Failed, match="built for"):
        await ask(api, "CreateFleetCap", wanted(), pb.FleetCap)


async def test_what_the_grid_asked_is_listed_and_exported(api: Cloud) -> None:
    cap = Power(4_200.0)
    for minute in range(3):
        at = NOON + timedelta(minutes=minute)
        await api.world.reports(GridEvent(GridEventKind.APPLIED, LimitSource.DSO, cap, None, at, "=2+2"))
    first = await ask(
        api, "ListGridEvents", pb.ListGridEventsRequest(parent="stations/-", page_size=2), pb.ListGridEventsResponse
    )
    assert [one.grid_event.event_time.seconds % 3600 for one in first.grid_events] == [120, 60]
    rest = pb.ListGridEventsRequest(parent="stations/demo-1", page_token=first.next_page_token)
    assert len((await ask(api, "ListGridEvents", rest, pb.ListGridEventsResponse)).grid_events) == 1
    span = {"start_time": time_to_wire(NOON), "end_time": time_to_wire(NOON + timedelta(minutes=2))}
    request = pb.ExportGridEventsRequest(parent="stations/demo-1", **span)  # type: ignore[arg-type]
    table = await ask(api, "ExportGridEvents", request, pb.ExportGridEventsResponse)
    rows = list(csv.DictReader(io.StringIO(table.content.decode())))
    assert [(row["kind"], row["cap_w"], row["detail"]) for row in rows] == [("applied", "4200.0", "'=2+2")] * 2
    request.format = pb.EXPORT_FORMAT_JSON_LINES
    lines = (await ask(api, "ExportGridEvents", request, pb.ExportGridEventsResponse)).content.decode().splitlines()
    assert json.loads(lines[0])["source"] == "dso"
