"""Records and commands survive the wire; what the domain cannot hold is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given

from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.order import StationCommand, StopCharging
from powerctl.core.record import (
    CommandOutcome,
    CommandResult,
    GridEvent,
    GridEventKind,
    MeterReading,
    Record,
    Telemetry,
    TransactionEnded,
)
from powerctl.core.session import StopReason
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import UNLIMITED, Power
from powerctl.v1 import uplink_pb2 as pb
from powerctl.wire.actions import command_from_wire, command_to_wire
from powerctl.wire.bodies import KINDS
from powerctl.wire.uplink import record_from_wire, record_to_wire

from .strategies import COMMANDS, RECORDS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
READING = MeterReading("M-1", 123_456, NOW, True)
ENDED = TransactionEnded(
    session=SessionId("6f6b1e5a-0000-4000-8000-000000000001"),
    connector=ConnectorId(1),
    reading=READING,
    stop_reason=StopReason.DRIVER,
    detail="",
    start_reading=READING,
    start_time=NOW,
    idle_s=0,
)


@given(RECORDS)
def test_a_record_comes_out_as_it_went_in(record: Record) -> None:
    message = pb.Record.FromString(record_to_wire(record, 7).SerializeToString())
    assert message.sequence == 7
    assert record_from_wire(message) == record


@given(COMMANDS)
def test_a_command_comes_out_as_it_went_in(command: StationCommand) -> None:
    assert command_from_wire(pb.StationCommand.FromString(command_to_wire(command).SerializeToString())) == command


def test_every_body_of_the_contract_has_a_row() -> None:
    fields = [field.name for field in pb.Record.DESCRIPTOR.oneofs_by_name["body"].fields]
    assert [kind.field for kind in KINDS] == fields


def test_the_bytes_are_those_of_the_protobuf_encoding() -> None:
    # Written by hand from protobuf.dev/programming-guides/encoding and the field numbers of uplink.proto.
    record = Record(datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC), CommandResult("c", CommandOutcome.EXPIRED, ""))
    assert record_to_wire(record, 1).SerializeToString() == bytes.fromhex("0801 1202 0805 6205 0a0163 1003")


def _ended() -> pb.Record:
    return record_to_wire(Record(NOW, ENDED), 1)


def _change(change: Callable[[pb.TransactionEnded], object]) -> pb.Record:
    message = _ended()
    change(message.transaction_ended)
    return message


BAD_ENDINGS: dict[str, Callable[[pb.TransactionEnded], object]] = {
    "no reading": lambda body: body.ClearField("reading"),
    "no reading time": lambda body: body.reading.ClearField("read_time"),
    "negative register": lambda body: setattr(body.reading, "register_wh", -1),
    "absurd register": lambda body: setattr(body.reading, "register_wh", 10**15),
    "bad start reading": lambda body: setattr(body.start_reading, "register_wh", -1),
    "no session": lambda body: setattr(body, "session", ""),
    "session with a line feed": lambda body: setattr(body, "session", "a\nb"),
    "long session": lambda body: setattr(body, "session", "a" * 65),
    "connector 0": lambda body: setattr(body, "connector", 0),
    "connector 65": lambda body: setattr(body, "connector", 65),
    "no stop reason": lambda body: body.ClearField("stop_reason"),
    "unknown stop reason": lambda body: setattr(body, "stop_reason", 99),
    "long detail": lambda body: setattr(body, "detail", "x" * 501),
    "negative idle time": lambda body: setattr(body, "idle_s", -1),
    "time out of range": lambda body: setattr(body.start_time, "seconds", 10**12),
}


@pytest.mark.parametrize("change", BAD_ENDINGS.values(), ids=BAD_ENDINGS.keys())
def test_a_bad_transaction_is_refused(change: Callable[[pb.TransactionEnded], object]) -> None:
    with pytest.raises(RemoteError):
        record_from_wire(_change(change))


def test_a_record_without_time_or_body_is_refused() -> None:
    without_time = _ended()
    without_time.ClearField("record_time")
    without_body = _ended()
    without_body.ClearField("transaction_ended")
    for message in (without_time, without_body):
        with pytest.raises(RemoteError, match="no "):
            record_from_wire(message)


@pytest.mark.parametrize("watts", [math.nan, math.inf, -math.inf, 1e9])
def test_live_values_must_be_numbers(watts: float) -> None:
    message = record_to_wire(Record(NOW, Telemetry(Power(1.0), None, (), True)), 1)
    message.telemetry.ac_power_w = watts
    with pytest.raises(RemoteError, match="AC power"):
        record_from_wire(message)


def test_a_connector_reports_once() -> None:
    message = record_to_wire(Record(NOW, Telemetry(None, None, (), True)), 1)
    for _ in range(2):
        message.telemetry.connectors.add(connector=1, state=1)
    with pytest.raises(RemoteError, match="same number"):
        record_from_wire(message)


def test_a_long_text_is_shortened_before_it_travels() -> None:
    record = Record(NOW, CommandResult("c", CommandOutcome.REJECTED, "x" * 2000))
    back = record_from_wire(record_to_wire(record, 1)).body
    assert isinstance(back, CommandResult)
    assert len(back.detail) == 500


def test_an_unlimited_cap_does_not_travel() -> None:
    event = GridEvent(GridEventKind.APPLIED, LimitSource.DSO, UNLIMITED, None, NOW, "")
    with pytest.raises(ValueError, match="no place on a wire"):
        record_to_wire(Record(NOW, event))


def _command() -> pb.StationCommand:
    return command_to_wire(StationCommand("c-1", NOW, StopCharging(ENDED.session, ConnectorId(1), StopReason.DRIVER)))


BAD_COMMANDS: dict[str, Callable[[pb.StationCommand], object]] = {
    "no id": lambda message: message.ClearField("command_id"),
    "bad id": lambda message: setattr(message, "command_id", "../x"),
    "no expiry": lambda message: message.ClearField("expire_time"),
    "no action": lambda message: message.ClearField("action"),
    "no session": lambda message: setattr(message.stop_charging, "session", ""),
    "no reason": lambda message: setattr(message.stop_charging, "reason", 0),
}


@pytest.mark.parametrize("change", BAD_COMMANDS.values(), ids=BAD_COMMANDS.keys())
def test_a_bad_command_is_refused(change: Callable[[pb.StationCommand], object]) -> None:
    message = _command()
    change(message)
    with pytest.raises(RemoteError):
        command_from_wire(message)
