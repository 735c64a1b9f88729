"""What records mean for operators: alarms, the health of stations, files, and what the grid asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cloud.domain.alarm import (
    CERTIFICATE_ENDS,
    CERTIFICATE_MARGIN,
    CONFIG_DRIFT,
    NEEDS_NOBODY,
    STATION,
    Alarm,
    kind,
    told,
)
from cloud.store import alarms, files, operations
from cloud.store.writing import Writing
from cloud.words import text
from powerctl.core.health import ConfigurationReported, FileChunk, StationHealth
from powerctl.core.ids import ConnectorId, StationId
from powerctl.core.record import FaultCleared, FaultRaised, GridEvent, LinkReport, Record, SecurityEvent
from powerctl.runtime import metrics


@dataclass(slots=True)
class Operations:
    """Applies records inside one transaction."""

    writing: Writing
    new_id: Callable[[], str]
    """Makes a random id."""

    async def apply(self, station: StationId, record: Record) -> None:
        """Apply a record; of others nothing is to be kept."""
        connection, now = self.writing.connection, self.writing.now
        match record.body:
            case FaultRaised(connector, fault):
                await self.begin(station, connector, fault.code, fault.detail)
            case FaultCleared(connector, code):
                await alarms.end(connection, station, connector, code, now)
            case GridEvent() as event:
                await operations.grid_said(connection, station, event, now)
            case LinkReport() as link:
                await self._newer(station, "link", link, record)
            case StationHealth() as health:
                if await self._newer(station, "health", health, record):
                    await self._watch_certificate(station, health)
            case ConfigurationReported() as configuration:
                if await self._newer(station, "configuration", configuration, record):
                    await self.watch_configuration(station)
            case FileChunk() as chunk:
                await files.take(connection, station, chunk, now)
            case _:
                pass

    async def security(self, station: StationId, event: SecurityEvent) -> None:
        """What may be an attack needs a person, once more when it comes again after somebody has seen to it."""
        if event.code in NEEDS_NOBODY:
            return
        await alarms.end_acknowledged(self.writing.connection, station, STATION, event.code, self.writing.now)
        await self.begin(station, STATION, event.code, event.detail)

    async def notice(self, station: StationId, code: str, **values: str) -> None:
        """An alarm about what the cloud has noticed itself, unless the same one is not over."""
        await self._begin(
            Alarm(self.new_id(), station, STATION, code, told(code, values), self.writing.now, values=values)
        )

    async def begin(self, station: StationId, connector: ConnectorId, code: str, detail: str) -> None:
        """An alarm in the station's own words, unless the same one is not over."""
        await self._begin(Alarm(self.new_id(), station, connector, code, detail, self.writing.now))

    async def _begin(self, alarm: Alarm) -> None:
        if await alarms.begin(self.writing.connection, alarm):
            metrics.counter("cloud_alarms_total").labels(kind(alarm.code).severity.value).inc()

    async def watch_configuration(self, station: StationId) -> None:
        """An alarm while the configuration is not what it should be."""
        state = (await operations.states(self.writing.connection, [station])).get(station)
        differing = state.differing if state is not None else []
        await operations.said(self.writing.connection, station, {"drift": bool(differing)})
        if differing:
            await self.notice(station, CONFIG_DRIFT, count=f"#{len(differing)}", first=text(differing[0]))
        else:
            await alarms.end(self.writing.connection, station, STATION, CONFIG_DRIFT, self.writing.now)

    async def _watch_certificate(self, station: StationId, health: StationHealth) -> None:
        ends = health.certificate_end_time
        if ends is not None and ends - self.writing.now < CERTIFICATE_MARGIN:
            await self.notice(station, CERTIFICATE_ENDS, date=f"{ends:%Y-%m-%d}")
        else:
            await alarms.end(self.writing.connection, station, STATION, CERTIFICATE_ENDS, self.writing.now)

    async def _newer(self, station: StationId, name: str, body: Any, record: Record) -> bool:
        """Keep what a program says of itself, unless something newer is known. True: it was kept."""
        known = (await operations.states(self.writing.connection, [station])).get(station)
        time = getattr(known, f"{name}_time") if known is not None else None
        if time is not None and time > record.record_time:
            return False
        values = {name: body, f"{name}_time": record.record_time}
        await operations.said(self.writing.connection, station, values)
        return True
