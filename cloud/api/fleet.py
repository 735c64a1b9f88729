"""FleetService: what an operator knows about stations, and does to them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from typing import Final

from cloud.api import fleet_encode, names, paging
from cloud.api.call import Call
from cloud.api.charging import Charging, require_request_id
from cloud.api.ordering import OURSELVES, Asker, Ordering
from cloud.api.station_days import Today, days_page
from cloud.domain.filter import parse_filter, parse_order
from cloud.domain.location import Station
from cloud.domain.principal import Principal, Role
from cloud.domain.refusal import Refusal, Why
from cloud.store import alarms, commands, files, fleet, locations, operations
from cloud.store.operating import Operations
from cloud.store.operations import StationState
from cloud.store.store import Store
from powerctl.core.errors import RemoteError
from powerctl.core.ids import StationId
from powerctl.core.order import ResetConnector, StationAction, UnlockConnector, UploadBlackBox
from powerctl.v1 import fleet_health_pb2, uplink_pb2
from powerctl.v1 import fleet_pb2 as pb
from powerctl.wire.ids import connector_from_wire

_LONGEST_NOTE: Final = 500
_PAST: Final = timedelta(minutes=30)
_LONGEST_PAST: Final = timedelta(hours=1)
_MOST_VALUES: Final = 1_000


@dataclass(frozen=True, slots=True)
class FleetService:
    """Reads and commands stations."""

    store: Store
    charging: Charging
    ordering: Ordering
    zone: tzinfo = UTC
    """In which a day begins at midnight."""

    async def get_station(self, request: pb.GetStationRequest, call: Call) -> pb.Station:
        """One station's health."""
        station = names.parse_station(request.name)
        _require_visible(station, call.caller())
        async with self.store.database.read() as connection:
            found = await fleet.load(connection, station, self.store.clock.utc())
        if found is None:
            raise Refusal(Why.NOT_FOUND, f"There is no station {station}.")
        return fleet_encode.station(found)

    async def list_stations(self, request: pb.ListStationsRequest, call: Call) -> pb.ListStationsResponse:
        """Stations that fit a filter, in an order, page by page; an owner's are their own."""
        asked, size = (request.filter, request.order_by), paging.page_size(request.page_size)
        offset = paging.place_in(request.page_token, *asked)
        wanted, order = parse_filter(request.filter), parse_order(request.order_by)
        own, now = _own(call.caller()), self.store.clock.utc()
        async with self.store.database.read() as connection:
            found, total = await fleet.page(connection, wanted, order, own=own, now=now, offset=offset, size=size)
        following = offset + len(found)
        return pb.ListStationsResponse(
            stations=map(fleet_encode.station, found),
            next_page_token=paging.place_token(following, *asked) if following < total else "",
            total_size=total,
        )

    async def get_fleet_summary(self, request: pb.GetFleetSummaryRequest, call: Call) -> fleet_health_pb2.FleetSummary:
        """The fleet in numbers; an owner's is their own stations."""
        wanted, own, now = parse_filter(request.filter), _own(call.caller()), self.store.clock.utc()
        async with self.store.database.read() as connection:
            return fleet_encode.summary(await fleet.summary(connection, wanted, own=own, now=now))

    async def list_station_events(
        self, request: pb.ListStationEventsRequest, call: Call
    ) -> pb.ListStationEventsResponse:
        """What happened, newest first."""
        offset, size = paging.number_in(request.page_token) or 0, paging.page_size(request.page_size)
        session = names.parse_session(request.session) if request.session else None
        station = names.parse_parent(request.parent)
        async with self.store.database.read() as connection:
            if station is None and session is not None:
                station = await operations.station_of(connection, session)
            if station is None:
                raise Refusal(Why.NOT_FOUND, "Name a station, or a session that there is.")
            _require_visible(station, call.caller())
            found, following = await operations.events(connection, station, session=session, offset=offset, size=size)
        events = map(fleet_encode.event, found)
        return pb.ListStationEventsResponse(events=events, next_page_token=paging.token_of(following))

    async def list_station_telemetry(
        self, request: pb.ListStationTelemetryRequest, call: Call
    ) -> pb.ListStationTelemetryResponse:
        """Live values of the last while, oldest first."""
        station = names.parse_station(request.parent)
        await self._station(station, call)
        past = timedelta(seconds=request.past.seconds) if request.HasField("past") else _PAST
        if not timedelta() < past <= _LONGEST_PAST:
            raise Refusal(Why.INVALID_ARGUMENT, "past must be more than nothing and at most an hour.")
        async with self.store.database.read() as connection:
            found = await operations.live_values(connection, station, self.store.clock.utc() - past)
        return pb.ListStationTelemetryResponse(records=map(uplink_pb2.Record.FromString, found))

    async def list_station_days(self, request: pb.ListStationDaysRequest, call: Call) -> pb.ListStationDaysResponse:
        """What a station sold day by day, newest first."""
        found = await self._station(names.parse_station(request.parent), call)
        today = Today(self.store.clock.utc(), self.zone)
        async with self.store.database.read() as connection:
            return await days_page(connection, found.id, [one.id for one in found.connectors], request, today)

    async def list_alarms(self, request: pb.ListAlarmsRequest, call: Call) -> pb.ListAlarmsResponse:
        """Alarms, newest first."""
        before, size = paging.number_in(request.page_token), paging.page_size(request.page_size)
        station, stations = names.parse_parent(request.parent), _own(call.caller())
        if station is not None:
            _require_visible(station, call.caller())
            stations = [station]
        async with self.store.database.read() as connection:
            found, following = await alarms.page(
                connection, stations=stations, ended=request.show_ended, before=before, size=size
            )
        encoded = map(fleet_encode.alarm, found)
        return pb.ListAlarmsResponse(alarms=encoded, next_page_token=paging.token_of(following))

    async def acknowledge_alarm(self, request: pb.AcknowledgeAlarmRequest, call: Call) -> pb.Alarm:
        """Says that somebody looks after it."""
        station, name = names.parse_child(request.name, "alarms")
        if len(request.note) > _LONGEST_NOTE:
            raise Refusal(Why.INVALID_ARGUMENT, f"A note has at most {_LONGEST_NOTE} characters.")
        async with self.store.write() as writing:
            found = await alarms.load(writing.connection, name)
            if found is None or found.station != station:
                raise Refusal(Why.NOT_FOUND, f"There is no alarm {request.name}.")
            who = call.caller().display_name
            await alarms.acknowledge(writing.connection, name, who, request.note, writing.now)
            after = await alarms.load(writing.connection, name)
        return fleet_encode.alarm(after or found)

    async def create_remote_command(self, request: pb.CreateRemoteCommandRequest, call: Call) -> pb.RemoteCommand:
        """Tells a station to do something."""
        require_request_id(request.request_id)
        station, caller = names.parse_station(request.parent), call.caller()
        await self._station(station, call)
        asker = Asker(caller.user, request.request_id, _asked(request))
        if request.remote_command.WhichOneof("action") == "stop_charging":
            session = names.parse_session(f"sessions/{request.remote_command.stop_charging.session}")
            await self.charging.stop(session, request.request_id, caller)
        else:
            await self._order(station, request.remote_command, asker)
        async with self.store.database.read() as connection:
            sent = await commands.asked(connection, asker.user, asker.request_id)
            found = await commands.load(connection, station, sent.command.command_id) if sent else None
        if found is None:
            raise Refusal(Why.NOT_FOUND, "The session is at another station.")
        return fleet_encode.command(found)

    async def _order(self, station: StationId, wanted: pb.RemoteCommand, asker: Asker) -> None:
        async with self.ordering.batch() as batch:
            known = await commands.asked(batch.writing.connection, asker.user, asker.request_id)
            if known is not None and known.request != asker.request[:300]:
                raise Refusal(Why.ALREADY_EXISTS, "This request_id was used for another request; make a new one.")
            if known is None:
                await batch.give(station, _action(wanted, asker.request_id), asker)

    async def get_remote_command(self, request: pb.GetRemoteCommandRequest, call: Call) -> pb.RemoteCommand:
        """A command and what became of it."""
        station, name = names.parse_child(request.name, "remoteCommands")
        _require_visible(station, call.caller())
        async with self.store.database.read() as connection:
            found = await commands.load(connection, station, name)
        if found is None:
            raise Refusal(Why.NOT_FOUND, f"There is no command {request.name}.")
        return fleet_encode.command(found)

    async def list_remote_commands(
        self, request: pb.ListRemoteCommandsRequest, call: Call
    ) -> pb.ListRemoteCommandsResponse:
        """Commands that people have given, newest first."""
        offset, size = paging.number_in(request.page_token) or 0, paging.page_size(request.page_size)
        station = names.parse_station(request.parent)
        _require_visible(station, call.caller())
        async with self.store.database.read() as connection:
            found, following = await commands.page(connection, station, but=OURSELVES, offset=offset, size=size)
        return pb.ListRemoteCommandsResponse(
            remote_commands=map(fleet_encode.command, found), next_page_token=paging.token_of(following)
        )

    async def get_configuration(self, request: pb.GetConfigurationRequest, call: Call) -> pb.Configuration:
        """The configuration as reported, beside what it should be."""
        station = names.parse_configuration(request.name)
        await self._station(station, call)
        return await self._configuration(request.name, station)

    async def set_desired_configuration(
        self, request: pb.SetDesiredConfigurationRequest, call: Call
    ) -> pb.Configuration:
        """Says what the configuration should be."""
        station = names.parse_configuration(request.name)
        await self._station(station, call)
        for key, value in request.values.items():
            _require_json(key, value)
        async with self.store.write() as writing:
            state = (await operations.states(writing.connection, [station])).get(station, StationState())
            desired = dict(state.desired or {})
            if request.adopt_reported and state.configuration is not None:
                desired = dict(state.configuration.values)
            desired |= dict(request.values)
            if len(desired) > _MOST_VALUES:
                raise Refusal(Why.RESOURCE_EXHAUSTED, f"At most {_MOST_VALUES} values are kept.")
            await operations.said(writing.connection, station, {"desired": desired})
            await Operations(writing, self.store.new_id).watch_configuration(station)
        return await self._configuration(request.name, station)

    async def list_station_files(self, request: pb.ListStationFilesRequest, call: Call) -> pb.ListStationFilesResponse:
        """Files that a station has sent, newest first."""
        offset, size = paging.number_in(request.page_token) or 0, paging.page_size(request.page_size)
        station = names.parse_station(request.parent)
        _require_visible(station, call.caller())
        async with self.store.database.read() as connection:
            found, following = await files.page(connection, station, offset=offset, size=size)
        return pb.ListStationFilesResponse(
            files=map(fleet_encode.station_file, found), next_page_token=paging.token_of(following)
        )

    async def download_station_file(
        self, request: pb.DownloadStationFileRequest, call: Call
    ) -> pb.DownloadStationFileResponse:
        """A file that is all here."""
        station, upload = names.parse_child(request.name, "files")
        _require_visible(station, call.caller())
        async with self.store.database.read() as connection:
            found = await files.load(connection, upload)
        if found is None or found[0] != station:
            raise Refusal(Why.NOT_FOUND, f"{request.name} is not here, or not all of it yet.")
        return pb.DownloadStationFileResponse(file_name=found[1], content_type="application/zip", content=found[2])

    async def _station(self, station: StationId, call: Call) -> Station:
        _require_visible(station, call.caller())
        async with self.store.database.read() as connection:
            found = await locations.load(connection, station)
        if found is None:
            raise Refusal(Why.NOT_FOUND, f"There is no station {station}.")
        return found

    async def _configuration(self, name: str, station: StationId) -> pb.Configuration:
        async with self.store.database.read() as connection:
            state = (await operations.states(connection, [station])).get(station, StationState())
        return fleet_encode.configuration(name, state)


def _own(caller: Principal) -> Collection[StationId] | None:
    """Whose stations a list is about. None: everybody's."""
    return caller.stations if caller.role is Role.OWNER else None


def _require_visible(station: StationId, caller: Principal) -> None:
    own = _own(caller)
    if own is not None and station not in own:
        raise Refusal(Why.NOT_FOUND, f"There is no station {station}.")


def _asked(request: pb.CreateRemoteCommandRequest) -> str:
    wanted = request.remote_command
    if wanted.WhichOneof("action") == "stop_charging":
        return f"stop {wanted.stop_charging.session}"
    return f"{request.parent} {wanted.WhichOneof('action')} {wanted.SerializeToString(deterministic=True).hex()}"


def _action(wanted: pb.RemoteCommand, upload: str) -> StationAction:
    try:
        match wanted.WhichOneof("action"):
            case "unlock_connector":
                return UnlockConnector(connector_from_wire(wanted.unlock_connector.connector))
            case "reset_connector":
                return ResetConnector(connector_from_wire(wanted.reset_connector.connector))
            case "upload_black_box":
                session = wanted.upload_black_box.session
                return UploadBlackBox(upload, names.parse_session(f"sessions/{session}") if session else "")
    except RemoteError as error:
        raise Refusal(Why.INVALID_ARGUMENT, str(error)) from error
    raise Refusal(Why.INVALID_ARGUMENT, "remote_command says nothing that a station does.")


def _require_json(key: str, value: str) -> None:
    try:
        json.loads(value)
    except ValueError as error:
        raise Refusal(Why.INVALID_ARGUMENT, f"The value of {key[:100]} is not JSON.") from error
