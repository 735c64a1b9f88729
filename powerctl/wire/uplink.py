"""Records and commands between protobuf and the domain: what travels between a station and the cloud.

Every `*_from_wire` raises `RemoteError` on a message that the domain cannot hold.
"""

from __future__ import annotations

from typing import Final, assert_never

from powerctl.core.errors import RemoteError
from powerctl.core.record import Record, StartCharging, StationCommand, StopCharging
from powerctl.v1 import uplink_pb2 as pb
from powerctl.wire.bodies import KINDS
from powerctl.wire.common import STOP_REASON, time_from_wire, time_to_wire
from powerctl.wire.ids import connector_from_wire, id_from_wire, session_from_wire

_BY_DOMAIN: Final = {kind.domain: kind for kind in KINDS}
_BY_FIELD: Final = {kind.field: kind for kind in KINDS}


def record_to_wire(record: Record, sequence: int = 0) -> pb.Record:
    """`record` as a message. The sequence 0 stands for one that the outbox has not assigned yet."""
    kind = _BY_DOMAIN[type(record.body)]
    message = pb.Record(sequence=sequence, record_time=time_to_wire(record.record_time))
    getattr(message, kind.field).CopyFrom(kind.to_wire(record.body))
    return message


def record_from_wire(message: pb.Record) -> Record:
    """The record in `message`; its sequence stays with the message.

    Raises:
        RemoteError: No time, no body or one that this program does not know, or a field is not acceptable.
    """
    if not message.HasField("record_time"):
        raise RemoteError("record: no time")
    field = message.WhichOneof("body")
    if field is None:
        raise RemoteError("record: no body that this program knows")
    return Record(
        record_time=time_from_wire(message.record_time, "record time"),
        body=_BY_FIELD[field].from_wire(getattr(message, field)),
    )


def command_to_wire(command: StationCommand) -> pb.StationCommand:
    """`command` as a message."""
    message = pb.StationCommand(command_id=command.command_id, expire_time=time_to_wire(command.expire_time))
    match command.action:
        case StartCharging(session, connector):
            message.start_charging.CopyFrom(pb.StartCharging(session=session, connector=connector))
        case StopCharging(session, connector, reason):
            message.stop_charging.CopyFrom(
                pb.StopCharging(session=session, connector=connector, reason=STOP_REASON.to_wire(reason))
            )
        case _:
            assert_never(command.action)
    return message


def command_from_wire(message: pb.StationCommand) -> StationCommand:
    """The command in `message`.

    Raises:
        RemoteError: No id, no expiry, no action that this program knows, or a field is not acceptable.
    """
    if not message.HasField("expire_time"):
        raise RemoteError("command: no expiry")
    return StationCommand(
        command_id=id_from_wire(message.command_id, "command id"),
        expire_time=time_from_wire(message.expire_time, "command expiry"),
        action=_action_from_wire(message),
    )


def _action_from_wire(message: pb.StationCommand) -> StartCharging | StopCharging:
    match message.WhichOneof("action"):
        case "start_charging":
            start = message.start_charging
            return StartCharging(session_from_wire(start.session), connector_from_wire(start.connector))
        case "stop_charging":
            stop = message.stop_charging
            reason = STOP_REASON.from_wire(stop.reason)
            return StopCharging(session_from_wire(stop.session), connector_from_wire(stop.connector), reason)
        case _:
            raise RemoteError("command: no action that this program knows")
