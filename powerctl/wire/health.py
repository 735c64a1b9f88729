"""What a station's programs say about themselves, between protobuf and the domain.

Every `*_from_wire` raises `RemoteError` on a message that the domain cannot hold.
"""

from __future__ import annotations

import re
from typing import Final

from powerctl.core.errors import RemoteError
from powerctl.core.health import ConfigurationReported, FileChunk, StationHealth
from powerctl.v1 import uplink_pb2 as pb
from powerctl.wire.common import number_from_wire, text_from_wire, time_from_wire, time_to_wire
from powerctl.wire.ids import MAX_ID, id_from_wire

MAX_VALUES: Final = 1_000
MAX_CHUNKS: Final = 1_000
MAX_CHUNK_BYTES: Final = 60_000
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,119}")


def health_to_wire(body: StationHealth) -> pb.StationHealth:
    """`body` as a message."""
    message = pb.StationHealth(
        software_version=body.software_version[:MAX_ID],
        outbox_records=body.outbox_records,
        config_digest=body.config_digest,
        clock_offset_s=body.clock_offset_s,
    )
    if body.outbox_oldest_time is not None:
        message.outbox_oldest_time.CopyFrom(time_to_wire(body.outbox_oldest_time))
    if body.certificate_end_time is not None:
        message.certificate_end_time.CopyFrom(time_to_wire(body.certificate_end_time))
    return message


def health_from_wire(message: pb.StationHealth) -> StationHealth:
    """The health in `message`. Raises RemoteError."""
    if message.outbox_records < 0:
        raise RemoteError("station health: fewer than no records")
    return StationHealth(
        software_version=text_from_wire(message.software_version, "software version", MAX_ID),
        outbox_records=message.outbox_records,
        outbox_oldest_time=time_from_wire(message.outbox_oldest_time, "oldest record")
        if message.HasField("outbox_oldest_time")
        else None,
        certificate_end_time=time_from_wire(message.certificate_end_time, "end of the certificate")
        if message.HasField("certificate_end_time")
        else None,
        config_digest=_digest(message.config_digest) if message.config_digest else "",
        clock_offset_s=number_from_wire(message.clock_offset_s, "clock offset", low=-1e10, high=1e10)
        if message.HasField("clock_offset_s")
        else None,
    )


def configuration_to_wire(body: ConfigurationReported) -> pb.ConfigurationReported:
    """`body` as a message."""
    return pb.ConfigurationReported(config_digest=body.config_digest, values=dict(body.values))


def configuration_from_wire(message: pb.ConfigurationReported) -> ConfigurationReported:
    """The configuration in `message`. Raises RemoteError."""
    if len(message.values) > MAX_VALUES:
        raise RemoteError(f"configuration: {len(message.values)} values, at most {MAX_VALUES} are taken")
    values = {
        text_from_wire(key, "name of a value", 200): text_from_wire(value, "value", 2_000)
        for key, value in message.values.items()
    }
    return ConfigurationReported(_digest(message.config_digest), values)


def chunk_to_wire(body: FileChunk) -> pb.FileChunk:
    """`body` as a message."""
    return pb.FileChunk(
        upload=body.upload,
        file_name=body.file_name,
        number=body.number,
        count=body.count,
        content=body.content,
        digest=body.digest,
    )


def chunk_from_wire(message: pb.FileChunk) -> FileChunk:
    """The part of a file in `message`. Raises RemoteError."""
    if not (0 <= message.number < message.count <= MAX_CHUNKS and len(message.content) <= MAX_CHUNK_BYTES):
        raise RemoteError(f"part {message.number} of {message.count} with {len(message.content)} bytes")
    if not _FILE.fullmatch(message.file_name):
        raise RemoteError("a file name with signs that no file has")
    return FileChunk(
        id_from_wire(message.upload, "upload"),
        message.file_name,
        message.number,
        message.count,
        message.content,
        _digest(message.digest),
    )


def _digest(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise RemoteError("a digest that is none")
    return text
