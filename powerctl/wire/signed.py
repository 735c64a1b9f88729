"""A meter's signed record between protobuf and the domain; its content is touched by nobody."""

from __future__ import annotations

from typing import Final

from powerctl.core.errors import RemoteError
from powerctl.core.record import SignedMeterRecord
from powerctl.v1 import uplink_pb2 as pb
from powerctl.wire.ids import id_from_wire, session_from_wire

MOST_SIGNED: Final = 40_000
"""Bytes that fit into one batch. A record of two readings has about 1 kB."""


def signed_to_wire(body: SignedMeterRecord) -> pb.SignedMeterRecord:
    """`body` as a message. Raises ValueError: it is too long for a batch, and cannot be shortened."""
    if len(body.content) > MOST_SIGNED:
        raise ValueError(f"signed record: {len(body.content)} bytes, at most {MOST_SIGNED} travel")
    return pb.SignedMeterRecord(session=body.session, transaction=body.transaction, content=body.content)


def signed_from_wire(message: pb.SignedMeterRecord) -> SignedMeterRecord:
    """The signed record in `message`. Raises RemoteError."""
    if not 0 < len(message.content) <= MOST_SIGNED:
        raise RemoteError(f"signed record: {len(message.content)} bytes, 1 to {MOST_SIGNED} are taken")
    return SignedMeterRecord(
        session=session_from_wire(message.session),
        transaction=id_from_wire(message.transaction, "transaction"),
        content=message.content,
    )
