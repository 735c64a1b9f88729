"""What stations say about themselves, and what the grid asked of them, in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.store.fleet_tables import GRID_EVENTS, STATION_STATE
from cloud.store.tables import INBOX, SESSIONS
from cloud.store.telemetry_tables import TELEMETRY
from cloud.store.upsert import upsert
from powerctl.core.errors import RemoteError
from powerctl.core.health import ConfigurationReported, StationHealth
from powerctl.core.ids import SessionId, StationId
from powerctl.core.record import GridEvent, Lane, LinkReport, Record
from powerctl.wire.batch import decode_record


@dataclass(frozen=True, slots=True)
class StationState:
    """What a station's programs said last. None: never."""

    health: StationHealth | None = None
    health_time: datetime | None = None
    link: LinkReport | None = None
    link_time: datetime | None = None
    configuration: ConfigurationReported | None = None
    configuration_time: datetime | None = None
    desired: Mapping[str, str] | None = None
    """JSON by dotted name."""

    @property
    def differing(self) -> list[str]:
        """Names of desired values that are not so."""
        reported = self.configuration.values if self.configuration is not None else {}
        return sorted(name for name, value in (self.desired or {}).items() if reported.get(name) != value)


@dataclass(frozen=True, slots=True)
class Happening:
    """A record as it stands in the list of events."""

    id: str
    station: StationId
    receive_time: datetime
    record: Record


@dataclass(frozen=True, slots=True)
class Asked:
    """What the grid asked of a station, or how it complied."""

    ordinal: int
    station: StationId
    receive_time: datetime
    event: GridEvent


async def said(connection: AsyncConnection, station: StationId, values: Mapping[str, Any]) -> None:
    """Keep what a station's programs say; columns that are not named keep theirs."""
    await upsert(connection, STATION_STATE, {"station": station}, {**values, **_searched(values)})


def _searched(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that repeat what of these values is searched for."""
    found: dict[str, Any] = {}
    health, link, configuration = values.get("health"), values.get("link"), values.get("configuration")
    if isinstance(health, StationHealth):
        oldest = health.outbox_oldest_time if health.outbox_records else None
        found["outbox_records"], found["outbox_oldest"] = health.outbox_records, oldest
        found["outbox_age_s"] = (values["health_time"] - oldest).total_seconds() if oldest is not None else None
        found["certificate_end"] = health.certificate_end_time
        found["clock_offset_s"] = health.clock_offset_s
        if health.config_digest:
            found["config_digest"] = health.config_digest
    if isinstance(link, LinkReport):
        found["signal"] = link.signal.value
    if isinstance(configuration, ConfigurationReported):
        found["config_digest"] = configuration.config_digest
    return found


async def states(connection: AsyncConnection, stations: Collection[StationId]) -> dict[StationId, StationState]:
    """What is known of these stations; one of which nothing is known is missing."""
    query = select(STATION_STATE).where(STATION_STATE.c.station.in_(stations))
    return {StationId(row.station): _state(row) for row in await connection.execute(query)}


async def events(
    connection: AsyncConnection, station: StationId, *, session: SessionId | None, offset: int, size: int
) -> tuple[list[Happening], str]:
    """Records of a station without live values, newest first, and where to continue; empty: that is all.

    Args:
        connection: An open transaction.
        station: Whose.
        session: Only those of this session.
        offset: So many were shown before.
        size: At most so many.
    """
    query = select(INBOX).where(INBOX.c.station == station, INBOX.c.lane != int(Lane.TELEMETRY))
    if session is not None:
        query = query.where(INBOX.c.kind.in_(_OF_SESSIONS))
    order = (INBOX.c.record_time.desc(), INBOX.c.epoch.desc(), INBOX.c.sequence.desc())
    rows = (await connection.execute(query.order_by(*order).offset(offset).limit(_MOST if session else size + 1))).all()
    found = [happening for row in rows if (happening := _happening(row)) is not None]
    if session is not None:
        return [one for one in found if getattr(one.record.body, "session", None) == session], ""
    return found[:size], str(offset + size) if len(rows) > size else ""


_OF_SESSIONS = ("SessionOpened", "TransactionStarted", "TransactionEnded", "SessionClosed", "ConnectorStatusChanged")
_MOST = 5_000
"""Records that are looked through for one session, or for a picture."""
_SHOWN = 600
"""Points of a picture: as many as it is wide."""


async def live_values(connection: AsyncConnection, station: StationId, since: datetime) -> list[bytes]:
    """Telemetry records of a station as they lie on the wire, oldest first; of very many a part, evenly chosen."""
    query = (
        select(TELEMETRY.c.payload)
        .where(TELEMETRY.c.station == station, TELEMETRY.c.record_time >= since)
        .order_by(TELEMETRY.c.record_time.desc())
        .limit(_MOST)
    )
    rows = (await connection.execute(query)).scalars().all()
    step = -(-len(rows) // _SHOWN) or 1
    return list(reversed(rows[::step]))


async def station_of(connection: AsyncConnection, session: SessionId) -> StationId | None:
    """Where a session is. None: there is none."""
    found = (await connection.execute(select(SESSIONS.c.station).where(SESSIONS.c.id == session))).scalar()
    return StationId(found) if found is not None else None


async def grid_said(connection: AsyncConnection, station: StationId, event: GridEvent, now: datetime) -> None:
    """Keep what the grid asked of a station, or how it complied."""
    values = {"station": station, "event_time": event.event_time, "receive_time": now, "document": event}
    await connection.execute(insert(GRID_EVENTS).values(values))


async def grid_events(
    connection: AsyncConnection,
    *,
    stations: Collection[StationId] | None,
    start: datetime | None,
    end: datetime | None,
    before: int | None,
    size: int,
) -> list[Asked]:
    """What the grid asked, newest first.

    Args:
        connection: An open transaction.
        stations: Of these. None: of all.
        start: Not before. None: from the first.
        end: Before. None: up to now.
        before: Only those older than this one.
        size: At most so many.
    """
    query = select(GRID_EVENTS)
    if stations is not None:
        query = query.where(GRID_EVENTS.c.station.in_(stations))
    if start is not None:
        query = query.where(GRID_EVENTS.c.event_time >= start)
    if end is not None:
        query = query.where(GRID_EVENTS.c.event_time < end)
    if before is not None:
        query = query.where(GRID_EVENTS.c.ordinal < before)
    rows = await connection.execute(query.order_by(GRID_EVENTS.c.ordinal.desc()).limit(size))
    return [Asked(row.ordinal, StationId(row.station), row.receive_time, row.document) for row in rows]


def _happening(row: Row[Any]) -> Happening | None:
    try:
        record = decode_record(row.payload)
    except RemoteError:
        return None
    return Happening(f"{row.epoch}-{row.sequence}", StationId(row.station), row.receive_time, record)


def _state(row: Row[Any]) -> StationState:
    return StationState(**{name: getattr(row, name) for name in StationState.__slots__})
