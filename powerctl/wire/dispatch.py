"""The stream between energy manager and controller, as domain values.

Every `*_from_wire` raises `RemoteError` on a message that the domain cannot hold.
"""

from __future__ import annotations

from dataclasses import dataclass

from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.errors import RemoteError
from powerctl.core.ids import SessionId, StationId, station_id
from powerctl.core.setpoint import MAX_LEASE_SECONDS, Setpoint
from powerctl.core.topology import ConnectorCapability
from powerctl.core.units import Current, Energy, Power, Voltage
from powerctl.v1 import dispatch_pb2 as pb
from powerctl.wire.common import (
    COMMAND,
    CONNECTOR_STATE,
    CONNECTOR_TYPE,
    FLEXIBILITY,
    duration_from_wire,
    duration_to_wire,
    limit_to_wire,
    limits_from_wire,
    number_from_wire,
    power_from_wire,
    text_from_wire,
    time_from_wire,
    time_to_wire,
)
from powerctl.wire.ids import MAX_CONNECTORS, connector_from_wire
from powerctl.wire.splits import splits_from_wire, splits_to_wire

SHORT_TEXT = 64


@dataclass(frozen=True, slots=True)
class Hello:
    """Who dials."""

    station: StationId
    boot_id: str
    connectors: tuple[ConnectorCapability, ...]


def capability_to_wire(capability: ConnectorCapability) -> pb.ConnectorCapability:
    """`capability` as a message."""
    return pb.ConnectorCapability(
        connector=capability.connector,
        type=CONNECTOR_TYPE.to_wire(capability.type),
        max_power_w=capability.max_power.w,
        max_current_a=capability.max_current.a,
        max_voltage_v=capability.max_voltage.v,
        min_power_w=capability.min_power.w,
        fallback_w=capability.fallback.w,
    )


def capability_from_wire(message: pb.ConnectorCapability) -> ConnectorCapability:
    """The capability in `message`. Raises RemoteError: a field is not acceptable."""
    return ConnectorCapability(
        connector=connector_from_wire(message.connector),
        type=CONNECTOR_TYPE.from_wire(message.type),
        max_power=power_from_wire(message.max_power_w, "maximum power"),
        max_current=Current(number_from_wire(message.max_current_a, "maximum current", high=1e4)),
        max_voltage=Voltage(number_from_wire(message.max_voltage_v, "maximum voltage", high=1e4)),
        min_power=power_from_wire(message.min_power_w, "minimum power"),
        fallback=power_from_wire(message.fallback_w, "fallback power"),
    )


def hello_to_wire(hello: Hello) -> pb.Hello:
    """`hello` as a message."""
    return pb.Hello(
        station=hello.station,
        boot_id=hello.boot_id,
        connectors=[capability_to_wire(capability) for capability in hello.connectors],
    )


def hello_from_wire(message: pb.Hello) -> Hello:
    """The greeting in `message`.

    Raises:
        RemoteError: A field is not acceptable, no connector, or two with the same number.
    """
    try:
        station = station_id(message.station)
    except ValueError as error:
        raise RemoteError(str(error)) from error
    if not 1 <= len(message.connectors) <= MAX_CONNECTORS:
        raise RemoteError(f"{len(message.connectors)} connectors: must be 1 to {MAX_CONNECTORS}")
    connectors = tuple(capability_from_wire(connector) for connector in message.connectors)
    if len({connector.connector for connector in connectors}) != len(connectors):
        raise RemoteError("two connectors have the same number")
    return Hello(station, text_from_wire(message.boot_id, "boot id", SHORT_TEXT), connectors)


def setpoint_to_wire(setpoint: Setpoint) -> pb.Setpoint:
    """`setpoint` as a message."""
    return pb.Setpoint(
        connector=setpoint.connector,
        sequence=setpoint.sequence,
        command=COMMAND.to_wire(setpoint.command),
        limit_w=setpoint.limit.w,
        duration=duration_to_wire(setpoint.duration_s),
        settle=duration_to_wire(setpoint.settle_s),
        reasons=[limit_to_wire(limit) for limit in setpoint.reasons],
    )


def setpoint_from_wire(message: pb.Setpoint) -> Setpoint:
    """The setpoint in `message`.

    Raises:
        RemoteError: A field is not acceptable; a missing or zero duration is not.
    """
    duration_s = duration_from_wire(message.duration, "lease duration")
    if not 0.0 < duration_s <= MAX_LEASE_SECONDS:
        raise RemoteError(f"lease duration {duration_s} s: must be above 0 and at most {MAX_LEASE_SECONDS:.0f}")
    settle_s = duration_from_wire(message.settle, "settle time")
    return Setpoint(
        connector=connector_from_wire(message.connector),
        sequence=message.sequence,
        command=COMMAND.from_wire(message.command),
        limit=power_from_wire(message.limit_w, "limit"),
        duration_s=duration_s,
        settle_s=number_from_wire(settle_s, "settle time", high=MAX_LEASE_SECONDS),
        reasons=limits_from_wire(message.reasons),
    )


def report_to_wire(report: StationReport) -> pb.Report:
    """`report` as a message."""
    message = pb.Report(
        measure_time=time_to_wire(report.measure_time),
        connectors=[_connector_report_to_wire(connector) for connector in report.connectors],
        frequency_hz=report.frequency_hz,
    )
    if report.ac_power is not None:
        message.ac_power_w = report.ac_power.w
    if report.ac_energy is not None:
        message.ac_energy_wh = report.ac_energy.wh
    if report.ac_voltage is not None:
        message.ac_voltage_v = report.ac_voltage.v
    splits_to_wire(report, message)
    return message


def _connector_report_to_wire(report: ConnectorReport) -> pb.ConnectorReport:
    message = pb.ConnectorReport(
        connector=report.connector,
        state=CONNECTOR_STATE.to_wire(report.state),
        session=report.session or "",
        applied_sequence=report.applied_sequence,
        committed_w=report.committed.w,
        voltage_v=report.voltage.v,
        current_a=report.current.a,
        target_w=report.target.w,
        min_power_w=report.min_power.w,
        max_power_w=report.max_power.w,
        flexibility=FLEXIBILITY.to_wire(report.flexibility),
        slope_a_s=report.slope_a_s,
        soc_percent=report.soc_percent,
        energy_wh=report.energy.wh,
        session_energy_wh=report.session_energy.wh,
        protocol_number=report.protocol_number,
        wants_more=report.wants_more,
        obeys=report.obeys,
        reaction_s=report.reaction_s,
        min_current_a=report.min_current.a,
        pause_s=report.pause_s,
        vehicle_rule=report.vehicle_rule[:SHORT_TEXT],
    )
    if report.capacity is not None:
        message.capacity_wh = report.capacity.wh
    if report.plug_in_time is not None:
        message.plug_in_time.CopyFrom(time_to_wire(report.plug_in_time))
    return message


def report_from_wire(message: pb.Report) -> StationReport:
    """The report in `message`.

    Raises:
        RemoteError: A field is not acceptable, or two connectors have the same number.
    """
    connectors = tuple(_connector_report_from_wire(connector) for connector in message.connectors[:MAX_CONNECTORS])
    if len({connector.connector for connector in connectors}) != len(message.connectors):
        raise RemoteError(f"{len(message.connectors)} connectors: too many, or two have the same number")
    return StationReport(
        measure_time=time_from_wire(message.measure_time, "measure time"),
        ac_power=_optional_power(message),
        ac_energy=Energy(number_from_wire(message.ac_energy_wh, "AC energy", high=1e15))
        if message.HasField("ac_energy_wh")
        else None,
        connectors=connectors,
        frequency_hz=number_from_wire(message.frequency_hz, "frequency", high=1000.0)
        if message.HasField("frequency_hz")
        else None,
        ac_voltage=Voltage(number_from_wire(message.ac_voltage_v, "AC voltage", high=1e5))
        if message.HasField("ac_voltage_v")
        else None,
        possible_splits=splits_from_wire(message),
        switch_s=number_from_wire(message.switch_s, "switching time", high=600.0)
        if message.HasField("switch_s")
        else None,
    )


def _optional_power(message: pb.Report) -> Power | None:
    if not message.HasField("ac_power_w"):
        return None
    return Power(number_from_wire(message.ac_power_w, "AC power", low=-1e8, high=1e8))


def _connector_report_from_wire(message: pb.ConnectorReport) -> ConnectorReport:
    return ConnectorReport(
        connector=connector_from_wire(message.connector),
        state=CONNECTOR_STATE.from_wire(message.state),
        session=SessionId(text_from_wire(message.session, "session", SHORT_TEXT)) if message.session else None,
        applied_sequence=message.applied_sequence,
        committed=power_from_wire(message.committed_w, "committed power"),
        voltage=Voltage(number_from_wire(message.voltage_v, "voltage", high=1e4)),
        current=Current(number_from_wire(message.current_a, "current", low=-1e4, high=1e4)),
        target=power_from_wire(message.target_w, "target power"),
        min_power=power_from_wire(message.min_power_w, "minimum power"),
        max_power=power_from_wire(message.max_power_w, "maximum power"),
        flexibility=FLEXIBILITY.from_wire(message.flexibility),
        slope_a_s=number_from_wire(message.slope_a_s, "slope", high=1e4),
        soc_percent=number_from_wire(message.soc_percent, "state of charge", high=100.0)
        if message.HasField("soc_percent")
        else None,
        capacity=Energy(number_from_wire(message.capacity_wh, "battery capacity", high=1e7))
        if message.HasField("capacity_wh")
        else None,
        energy=Energy(number_from_wire(message.energy_wh, "energy register", high=1e15)),
        session_energy=Energy(number_from_wire(message.session_energy_wh, "session energy", high=1e9)),
        plug_in_time=time_from_wire(message.plug_in_time, "plug-in time") if message.HasField("plug_in_time") else None,
        protocol_number=message.protocol_number if message.HasField("protocol_number") else None,
        wants_more=message.wants_more,
        obeys=message.obeys if message.HasField("obeys") else None,
        reaction_s=number_from_wire(message.reaction_s, "reaction time", high=1e4)
        if message.HasField("reaction_s")
        else None,
        min_current=Current(number_from_wire(message.min_current_a, "minimum current", high=1e4)),
        pause_s=number_from_wire(message.pause_s, "pause", high=1e7) if message.HasField("pause_s") else None,
        vehicle_rule=text_from_wire(message.vehicle_rule, "vehicle rule"),
    )
