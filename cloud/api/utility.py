"""UtilityService: what a fleet can give, limits for groups of stations, and the evidence."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.api import names, paging
from cloud.api.approving import Approving, Question
from cloud.api.call import Call
from cloud.api.charging import require_request_id
from cloud.api.ordering import Batch, Ordering
from cloud.domain.approval import WITHIN
from cloud.domain.fleet_cap import (
    MOST_STATIONS,
    RETURN_WITHIN,
    Fleet,
    FleetCap,
    FleetCapState,
    flexibility,
    parts_of,
    ramps_of,
    rating_w,
    require_sensible,
)
from cloud.domain.location import Station
from cloud.domain.refusal import Refusal, Why
from cloud.store import commands, fleet_caps, locations, operations
from cloud.store.operations import Asked
from cloud.store.store import Store
from powerctl.core.ids import StationId
from powerctl.core.order import EndFleetCap, SetFleetCap
from powerctl.core.record import GridEventKind
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.v1 import uplink_pb2
from powerctl.v1 import utility_pb2 as pb
from powerctl.wire.bodies import grid_event_to_wire
from powerctl.wire.common import LIMIT_SOURCE, EnumCodec, duration_to_wire, time_from_wire, time_to_wire

CREATE: Final = "/powerctl.v1.UtilityService/CreateFleetCap"
STATE: Final = EnumCodec(FleetCapState, pb.FleetCapState, "FLEET_CAP_STATE")
_OUTCOMES: Final = {
    "accepted": uplink_pb2.COMMAND_OUTCOME_ACCEPTED,
    "rejected": uplink_pb2.COMMAND_OUTCOME_REJECTED,
    "expired": uplink_pb2.COMMAND_OUTCOME_EXPIRED,
    "unanswered": uplink_pb2.COMMAND_OUTCOME_EXPIRED,
}
_LONGEST_EXPORT: Final = timedelta(days=31)
_MOST_EVENTS: Final = 20_000
"""Of a dispatch that are looked through: its first answers are among the newest while it is watched."""
_MOST_EXPORTED: Final = 100_000
_LONGEST_REASON: Final = 500
_COLUMNS: Final = ("station", "event_time", "receive_time", "kind", "source", "cap_w", "measured_w", "detail")


@dataclass(frozen=True, slots=True)
class UtilityService:
    """Reads flexibility and evidence, and dispatches."""

    store: Store
    ordering: Ordering
    approving: Approving

    async def list_flexibility(self, request: pb.ListFlexibilityRequest, call: Call) -> pb.ListFlexibilityResponse:
        """Stations with what they can shed and take up now."""
        after, size = paging.text_in(request.page_token), paging.page_size(request.page_size)
        async with self.store.database.read() as connection:
            found, following = await locations.page(connection, after=after, size=size)
        return pb.ListFlexibilityResponse(stations=map(_flexible, found), next_page_token=paging.token_of(following))

    async def create_fleet_cap(self, request: pb.CreateFleetCapRequest, call: Call) -> pb.FleetCap:
        """Caps a group of stations for a time."""
        require_request_id(request.request_id)
        fleet = await self._fleet()
        asking = self.approving.of(CREATE, request, call)
        async with asking as question, self.ordering.batch() as batch:
            made = await self._given(batch, request, question, fleet)
        async with self.store.database.read() as connection:
            return await self._encoded(connection, made)

    async def _given(
        self, batch: Batch, request: pb.CreateFleetCapRequest, question: Question, fleet: Fleet
    ) -> FleetCap:
        connection, now, user = batch.writing.connection, batch.writing.now, question.call.caller().user
        known = await fleet_caps.asked(connection, user, request.request_id)
        if known is not None:
            return known
        cap = _decoded(request.fleet_cap, self.store.new_id(), user, now, fleet.ramp_w_per_minute)
        require_sensible(cap, now)
        stations = await _stations(connection, request.fleet_cap.stations)
        parts = parts_of(Power(cap.cap_w), stations)
        ramps = ramps_of(cap.ramp_up_w_per_minute, stations, fleet)
        reached = await fleet_caps.reached(connection, user, now - WITHIN) | set(parts)
        if question.rules.too_many(len(reached), fleet.stations):
            await question.approved(
                connection, f"Cap {len(parts)} stations to {Power(cap.cap_w)}. {cap.reason}".strip()
            )
        given: dict[str, str] = {}
        for station, part_w in parts.items():
            end, back_s = cap.end_time, cap.return_within_s
            order = SetFleetCap(cap.id, Power(part_w), cap.start_time, end, back_s, ramps[station])
            given[station] = (await batch.give(station, order)).command_id
        made = replace(cap, parts_w={str(name): watts for name, watts in parts.items()}, commands=given)
        await fleet_caps.add(connection, made, request.request_id)
        return made

    async def _fleet(self) -> Fleet:
        """All stations together; read page by page, before anything is written."""
        stations, watts, after = 0, 0.0, ""
        while True:
            async with self.store.database.read() as connection:
                found, after = await locations.page(connection, after=after, size=MOST_STATIONS)
            stations, watts = stations + len(found), watts + sum(map(rating_w, found))
            if not after:
                return Fleet(stations, watts)

    async def get_fleet_cap(self, request: pb.GetFleetCapRequest, call: Call) -> pb.FleetCap:
        """A dispatch, with every station's answer and compliance."""
        async with self.store.database.read() as connection:
            return await self._encoded(connection, await _load(connection, request.name))

    async def list_fleet_caps(self, request: pb.ListFleetCapsRequest, call: Call) -> pb.ListFleetCapsResponse:
        """Dispatches, newest first."""
        before, size = paging.number_in(request.page_token), paging.page_size(request.page_size)
        async with self.store.database.read() as connection:
            found, following = await fleet_caps.page(connection, before=before, size=size)
            encoded = [await self._encoded(connection, cap) for cap in found]
        return pb.ListFleetCapsResponse(fleet_caps=encoded, next_page_token=paging.token_of(following))

    async def cancel_fleet_cap(self, request: pb.CancelFleetCapRequest, call: Call) -> pb.FleetCap:
        """Ends a dispatch before its time; power comes back as after it."""
        async with self.ordering.batch() as batch:
            cap = await _load(batch.writing.connection, request.name)
            if cap.state(batch.writing.now) in (FleetCapState.PENDING, FleetCapState.ACTIVE):
                for station in cap.parts_w:
                    await batch.give(StationId(station), EndFleetCap(cap.id))
                cap = replace(cap, cancel_time=batch.writing.now)
                await fleet_caps.save(batch.writing.connection, cap)
        async with self.store.database.read() as connection:
            return await self._encoded(connection, cap)

    async def list_grid_events(self, request: pb.ListGridEventsRequest, call: Call) -> pb.ListGridEventsResponse:
        """What the grid asked and when stations complied, newest first."""
        before, size = paging.number_in(request.page_token), paging.page_size(request.page_size)
        station = names.parse_parent(request.parent)
        async with self.store.database.read() as connection:
            found = await operations.grid_events(
                connection,
                stations=None if station is None else [station],
                start=time_from_wire(request.start_time, "start_time") if request.HasField("start_time") else None,
                end=time_from_wire(request.end_time, "end_time") if request.HasField("end_time") else None,
                before=before,
                size=size + 1,
            )
        following = str(found[size - 1].ordinal) if len(found) > size else ""
        return pb.ListGridEventsResponse(
            grid_events=map(_event, found[:size]), next_page_token=paging.token_of(following)
        )

    async def export_grid_events(self, request: pb.ExportGridEventsRequest, call: Call) -> pb.ExportGridEventsResponse:
        """The same as a file, oldest first."""
        station = names.parse_parent(request.parent)
        start, end = time_from_wire(request.start_time, "start_time"), time_from_wire(request.end_time, "end_time")
        if not timedelta() < end - start <= _LONGEST_EXPORT:
            raise Refusal(Why.INVALID_ARGUMENT, f"end_time must be after start_time, by at most {_LONGEST_EXPORT}.")
        async with self.store.database.read() as connection:
            found = await operations.grid_events(
                connection,
                stations=None if station is None else [station],
                start=start,
                end=end,
                before=None,
                size=_MOST_EXPORTED + 1,
            )
        if len(found) > _MOST_EXPORTED:
            raise Refusal(Why.RESOURCE_EXHAUSTED, f"More than {_MOST_EXPORTED} events: export a shorter time.")
        rows = [_row(one) for one in reversed(found)]
        name = f"grid-events-{start:%Y%m%dT%H%M}-{end:%Y%m%dT%H%M}"
        if request.format == pb.EXPORT_FORMAT_JSON_LINES:
            text, kind, ending = "".join(json.dumps(row) + "\n" for row in rows), "application/jsonl", "jsonl"
        else:
            text, kind, ending = _csv(rows), "text/csv; charset=utf-8", "csv"
        return pb.ExportGridEventsResponse(file_name=f"{name}.{ending}", content_type=kind, content=text.encode())

    async def _encoded(self, connection: AsyncConnection, cap: FleetCap) -> pb.FleetCap:
        message = pb.FleetCap(
            name=f"fleetCaps/{cap.id}",
            stations=[names.station_name(StationId(one)) for one in cap.parts_w],
            cap_w=cap.cap_w,
            start_time=time_to_wire(cap.start_time),
            end_time=time_to_wire(cap.end_time),
            return_within=duration_to_wire(cap.return_within_s),
            ramp_up_w_per_minute=cap.ramp_up_w_per_minute,
            state=STATE.to_wire(cap.state(self.store.clock.utc())),
            create_time=time_to_wire(cap.create_time),
            reason=cap.reason,
        )
        message.responses.extend(await _responses(connection, cap))
        return message


async def _responses(connection: AsyncConnection, cap: FleetCap) -> list[pb.FleetCapResponse]:
    """Every station's answer and compliance; as many queries for many stations as for one."""
    given = cap.commands or {}
    states = await commands.load_all(connection, given.values())
    messages: dict[str, pb.FleetCapResponse] = {}
    for station, part_w in cap.parts_w.items():
        message = messages[station] = pb.FleetCapResponse(station=names.station_name(StationId(station)), cap_w=part_w)
        state = states.get(given.get(station, ""))
        if state is not None and state.outcome is not None:
            message.outcome, message.detail = _OUTCOMES[state.outcome], state.detail
    seen = await operations.grid_events(
        connection,
        stations=[StationId(station) for station in messages],
        start=max(cap.start_time, cap.create_time),
        end=cap.end_time,
        before=None,
        size=_MOST_EVENTS,
    )
    for one in reversed(seen):
        _note(messages[one.station], one, cap.parts_w[one.station])
    return list(messages.values())


def _note(message: pb.FleetCapResponse, one: Asked, part_w: float) -> None:
    """Take what an event says of the dispatch: the first time that the cap was in force, and that it was met."""
    event = one.event
    if (
        event.source is LimitSource.AGGREGATOR
        and event.kind is GridEventKind.APPLIED
        and not message.HasField("apply_time")
    ):
        message.apply_time.CopyFrom(time_to_wire(event.event_time))
    met = event.kind is GridEventKind.COMPLIED and event.cap.w <= part_w + 1.0
    if met and message.HasField("apply_time") and not message.HasField("comply_time"):
        message.comply_time.CopyFrom(time_to_wire(event.event_time))
        if event.measured is not None:
            message.measured_w = event.measured.w


async def _load(connection: AsyncConnection, name: str) -> FleetCap:
    found = await fleet_caps.load(connection, names.parse_one(name, "fleetCaps"))
    if found is None:
        raise Refusal(Why.NOT_FOUND, f"There is no {name}.")
    return found


async def _stations(connection: AsyncConnection, wanted: Sequence[str]) -> list[Station]:
    """The stations that were named, or all that are online."""
    if len(wanted) > MOST_STATIONS:
        raise Refusal(Why.INVALID_ARGUMENT, f"At most {MOST_STATIONS} stations at once.")
    if not wanted:
        found, _ = await locations.page(connection, after="", size=MOST_STATIONS + 1)
        return [station for station in found if station.online]
    named = [await locations.load(connection, names.parse_station(name)) for name in dict.fromkeys(wanted)]
    if None in named:
        raise Refusal(Why.NOT_FOUND, f"There is no {wanted[named.index(None)]}.")
    return [station for station in named if station is not None]


def _decoded(message: pb.FleetCap, name: str, user: str, now: datetime, ramp_w_per_minute: float) -> FleetCap:
    if not message.HasField("end_time"):
        raise Refusal(Why.INVALID_ARGUMENT, "end_time is missing.")
    within = RETURN_WITHIN
    if message.HasField("return_within"):
        within = timedelta(seconds=message.return_within.seconds)
    return FleetCap(
        id=name,
        user=user,
        cap_w=message.cap_w,
        parts_w={},
        start_time=time_from_wire(message.start_time, "start_time") if message.HasField("start_time") else now,
        end_time=time_from_wire(message.end_time, "end_time"),
        return_within_s=within.total_seconds(),
        ramp_up_w_per_minute=message.ramp_up_w_per_minute or ramp_w_per_minute,
        create_time=now,
        reason=message.reason[:_LONGEST_REASON],
    )


def _flexible(station: Station) -> pb.StationFlexibility:
    able = flexibility(station)
    message = pb.StationFlexibility(
        station=names.station_name(station.id),
        display_name=station.display_name or station.id,
        online=station.online,
        rating_w=able.rating_w,
        down_w=able.down_w,
        up_w=able.up_w,
        power_w=station.ac_power.w if station.ac_power is not None else None,
    )
    if station.limits is not None:
        message.cap_w = station.limits.cap.w
        message.cap_source = LIMIT_SOURCE.to_wire(station.limits.source)
    times = [one.live_time for one in station.connectors if one.live_time is not None]
    if times:
        message.measure_time.CopyFrom(time_to_wire(max(times)))
    return message


def _event(one: Asked) -> pb.StationGridEvent:
    return pb.StationGridEvent(
        station=names.station_name(one.station),
        grid_event=grid_event_to_wire(one.event),
        receive_time=time_to_wire(one.receive_time),
    )


def _row(one: Asked) -> dict[str, str | float | None]:
    event = one.event
    values = (
        one.station,
        event.event_time.isoformat(),
        one.receive_time.isoformat(),
        event.kind.value,
        event.source.value,
        event.cap.w,
        event.measured.w if event.measured is not None else None,
        event.detail,
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _csv(rows: Sequence[dict[str, str | float | None]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({key: _harmless(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _harmless(value: str | float | None) -> str | float | None:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@" and value else value
