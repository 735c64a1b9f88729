"""Live values between protobuf and the domain.

Every `*_from_wire` raises `RemoteError` on a message that the domain cannot hold.
"""

from __future__ import annotations

from powerctl.core.errors import RemoteError
from powerctl.core.record import ConnectorTelemetry, Telemetry
from powerctl.core.units import Current, Energy, Power, Voltage
from powerctl.v1 import uplink_pb2 as pb
from powerctl.wire.common import (
    COMMAND,
    CONNECTOR_STATE,
    limit_to_wire,
    limits_from_wire,
    number_from_wire,
    power_from_wire,
)
from powerctl.wire.ids import MAX_CONNECTORS, connector_from_wire, session_from_wire
from powerctl.wire.station_limits import station_limits_from_wire, station_limits_to_wire


def telemetry_to_wire(body: Telemetry) -> pb.Telemetry:
    """`body` as a message."""
    return pb.Telemetry(
        ac_power_w=body.ac_power.w if body.ac_power is not None else None,
        station_limits=station_limits_to_wire(body.limits) if body.limits is not None else None,
        connectors=[_connector_to_wire(connector) for connector in body.connectors],
        manager_connected=body.manager_connected,
    )


def telemetry_from_wire(message: pb.Telemetry) -> Telemetry:
    """The live values in `message`.

    Raises:
        RemoteError: A field is not acceptable, too many connectors, or two with the same number.
    """
    if len(message.connectors) > MAX_CONNECTORS:
        raise RemoteError(f"{len(message.connectors)} connectors, at most {MAX_CONNECTORS} are taken")
    connectors = tuple(_connector_from_wire(connector) for connector in message.connectors)
    if len({connector.connector for connector in connectors}) != len(connectors):
        raise RemoteError("two connectors have the same number")
    return Telemetry(
        ac_power=_power(message.ac_power_w, "AC power") if message.HasField("ac_power_w") else None,
        limits=station_limits_from_wire(message.station_limits) if message.HasField("station_limits") else None,
        connectors=connectors,
        manager_connected=message.manager_connected,
    )


def _connector_to_wire(live: ConnectorTelemetry) -> pb.ConnectorTelemetry:
    return pb.ConnectorTelemetry(
        connector=live.connector,
        session=live.session or "",
        state=CONNECTOR_STATE.to_wire(live.state),
        voltage_v=live.voltage.v,
        current_a=live.current.a,
        power_w=live.power.w,
        soc_percent=live.soc_percent,
        session_energy_wh=live.session_energy.wh,
        limit_w=live.limit.w,
        reasons=[limit_to_wire(limit) for limit in live.reasons],
        target_w=live.target.w,
        command=COMMAND.to_wire(live.command) if live.command else pb.ConnectorTelemetry().command,
        remaining_s=live.remaining_s,
    )


def _connector_from_wire(message: pb.ConnectorTelemetry) -> ConnectorTelemetry:
    return ConnectorTelemetry(
        connector=connector_from_wire(message.connector),
        session=session_from_wire(message.session) if message.session else None,
        state=CONNECTOR_STATE.from_wire(message.state),
        voltage=Voltage(number_from_wire(message.voltage_v, "voltage", low=-1e4, high=1e4)),
        current=Current(number_from_wire(message.current_a, "current", low=-1e4, high=1e4)),
        power=_power(message.power_w, "power"),
        soc_percent=_optional(message, "soc_percent", 100.0),
        session_energy=Energy(number_from_wire(message.session_energy_wh, "session energy", high=1e9)),
        limit=power_from_wire(message.limit_w, "limit"),
        reasons=limits_from_wire(message.reasons),
        target=power_from_wire(message.target_w, "target power"),
        command=COMMAND.from_wire(message.command) if message.command else None,
        remaining_s=_optional(message, "remaining_s", 1e7),
    )


def _power(watts: float, what: str) -> Power:
    """A measured power may be negative: noise around zero, or a vehicle that feeds back."""
    return Power(number_from_wire(watts, what, low=-1e8, high=1e8))


def _optional(message: pb.ConnectorTelemetry, field: str, high: float) -> float | None:
    if not message.HasField(field):  # type: ignore[arg-type]
        return None
    return number_from_wire(getattr(message, field), field, high=high)
