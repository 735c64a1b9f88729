"""Records between protobuf and the domain: what travels from a station to the cloud.

Every `*_from_wire` raises `RemoteError` on a message that the domain cannot hold.
"""

from __future__ import annotations

from typing import Final

from powerctl.core.errors import RemoteError
from powerctl.core.record import Record
from powerctl.v1 import uplink_pb2 as pb
from powerctl.wire.bodies import KINDS
from powerctl.wire.common import time_from_wire, time_to_wire

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
