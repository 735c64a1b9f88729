"""The topics of the link between stations and the cloud: `evcs/v1/{bucket}/{station}/{channel}`.

The bucket spreads the stations of a cell over as many ingest workers as need be without asking any of them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from powerctl.core.errors import RemoteError
from powerctl.core.ids import StationId, station_id

ROOT: Final = "evcs/v1"
BUCKETS: Final = 16


class Channel(StrEnum):
    """What a topic carries."""

    EVENTS = "evt"
    """Up: billing, safety and status records."""
    TELEMETRY = "tel"
    """Up: live values."""
    COMMITTED = "ack"
    """Down: what the cloud has committed."""
    COMMANDS = "cmd"
    """Down: commands."""


UP: Final = (Channel.EVENTS, Channel.TELEMETRY)
REMEMBERED: Final = 20_000
"""Names whose parts are not computed again: more than a cell of 10,000 stations uses."""
DOWN: Final = (Channel.COMMITTED, Channel.COMMANDS)


@lru_cache(REMEMBERED)
def bucket(station: StationId) -> str:
    """The station's bucket as two hexadecimal digits."""
    return f"{zlib.crc32(station.encode()) % BUCKETS:02x}"


@lru_cache(REMEMBERED)
def topic(station: StationId, channel: Channel) -> str:
    """The topic on which `station` and the cloud use `channel`."""
    return f"{ROOT}/{bucket(station)}/{station}/{channel}"


def every_station(channel: Channel) -> str:
    """The filter that matches `channel` of every station."""
    return f"{ROOT}/+/+/{channel}"


@dataclass(frozen=True, slots=True)
class Address:
    """What a topic says about a message."""

    station: StationId
    channel: Channel


@lru_cache(REMEMBERED)
def parse(name: str) -> Address:
    """The station and the channel of a topic.

    Raises:
        RemoteError: It is not one of our topics, or the bucket is not the station's.
    """
    prefix, _, rest = name.partition(f"{ROOT}/")
    parts = rest.split("/")
    if prefix or len(parts) != 3:
        raise RemoteError(f"topic {name[:100]!r}: not evcs/v1/BUCKET/STATION/CHANNEL")
    try:
        address = Address(station_id(parts[1]), Channel(parts[2]))
    except ValueError as error:
        raise RemoteError(f"topic {name[:100]!r}: {error}") from error
    if parts[0] != bucket(address.station):
        raise RemoteError(f"topic {name[:100]!r}: the bucket of {address.station} is {bucket(address.station)}")
    return address
