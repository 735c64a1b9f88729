"""What stations sold day by day, for operators and owners."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.api import names, paging
from cloud.domain.station_day import StationDay, bounds, station_days
from cloud.store import summaries
from cloud.store.telemetry_tables import QUARTERS
from powerctl.core.ids import StationId
from powerctl.v1 import fleet_pb2 as pb
from powerctl.wire.common import time_to_wire

LATEST_WORD: Final = timedelta(days=1)
"""A session that was under way at midnight is heard of within so long."""
USUAL: Final = 31
"""Days on a page, when nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Today:
    """The present, as the operator's calendar has it."""

    now: datetime
    zone: tzinfo

    @property
    def day(self) -> date:
        """The date."""
        return self.now.astimezone(self.zone).date()


async def days_page(
    connection: AsyncConnection,
    station: StationId,
    connectors: Collection[int],
    request: pb.ListStationDaysRequest,
    today: Today,
) -> pb.ListStationDaysResponse:
    """A page of days, newest first, down to the first that anything is known of.

    Raises:
        Refusal: INVALID_ARGUMENT: of page size or token.
    """
    size = paging.page_size(request.page_size or USUAL)
    offset = paging.place_in(request.page_token, station)
    first = await summaries.first(connection, QUARTERS, station, connectors)
    if first is None:
        return pb.ListStationDaysResponse()
    known = (today.day - first.astimezone(today.zone).date()).days + 1
    days = [today.day - timedelta(days=number) for number in range(offset, min(offset + size, known))]
    found = await _of(connection, station, connectors, days, today) if days else []
    following = offset + len(days)
    return pb.ListStationDaysResponse(
        days=[_encoded(station, one) for one in found],
        next_page_token=paging.place_token(following, station) if following < known else "",
    )


async def _of(
    connection: AsyncConnection, station: StationId, connectors: Collection[int], days: Sequence[date], today: Today
) -> list[StationDay]:
    (start, _), (_, end) = bounds(days[-1], today.zone), bounds(days[0], today.zone)
    quarters = await summaries.of_sessions(connection, QUARTERS, station, connectors, start, end)
    sessions = {slot.session for slot, _ in quarters if slot.start - start < LATEST_WORD}
    before = await summaries.registers(connection, QUARTERS, station, connectors, sessions, start)
    return station_days(days, quarters, before, zone=today.zone, connectors=len(connectors), now=today.now)


def _encoded(station: StationId, value: StationDay) -> pb.StationDay:
    return pb.StationDay(
        name=f"{names.station_name(station)}/days/{value.day.isoformat()}",
        start_time=time_to_wire(value.start),
        end_time=time_to_wire(value.end),
        energy_wh=value.energy_wh,
        sessions=value.sessions,
        power_max_w=value.power_max_w,
        utilisation=value.utilisation,
    )
