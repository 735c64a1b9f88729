"""Stations and connectors as the cloud lists them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.record import ConnectorTelemetry, StationLimits
from powerctl.core.session import ConnectorState
from powerctl.core.topology import ConnectorType
from powerctl.core.units import Power

SILENCE: Final = timedelta(seconds=90)
"""A station that was not heard for this long is offline: an idle one reports every minute (uplink.proto, Telemetry)."""


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector and what it does."""

    id: ConnectorId
    type: ConnectorType | None
    """None: the station has not described it yet."""
    max_power: Power | None
    position: str
    """`left` or `right`; empty: not described yet."""
    state: ConnectorState | None = None
    """None: never heard."""
    session: SessionId | None = None
    driver: str | None = None
    """Who owns that session. None: nobody."""
    detail: str = ""
    live: ConnectorTelemetry | None = None
    live_time: datetime | None = None
    """When the station measured `live`, on its clock."""
    reserve_end_time: datetime | None = None
    """Until when it is kept for somebody. None: for nobody."""
    reserved_for: str | None = None


@dataclass(frozen=True, slots=True)
class Station:
    """A charging station; OCPI calls it a location."""

    id: StationId
    display_name: str = ""
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    simulated: bool = False
    last_seen: datetime | None = None
    """On the cloud's clock. None: never."""
    online: bool = False
    ac_power: Power | None = None
    limits: StationLimits | None = None
    manager_connected: bool = False
    connectors: tuple[Connector, ...] = ()
    """In the order of their ids."""

    def connector(self, number: ConnectorId) -> Connector | None:
        """The connector with this id. None: the station has none."""
        return next((connector for connector in self.connectors if connector.id == number), None)


class EvseStatus(StrEnum):
    """OCPI's words for what an EVSE can be used for."""

    AVAILABLE = "available"
    CHARGING = "charging"
    OUTOFORDER = "outoforder"
    RESERVED = "reserved"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a driver looks for: all of it at one connector."""

    types: frozenset[ConnectorType] = frozenset()
    """Empty: any."""
    available: bool = False
    min_power_w: float = 0.0

    @property
    def anything(self) -> bool:
        """True when every station will do."""
        return not self.types and not self.available and self.min_power_w <= 0.0

    def at(self, station: Station) -> bool:
        """True when `station` has it."""
        return self.anything or any(self._suits(station, connector) for connector in station.connectors)

    def _suits(self, station: Station, connector: Connector) -> bool:
        if self.types and connector.type not in self.types:
            return False
        if self.available and evse_status(station, connector) is not EvseStatus.AVAILABLE:
            return False
        return self.min_power_w <= (connector.max_power.w if connector.max_power is not None else 0.0)


def is_silent(last_seen: datetime | None, now: datetime) -> bool:
    """True when a station that was last heard then is to be called offline."""
    return last_seen is None or now - last_seen > SILENCE


def evse_status(station: Station, connector: Connector) -> EvseStatus:
    """What the connector can be used for; OCPI counts a plugged vehicle as charging."""
    if not station.online or connector.state is None:
        return EvseStatus.UNKNOWN
    if connector.state is ConnectorState.AVAILABLE:
        return EvseStatus.RESERVED if connector.reserved_for is not None else EvseStatus.AVAILABLE
    return EvseStatus.OUTOFORDER if connector.state is ConnectorState.FAULTED else EvseStatus.CHARGING
