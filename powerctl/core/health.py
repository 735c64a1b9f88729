"""How a station is, beside what it does: records that its programs make about themselves, as values.

Their wire form and fuller field comments are in `protos/powerctl/v1/uplink.proto`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StationHealth:
    """How the station's programs are."""

    software_version: str
    outbox_records: int
    """That wait for the cloud's word."""
    outbox_oldest_time: datetime | None
    """None: nothing waits."""
    certificate_end_time: datetime | None
    """None: not known."""
    config_digest: str
    """SHA-256 over the effective configuration without its secrets, hexadecimal."""
    clock_offset_s: float | None
    """The station's clock ahead of its time source. None: not known."""


@dataclass(frozen=True, slots=True)
class ConfigurationReported:
    """The effective configuration without its secrets."""

    config_digest: str
    values: Mapping[str, str]
    """JSON by dotted name."""


@dataclass(frozen=True, slots=True)
class FileChunk:
    """A part of a file that the cloud has asked for."""

    upload: str
    file_name: str
    number: int
    """From zero."""
    count: int
    content: bytes
    digest: str
    """SHA-256 of the whole file, hexadecimal."""
