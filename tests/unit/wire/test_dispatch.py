"""The stream's messages survive, and a peer that breaks the rules is refused with the reason."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.session import ConnectorState, Flexibility
from powerctl.core.setpoint import Command, Limit, LimitSource, Setpoint
from powerctl.core.topology import ConnectorCapability, ConnectorType
from powerctl.core.units import Current, Energy, Power, Voltage
from powerctl.v1 import common_pb2
from powerctl.v1 import dispatch_pb2 as pb
from powerctl.wire import dispatch

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
watts = st.builds(Power, st.floats(0, 1e6))


def capability(number: int) -> ConnectorCapability:
    return ConnectorCapability(
        ConnectorId(number), ConnectorType.CHADEMO, Power(22000), Current(60), Voltage(500), Power(300), Power(1500)
    )


HELLO = dispatch.Hello(StationId("demo-1"), "boot", (capability(1), capability(2)))

reports = st.builds(
    ConnectorReport,
    connector=st.sampled_from([ConnectorId(1)]),
    state=st.sampled_from(ConnectorState),
    session=st.sampled_from([None, SessionId("s")]),
    applied_sequence=st.integers(0, 2**63),
    committed=watts,
    voltage=st.builds(Voltage, st.floats(0, 1000)),
    current=st.builds(Current, st.floats(-10, 400)),
    target=watts,
    min_power=watts,
    max_power=watts,
    flexibility=st.sampled_from(Flexibility),
    slope_a_s=st.floats(0, 100),
    soc_percent=st.none() | st.floats(0, 100),
    capacity=st.none() | st.builds(Energy, st.floats(0, 1e5)),
    energy=st.builds(Energy, st.floats(0, 1e9)),
    session_energy=st.builds(Energy, st.floats(0, 1e6)),
    plug_in_time=st.sampled_from([None, NOON]),
    protocol_number=st.none() | st.integers(0, 3),
    wants_more=st.booleans(),
    obeys=st.none() | st.booleans(),
    reaction_s=st.none() | st.floats(0, 10),
    min_current=st.builds(Current, st.floats(0, 30)),
    pause_s=st.none() | st.floats(0, 600),
    vehicle_rule=st.sampled_from(["", "conversion kit"]),
)
numbers = st.sampled_from([ConnectorId(1), ConnectorId(2)])
station_reports = st.builds(
    StationReport,
    measure_time=st.just(NOON),
    ac_power=st.none() | st.builds(Power, st.floats(-1e6, 1e6)),
    ac_energy=st.none() | st.builds(Energy, st.floats(0, 1e9)),
    connectors=st.lists(reports, max_size=1).map(tuple),
    frequency_hz=st.none() | st.floats(45, 55),
    ac_voltage=st.none() | st.builds(Voltage, st.floats(0, 500)),
    possible_splits=st.lists(
        st.dictionaries(st.sampled_from([ConnectorId(1), ConnectorId(2)]), st.builds(Power, st.floats(0, 1e5))),
        max_size=3,
    ).map(tuple),
    switch_s=st.none() | st.floats(0, 30),
)
setpoints = st.builds(
    Setpoint,
    connector=st.sampled_from([ConnectorId(1), ConnectorId(2)]),
    sequence=st.integers(0, 2**63),
    command=st.sampled_from(Command),
    limit=watts,
    duration_s=st.sampled_from([0.5, 3.0, 60.0]),
    settle_s=st.sampled_from([0.0, 2.0]),
    reasons=st.sampled_from([(), (Limit(LimitSource.DSO, Power(1), "why"),)]),
)


@given(setpoints)
def test_a_setpoint_survives(setpoint: Setpoint) -> None:
    assert dispatch.setpoint_from_wire(dispatch.setpoint_to_wire(setpoint)) == setpoint


@given(station_reports)
def test_a_report_survives(report: StationReport) -> None:
    assert dispatch.report_from_wire(dispatch.report_to_wire(report)) == report


def test_a_greeting_survives() -> None:
    assert dispatch.hello_from_wire(dispatch.hello_to_wire(HELLO)) == HELLO


def good_setpoint() -> pb.Setpoint:
    return dispatch.setpoint_to_wire(
        Setpoint(ConnectorId(1), 1, Command.RUN, Power(5000), duration_s=3.0, settle_s=2.0)
    )


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda m: m.ClearField("duration"), "lease duration 0"),
        (lambda m: m.duration.CopyFrom(Duration(seconds=61)), "lease duration 61"),
        (lambda m: m.settle.CopyFrom(Duration(seconds=-1)), "settle time"),
        (lambda m: setattr(m, "limit_w", math.nan), "limit nan"),
        (lambda m: setattr(m, "limit_w", -1.0), "limit -1"),
        (lambda m: setattr(m, "command", 0), "command 0 is unknown"),
        (lambda m: setattr(m, "connector", 0), "connector 0"),
    ],
)
def test_a_setpoint_that_breaks_the_rules_is_refused(spoil: Callable[[pb.Setpoint], None], complaint: str) -> None:
    message = good_setpoint()
    spoil(message)
    with pytest.raises(RemoteError, match=complaint):
        dispatch.setpoint_from_wire(message)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda m: setattr(m, "station", "../x"), "station id"),
        (lambda m: m.ClearField("connectors"), "0 connectors"),
        (lambda m: m.connectors.add().CopyFrom(m.connectors[0]), "same number"),
        (lambda m: setattr(m.connectors[0], "max_power_w", math.inf), "maximum power"),
        (lambda m: setattr(m, "boot_id", "x" * 65), "boot id"),
    ],
)
def test_a_greeting_that_breaks_the_rules_is_refused(spoil: Callable[[pb.Hello], None], complaint: str) -> None:
    message = dispatch.hello_to_wire(HELLO)
    spoil(message)
    with pytest.raises(RemoteError, match=complaint):
        dispatch.hello_from_wire(message)


def test_two_reports_of_one_connector_are_refused() -> None:
    one = pb.ConnectorReport(
        connector=1, state=common_pb2.CONNECTOR_STATE_AVAILABLE, flexibility=common_pb2.FLEXIBILITY_SLOW
    )
    with pytest.raises(RemoteError, match="same number"):
        dispatch.report_from_wire(pb.Report(connectors=[one, one]))


@given(st.binary(max_size=200))
def test_random_bytes_never_do_worse_than_a_refusal(data: bytes) -> None:
    message = pb.ConnectRequest()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return
    try:
        dispatch.report_from_wire(message.report)
        dispatch.hello_from_wire(message.hello)
    except RemoteError:
        return


def test_a_division_of_power_that_names_a_connector_twice_is_refused() -> None:
    twice = pb.PowerSplit(connectors=[pb.ConnectorPower(connector=1), pb.ConnectorPower(connector=1)])
    report = pb.Report(possible_splits=[twice])
    report.measure_time.FromDatetime(NOON)
    with pytest.raises(RemoteError, match="twice"):
        dispatch.report_from_wire(report)
    many = pb.Report(possible_splits=[pb.PowerSplit()] * 1025)
    many.measure_time.FromDatetime(NOON)
    with pytest.raises(RemoteError, match="too many"):
        dispatch.report_from_wire(many)
