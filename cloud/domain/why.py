"""Why a connector charges at the power it does, in one sentence for the driver."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Final

from cloud.domain.location import Connector, Station
from powerctl.core.record import ConnectorTelemetry, StationLimits
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.units import Power

_STATION_SOURCES: Final[Mapping[LimitSource, str]] = {
    LimitSource.DSO: "the grid operator limits the station to {cap}",
    LimitSource.EMS: "the site's energy management limits the station to {cap}",
    LimitSource.AGGREGATOR: "the energy market's dispatch limits the station to {cap}",
    LimitSource.OPERATOR: "the station's operator limits it to {cap}",
    LimitSource.LOCAL_CONTACT: "a switch at the site limits the station to {cap}",
    LimitSource.FREQUENCY: "the grid's frequency is low and the station helps with {cap}",
    LimitSource.SCHEDULE: "the station's schedule limits it to {cap}",
    LimitSource.FAILSAFE: "the grid's signal is silent, so the station keeps to {cap}",
    LimitSource.SITE_METER: "the building needs power, which leaves the station {cap}",
    LimitSource.EMERGENCY: "the grid called an emergency",
    LimitSource.HARDWARE: "the station can give {cap} in all",
}
_CONNECTOR_SOURCES: Final[Mapping[LimitSource, str]] = {
    LimitSource.VEHICLE: "the vehicle asks for no more",
    LimitSource.CABLE: "the cable carries no more",
    LimitSource.MODULES: "the power electronics give no more",
    LimitSource.THERMAL: "the station is warm and protects itself",
    LimitSource.HARDWARE: "this connector gives no more",
    LimitSource.SHARE: "the other vehicle shares the station's power",
    LimitSource.FALLBACK: "the energy manager is silent, so the connector keeps to its safe share",
    LimitSource.RAMP: "the power is on its way up again",
    LimitSource.HANDOVER: "it waits for the other vehicle to release power",
    LimitSource.PLAN: "the plan gives this power to the other vehicle first",
    LimitSource.FAULT: "the station found a fault",
}
_STATES: Final[Mapping[ConnectorState, str]] = {
    ConnectorState.AVAILABLE: "Free: plug a vehicle in.",
    ConnectorState.OCCUPIED: "A vehicle is plugged in; charging has not been started.",
    ConnectorState.STARTING: "Charging starts: the station and the vehicle test the cable.",
    ConnectorState.STOPPING: "Charging ends: wait until the connector is released.",
    ConnectorState.FINISHED: "Charging has ended; the connector can be unplugged.",
    ConnectorState.FAULTED: "Out of order.",
}
_FOLLOWS_ITS_LIMIT: Final = 0.9
"""Measured power above this part of the limit means that the limit binds, below it the vehicle does."""


def why(station: Station, connector: Connector, zone: tzinfo) -> str:
    """Why the connector does what it does. Empty: it was never heard.

    Args:
        station: The connector's station, with all its connectors.
        connector: One of them.
        zone: In which times of day are told.
    """
    if connector.state is None:
        return ""
    if not station.online:
        return "The station is offline; these are its last values."
    live = connector.live
    if connector.state not in (ConnectorState.CHARGING, ConnectorState.PAUSED) or live is None:
        detail = f" {connector.detail}" if connector.state is ConnectorState.FAULTED and connector.detail else ""
        return _STATES.get(connector.state, "Charging.") + detail
    return _charging(station, live, zone)


def _charging(station: Station, live: ConnectorTelemetry, zone: tzinfo) -> str:
    head = "Paused" if live.command is Command.PAUSE else str(live.power)
    if _vehicle_binds(live):
        return f"{head}: {_CONNECTOR_SOURCES[LimitSource.VEHICLE]}."
    if not live.reasons:
        return f"{head}."
    return f"{head}: {_binding(station, live, live.reasons[0], zone)}."


def _vehicle_binds(live: ConnectorTelemetry) -> bool:
    runs = live.command in (None, Command.RUN)
    return runs and live.target < live.limit * _FOLLOWS_ITS_LIMIT and live.target.w > 0


def _binding(station: Station, live: ConnectorTelemetry, first: Limit, zone: tzinfo) -> str:
    if first.source is LimitSource.SHARE and station.limits is not None:
        return f"{_station_cap(station.limits, zone)} and the other vehicle shares it"
    if first.source in _CONNECTOR_SOURCES:
        return _CONNECTOR_SOURCES[first.source] + _until(first.until, zone)
    if station.limits is not None and station.limits.source is first.source:
        tail = " and the other vehicle shares it" if _shared(station, live) else ""
        return _station_cap(station.limits, zone) + tail
    return _STATION_SOURCES[first.source].format(cap=first.limit) + _until(first.until, zone)


def _shared(station: Station, live: ConnectorTelemetry) -> bool:
    others = (connector.live for connector in station.connectors if connector.id != live.connector)
    return any(other is not None and other.power > Power(0.0) for other in others)


def _station_cap(limits: StationLimits, zone: tzinfo) -> str:
    phrase = _STATION_SOURCES.get(limits.source, "the station is limited to {cap}")
    return phrase.format(cap=limits.cap) + _until(limits.until, zone)


def _until(until: datetime | None, zone: tzinfo) -> str:
    return f" until {until.astimezone(zone):%H:%M}" if until is not None else ""
