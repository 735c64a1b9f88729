"""Stations, alarms, events and commands as messages for operators."""

from __future__ import annotations

from typing import Final

from cloud.api import names
from cloud.domain.alarm import Alarm, Severity, remedy
from cloud.domain.alarm import kind as kind_of
from cloud.domain.event_words import phrase
from cloud.domain.health import HealthIssue
from cloud.store.commands import CommandState
from cloud.store.files import StationFile
from cloud.store.fleet import FleetStation, FleetSummary
from cloud.store.operations import Happening, StationState
from cloud.words import english
from powerctl.v1 import common_pb2 as common
from powerctl.v1 import fleet_health_pb2
from powerctl.v1 import fleet_pb2 as pb
from powerctl.wire.actions import command_to_wire
from powerctl.wire.bodies import SIGNAL_CLASS
from powerctl.wire.common import EnumCodec, time_to_wire

SEVERITY: Final = EnumCodec(Severity, pb.AlarmSeverity, "ALARM_SEVERITY")
ISSUE: Final = EnumCodec(HealthIssue, fleet_health_pb2.HealthIssue, "HEALTH_ISSUE")
_STATES: Final = {
    None: pb.REMOTE_COMMAND_STATE_SENT,
    "accepted": pb.REMOTE_COMMAND_STATE_ACCEPTED,
    "rejected": pb.REMOTE_COMMAND_STATE_REJECTED,
}


def station(value: FleetStation) -> pb.Station:
    """A station's health."""
    message = pb.Station(
        name=names.station_name(value.id),
        location=names.location_name(value.id),
        display_name=value.display_name or value.id,
        online=value.online,
        simulated=value.simulated,
        software_version=value.software_version,
        manager_connected=value.manager_connected,
        config_digest=value.config_digest or "",
        config_drift=value.drift,
        open_alarms=value.alarms,
        open_sessions=value.sessions,
        ac_power_w=value.ac_power_w,
        outbox_records=value.outbox_records or 0,
        clock_offset_s=value.clock_offset_s,
        health_issues=map(ISSUE.to_wire, value.issues),
    )
    if value.link is not None:
        message.signal_class = SIGNAL_CLASS.to_wire(value.link.signal)
        if value.link.rssi_dbm is not None:
            message.rssi_dbm = value.link.rssi_dbm
    for name in _TIMES:
        time = getattr(value, name)
        if time is not None:
            getattr(message, f"{name}_time").CopyFrom(time_to_wire(time))
    if value.health_time is not None:
        message.health_time.CopyFrom(time_to_wire(value.health_time))
    return message


_TIMES: Final = ("last_seen", "outbox_oldest", "certificate_end")


def summary(value: FleetSummary) -> fleet_health_pb2.FleetSummary:
    """The fleet in numbers."""
    message = fleet_health_pb2.FleetSummary(
        stations=value.stations,
        online_stations=value.online,
        ac_power_w=value.ac_power_w,
        open_sessions=value.sessions,
        open_alarms=value.alarms,
        unacknowledged_alarms=value.unacknowledged,
        stations_with_issues=value.with_issues,
        issues=[
            fleet_health_pb2.HealthIssueCount(issue=ISSUE.to_wire(one), stations=count)
            for one, count in value.issues.items()
        ],
    )
    if value.outbox_age is not None:
        message.outbox_age.FromTimedelta(value.outbox_age)
    return message


def alarm(value: Alarm) -> pb.Alarm:
    """An alarm, with what to do about it."""
    kind = kind_of(value.code)
    message = pb.Alarm(
        name=f"{names.station_name(value.station)}/alarms/{value.id}",
        code=value.code,
        severity=SEVERITY.to_wire(kind.severity),
        connector=value.connector,
        summary=value.detail,
        remedy=english(remedy(value.code)),
        start_time=time_to_wire(value.start_time),
        acknowledged_by=value.acknowledged_by,
        note=value.note,
        values=value.values,
        runbook=kind.runbook,
    )
    if value.end_time is not None:
        message.end_time.CopyFrom(time_to_wire(value.end_time))
    if value.acknowledge_time is not None:
        message.acknowledge_time.CopyFrom(time_to_wire(value.acknowledge_time))
    return message


def event(value: Happening) -> pb.StationEvent:
    """A record as an event."""
    body = value.record.body
    said = phrase(body)
    return pb.StationEvent(
        name=f"{names.station_name(value.station)}/events/{value.id}",
        event_time=time_to_wire(value.record.record_time),
        receive_time=time_to_wire(value.receive_time),
        kind=type(body).__name__,
        connector=getattr(body, "connector", 0),
        session=names.session_name(getattr(body, "session", None)),
        summary=english(said),
        phrase=common.Phrase(code=said.code, values=said.values),
    )


def command(value: CommandState) -> pb.RemoteCommand:
    """A command and what became of it."""
    sent = value.sent
    message = pb.RemoteCommand(
        name=f"{names.station_name(sent.station)}/remoteCommands/{sent.command.command_id}",
        state=_STATES.get(value.outcome, pb.REMOTE_COMMAND_STATE_EXPIRED),
        detail=value.detail,
        create_time=time_to_wire(value.create_time),
        expire_time=time_to_wire(sent.command.expire_time),
    )
    wire = command_to_wire(sent.command)
    field = wire.WhichOneof("action")
    if field is not None and field in message.DESCRIPTOR.fields_by_name:
        getattr(message, field).CopyFrom(getattr(wire, field))
    return message


def configuration(name: str, state: StationState) -> pb.Configuration:
    """Reported beside desired."""
    reported = state.configuration.values if state.configuration is not None else {}
    desired, differing = state.desired or {}, set(state.differing)
    message = pb.Configuration(name=name)
    if state.configuration is not None and state.configuration_time is not None:
        message.config_digest = state.configuration.config_digest
        message.report_time.CopyFrom(time_to_wire(state.configuration_time))
    for key in sorted({*reported, *desired}):
        value = pb.ConfigurationValue(key=key, differs=key in differing)
        if key in reported:
            value.reported = reported[key]
        if key in desired:
            value.desired = desired[key]
        message.values.append(value)
    return message


def station_file(value: StationFile) -> pb.StationFile:
    """A file as far as it is here."""
    return pb.StationFile(
        name=f"{names.station_name(value.station)}/files/{value.upload}",
        file_name=value.file_name,
        create_time=time_to_wire(value.create_time),
        received_chunks=value.received,
        chunks=value.count,
        complete=value.received == value.count,
    )
