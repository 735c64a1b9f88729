"""What operators see of stations and do to them."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud.domain.principal import Principal, Role
from cloud.ingest.ports import StoredRecord
from edge.control.uploads import chunks
from powerctl.core.fault import Fault
from powerctl.core.health import ConfigurationReported, StationHealth
from powerctl.core.ids import StationId
from powerctl.core.order import ResetConnector, UnlockConnector
from powerctl.core.record import (
    CommandOutcome,
    CommandResult,
    FaultCleared,
    FaultRaised,
    LinkReport,
    Record,
    SecurityEvent,
    SignalClass,
)
from powerctl.v1 import fleet_health_pb2
from powerctl.v1 import fleet_pb2 as pb
from powerctl.v1 import uplink_pb2 as uplink
from powerctl.wire.batch import encode_record
from tests.contract.api.peers import Failed, Json, M
from tests.unit.cloud.api_world import Cloud
from tests.unit.cloud.stories import LEFT, NOON, OPAL, SESSION, began, describes, live, plugged, telemetry

OWNER = Principal("wilma", "Wilma", Role.OWNER, frozenset({StationId("demo-1")}))
STRANGER = Principal("otto", "Otto", Role.OWNER, frozenset({StationId("far-1")}))
NAME = "stations/demo-1"
DIGEST = "ab" * 32


async def ask(api: Cloud, method: str, request: Any, response: type[M], who: Principal = OPAL) -> M:
    return await Json(api.web).call(f"FleetService/{method}", request, response, api.token(who))


async def station(api: Cloud, who: Principal = OPAL) -> pb.Station:
    return await ask(api, "GetStation", pb.GetStationRequest(name=NAME), pb.Station, who)


async def alarms(api: Cloud, *, ended: bool = False, who: Principal = OPAL) -> list[pb.Alarm]:
    request = pb.ListAlarmsRequest(parent="stations/-", show_ended=ended)
    return list((await ask(api, "ListAlarms", request, pb.ListAlarmsResponse, who)).alarms)


async def test_a_stations_health_is_in_one_answer(api: Cloud) -> None:
    health = StationHealth("0.2.0", 7, NOON, NOON + timedelta(days=60), DIGEST, 0.25)
    await api.world.reports(describes(), *plugged(), health, LinkReport(SignalClass.MARGINAL, -97, 8))
    seen = await station(api)
    assert (seen.online, seen.software_version, seen.open_sessions) == (True, "0.1.0", 1)
    assert (seen.outbox_records, seen.clock_offset_s, seen.config_digest) == (7, 0.25, DIGEST)
    assert (seen.signal_class, seen.rssi_dbm) == (uplink.SIGNAL_CLASS_MARGINAL, -97)
    assert seen.certificate_end_time.ToDatetime() == (NOON + timedelta(days=60)).replace(tzinfo=None)
    listed = await ask(api, "ListStations", pb.ListStationsRequest(), pb.ListStationsResponse)
    assert [one.name for one in listed.stations] == [NAME]


async def test_an_owner_sees_their_own_stations_and_no_other(api: Cloud) -> None:
    await api.world.reports(describes(), FaultRaised(LEFT, Fault("insulation", "Too low.", latched=True)))
    assert (await station(api, OWNER)).open_alarms == 1
    assert len(await alarms(api, who=OWNER)) == 1
    assert await alarms(api, who=STRANGER) == []
    listed = await ask(api, "ListStations", pb.ListStationsRequest(), pb.ListStationsResponse, STRANGER)
    assert not listed.stations
    with pytest.raises(Failed, match="not_found"):
        await station(api, STRANGER)


async def test_a_fault_is_an_alarm_with_what_to_do_until_it_is_over(api: Cloud) -> None:
    await api.world.reports(describes(), FaultRaised(LEFT, Fault("insulation", "Too low.", latched=True)))
    await api.world.reports(FaultRaised(LEFT, Fault("insulation", "Too low.", latched=True)))
    (alarm,) = await alarms(api)
    assert (alarm.code, alarm.severity, alarm.connector) == ("insulation", pb.ALARM_SEVERITY_CRITICAL, 1)
    assert "technician" in alarm.remedy
    asked = pb.AcknowledgeAlarmRequest(name=alarm.name, note="On my way.")
    seen = await ask(api, "AcknowledgeAlarm", asked, pb.Alarm)
    assert (seen.acknowledged_by, seen.note, seen.HasField("end_time")) == ("Opal", "On my way.", False)
    await api.world.reports(FaultCleared(LEFT, "insulation"))
    assert await alarms(api) == []
    (over,) = await alarms(api, ended=True)
    assert over.HasField("end_time")


async def test_a_silent_station_is_an_alarm_until_it_is_heard_again(api: Cloud) -> None:
    await api.world.reports(describes())
    api.world.clock.advance(120)
    await api.world.store.expire()
    assert [one.code for one in await alarms(api)] == ["station_silent"]
    await api.world.reports(describes())
    await api.world.store.expire()
    assert await alarms(api) == []


async def test_a_certificate_that_ends_and_an_attack_are_alarms(api: Cloud) -> None:
    ends = StationHealth("0.2.0", 0, None, NOON + timedelta(days=3), "", None)
    await api.world.reports(describes(), ends, SecurityEvent("door_open", "The door was opened.", NOON))
    assert {one.code for one in await alarms(api)} == {"certificate_ends_soon", "door_open"}


async def test_what_was_seen_to_is_an_alarm_again_when_it_comes_again(api: Cloud) -> None:
    opened = SecurityEvent("door_opened", "A door of the station was opened.", NOON)
    await api.world.reports(describes(), opened)
    await api.world.reports(opened, SecurityEvent("door_closed", "Closed.", NOON))
    (first,) = await alarms(api)
    assert (first.code, first.severity) == ("door_opened", pb.ALARM_SEVERITY_CRITICAL)
    await ask(api, "AcknowledgeAlarm", pb.AcknowledgeAlarmRequest(name=first.name), pb.Alarm)
    await api.world.reports(opened)
    (second,) = await alarms(api)
    assert second.name != first.name
    assert not second.HasField("acknowledge_time")


async def test_the_events_of_a_station_and_of_a_session_are_sentences(api: Cloud) -> None:
    bodies = [describes(), *plugged(), began(), FaultRaised(LEFT, Fault("lock", "Stuck.", latched=False))]
    records = [Record(NOON, body) for body in bodies]
    await api.world.commits([StoredRecord(n, encode_record(one), one) for n, one in enumerate(records, 1)])
    kind = pb.ListStationEventsResponse
    first = await ask(api, "ListStationEvents", pb.ListStationEventsRequest(parent=NAME, page_size=2), kind)
    assert len(first.events) == 2
    rest = pb.ListStationEventsRequest(parent=NAME, page_token=first.next_page_token)
    second = await ask(api, "ListStationEvents", rest, kind)
    assert len(second.events) == 3
    of_session = pb.ListStationEventsRequest(parent="stations/-", session=f"sessions/{SESSION}")
    told = [one.summary for one in (await ask(api, "ListStationEvents", of_session, kind)).events]
    assert "A vehicle was plugged in." in told
    assert "Charging began at 1.000 kWh of the meter." in told
    assert not [one for one in told if "Fault" in one]


async def test_the_live_values_of_the_last_while_come_as_they_were_sent(api: Cloud) -> None:
    await api.world.reports(describes())
    for minute, kw in enumerate((6.0, 7.0, 8.0)):
        record = Record(NOON + timedelta(minutes=minute), telemetry(live(kw=kw)))
        await api.world.commits([StoredRecord(10 + minute, encode_record(record), record)])
    api.world.clock.advance(180)
    request = pb.ListStationTelemetryRequest(parent=NAME)
    request.past.FromTimedelta(timedelta(minutes=2))
    answer = await ask(api, "ListStationTelemetry", request, pb.ListStationTelemetryResponse)
    assert [one.telemetry.connectors[0].power_w for one in answer.records] == [7_000.0, 8_000.0]
    request.past.FromTimedelta(timedelta(hours=2))
    with pytest.raises(Failed, match="invalid_argument"):
        await ask(api, "ListStationTelemetry", request, pb.ListStationTelemetryResponse)


async def test_what_was_sold_is_told_day_by_day_newest_first(api: Cloud) -> None:
    await api.world.reports(describes())
    kind = pb.ListStationDaysResponse
    assert not (await ask(api, "ListStationDays", pb.ListStationDaysRequest(parent=NAME), kind)).days
    for hours, wh in ((0, 1_000.0), (11, 5_000.0), (13, 9_000.0), (37, 9_500.0)):
        record = Record(NOON + timedelta(hours=hours), telemetry(live(kw=6.0, wh=wh)))
        await api.world.commits([StoredRecord(10 + hours, encode_record(record), record)])
    await api.world.store.summarise()
    api.world.clock.advance(timedelta(hours=38).total_seconds())
    first = await ask(api, "ListStationDays", pb.ListStationDaysRequest(parent=NAME, page_size=2), kind)
    assert [(one.energy_wh, one.sessions, one.power_max_w) for one in first.days] == [
        (500.0, 1, 6_000.0),
        (4_000.0, 1, 6_000.0),
    ]
    today = first.days[0]
    assert today.name == f"{NAME}/days/{(NOON + timedelta(hours=38)).date().isoformat()}"
    assert today.utilisation == 1 / (2 * 2 * 4)
    following = pb.ListStationDaysRequest(parent=NAME, page_size=2, page_token=first.next_page_token)
    second = await ask(api, "ListStationDays", following, kind)
    assert ([one.energy_wh for one in second.days], second.next_page_token) == ([5_000.0], "")
    with pytest.raises(Failed, match="invalid_argument"):
        await ask(api, "ListStationDays", pb.ListStationDaysRequest(parent=NAME, page_token="MTA"), kind)


def remote(action: dict[str, Any], request_id: str = "") -> pb.CreateRemoteCommandRequest:
    return pb.CreateRemoteCommandRequest(
        parent=NAME, remote_command=pb.RemoteCommand(**action), request_id=request_id or str(uuid.uuid4())
    )


async def test_a_command_has_an_id_and_its_outcome_is_seen(api: Cloud) -> None:
    await api.world.reports(describes())
    request = remote({"unlock_connector": uplink.UnlockConnector(connector=1)})
    sent = await ask(api, "CreateRemoteCommand", request, pb.RemoteCommand)
    again = await ask(api, "CreateRemoteCommand", request, pb.RemoteCommand)
    assert (again.name, sent.state) == (sent.name, pb.REMOTE_COMMAND_STATE_SENT)
    assert [command.action for _, command in api.notebook.sent] == [UnlockConnector(LEFT)]
    command = api.notebook.sent[-1][1]
    await api.world.reports(CommandResult(command.command_id, CommandOutcome.REJECTED, "Stop it first."))
    seen = await ask(api, "GetRemoteCommand", pb.GetRemoteCommandRequest(name=sent.name), pb.RemoteCommand)
    assert (seen.state, seen.detail) == (pb.REMOTE_COMMAND_STATE_REJECTED, "Stop it first.")
    assert seen.unlock_connector.connector == 1
    listed = await ask(
        api, "ListRemoteCommands", pb.ListRemoteCommandsRequest(parent=NAME), pb.ListRemoteCommandsResponse
    )
    assert [one.name for one in listed.remote_commands] == [sent.name]
    other = remote({"reset_connector": uplink.ResetConnector(connector=1)}, request.request_id)
    with pytest.raises(Failed, match="already_exists"):
        await ask(api, "CreateRemoteCommand", other, pb.RemoteCommand)


async def test_a_command_that_nobody_answers_expires(api: Cloud) -> None:
    await api.world.reports(describes())
    sent = await ask(
        api, "CreateRemoteCommand", remote({"reset_connector": uplink.ResetConnector(connector=1)}), pb.RemoteCommand
    )
    assert api.notebook.sent[-1][1].action == ResetConnector(LEFT)
    api.world.clock.advance(60)
    await api.world.store.expire()
    seen = await ask(api, "GetRemoteCommand", pb.GetRemoteCommandRequest(name=sent.name), pb.RemoteCommand)
    assert seen.state == pb.REMOTE_COMMAND_STATE_EXPIRED


async def test_an_operator_stops_a_session_as_a_command(api: Cloud) -> None:
    await api.world.reports(describes(), *plugged(), began())
    request = remote({"stop_charging": uplink.StopCharging(session=SESSION)})
    sent = await ask(api, "CreateRemoteCommand", request, pb.RemoteCommand)
    assert sent.stop_charging.session == SESSION


@pytest.mark.parametrize("action", [{}, {"unlock_connector": uplink.UnlockConnector(connector=0)}])
async def test_what_no_station_does_is_refused(api: Cloud, action: dict[str, Any]) -> None:
    await api.world.reports(describes())
    with pytest.raises(Failed, match="invalid_argument"):
        await ask(api, "CreateRemoteCommand", remote(action), pb.RemoteCommand)


async def test_a_configuration_that_is_not_as_desired_is_an_alarm(api: Cloud) -> None:
    await api.world.reports(describes(), ConfigurationReported(DIGEST, {"station.rating_w": "22000", "a": "1"}))
    name = f"{NAME}/configuration"
    adopt = pb.SetDesiredConfigurationRequest(name=name, adopt_reported=True)
    same = await ask(api, "SetDesiredConfiguration", adopt, pb.Configuration)
    assert not [one for one in same.values if one.differs]
    await api.world.reports(ConfigurationReported("cd" * 32, {"station.rating_w": "30000", "a": "1"}))
    seen = await ask(api, "GetConfiguration", pb.GetConfigurationRequest(name=name), pb.Configuration)
    (off,) = [one for one in seen.values if one.differs]
    assert (off.key, json.loads(off.reported), json.loads(off.desired)) == ("station.rating_w", 30000, 22000)
    assert (await station(api)).config_drift
    assert [one.code for one in await alarms(api)] == ["configuration_drift"]
    wanted = pb.SetDesiredConfigurationRequest(name=name, values={"station.rating_w": "30000"})
    await ask(api, "SetDesiredConfiguration", wanted, pb.Configuration)
    assert await alarms(api) == []
    bad = pb.SetDesiredConfigurationRequest(name=name, values={"a": "no json"})
    with pytest.raises(Failed, match="invalid_argument"):
        await ask(api, "SetDesiredConfiguration", bad, pb.Configuration)


async def test_a_recording_arrives_in_parts_and_is_downloaded_whole(api: Cloud, tmp_path: Path) -> None:
    await api.world.reports(describes())
    upload = uuid.uuid4()
    request = remote({"upload_black_box": uplink.UploadBlackBox()}, str(upload))
    await ask(api, "CreateRemoteCommand", request, pb.RemoteCommand)
    content = bytes(range(256)) * 500
    first, *rest = chunks(str(upload), "box.zip", content)
    await api.world.reports(first)
    name = f"{NAME}/files/{upload}"
    wanted, kind = pb.DownloadStationFileRequest(name=name), pb.DownloadStationFileResponse
    with pytest.raises(Failed, match="not_found"):
        await ask(api, "DownloadStationFile", wanted, kind)
    await api.world.reports(*rest, first)
    listed = await ask(api, "ListStationFiles", pb.ListStationFilesRequest(parent=NAME), pb.ListStationFilesResponse)
    assert [(one.name, one.complete) for one in listed.files] == [(name, True)]
    got = await ask(
        api, "DownloadStationFile", pb.DownloadStationFileRequest(name=name), pb.DownloadStationFileResponse
    )
    assert (got.file_name, got.content) == ("box.zip", content)


async def listed(api: Cloud, who: Principal = OPAL, **fields: Any) -> pb.ListStationsResponse:
    return await ask(api, "ListStations", pb.ListStationsRequest(**fields), pb.ListStationsResponse, who)


async def test_a_fleet_is_listed_page_by_page_in_the_order_that_is_asked_for(api: Cloud) -> None:
    for number in range(5):
        await api.world.reports(describes(), station=StationId(f"s-{number}"))
    await api.world.reports(FaultRaised(LEFT, Fault("earth", "", latched=True)), station=StationId("s-3"))
    asked: dict[str, Any] = {"filter": "s- NOT id = s-4", "order_by": "health desc, id desc", "page_size": 3}
    first = await listed(api, **asked)
    assert ([one.name[-1] for one in first.stations], first.total_size) == (["3", "2", "1"], 4)
    assert list(first.stations[0].health_issues) == [
        fleet_health_pb2.HEALTH_ISSUE_ALARMS,
        fleet_health_pb2.HEALTH_ISSUE_MANAGER,
    ]
    rest = await listed(api, **asked, page_token=first.next_page_token)
    assert ([one.name[-1] for one in rest.stations], rest.next_page_token) == (["0"], "")
    with pytest.raises(Failed, match="another filter or order"):
        await listed(api, page_token=first.next_page_token)
    with pytest.raises(Failed, match="there is no field colour"):
        await listed(api, filter="colour = red")


async def test_the_summary_counts_what_the_caller_may_see(api: Cloud) -> None:
    await api.world.reports(describes(), *plugged(), StationHealth("1", 2, NOON - timedelta(90), None, "", None))
    await api.world.reports(describes(), FaultRaised(LEFT, Fault("earth", "", latched=True)), station=StationId("far"))
    request = pb.GetFleetSummaryRequest()
    seen = await ask(api, "GetFleetSummary", request, fleet_health_pb2.FleetSummary)
    assert (seen.stations, seen.online_stations, seen.open_sessions) == (2, 2, 1)
    assert (seen.open_alarms, seen.unacknowledged_alarms, seen.stations_with_issues) == (1, 1, 2)
    assert seen.outbox_age.ToTimedelta() == timedelta(90)
    counted = {one.issue: one.stations for one in seen.issues}
    assert counted == {
        fleet_health_pb2.HEALTH_ISSUE_ALARMS: 1,
        fleet_health_pb2.HEALTH_ISSUE_OUTBOX: 1,
        fleet_health_pb2.HEALTH_ISSUE_MANAGER: 2,
    }
    own = await ask(api, "GetFleetSummary", request, fleet_health_pb2.FleetSummary, OWNER)
    assert (own.stations, own.open_alarms) == (1, 0)
    narrowed = await ask(api, "GetFleetSummary", pb.GetFleetSummaryRequest(filter="far"), fleet_health_pb2.FleetSummary)
    assert (narrowed.stations, narrowed.open_alarms) == (1, 1)
