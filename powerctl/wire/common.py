"""Enumerations, instants, durations and limits between protobuf and the domain.

Every `*_from_wire` raises `RemoteError` on a value that the domain cannot hold.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from powerctl.core.errors import RemoteError
from powerctl.core.session import ConnectorState, Flexibility, StopReason
from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.topology import ConnectorType
from powerctl.core.units import Power
from powerctl.v1 import common_pb2 as pb

E = TypeVar("E", bound=StrEnum)

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_TEXT = 500
"""Longest text that is taken from a peer, in characters."""
MAX_LIMITS = 32
"""Longest chain of limits that is taken from a peer."""


class EnumCodec(Generic[E]):
    """One domain enumeration beside its protobuf twin, matched by name: `LimitSource.DSO` is `LIMIT_SOURCE_DSO`."""

    def __init__(self, domain: type[E], wire: Any, prefix: str, **renamed: str) -> None:
        names = {member: renamed.get(member.name, member.name) for member in domain}
        self._to_wire: dict[E, int] = {member: wire.Value(f"{prefix}_{name}") for member, name in names.items()}
        self._from_wire = {number: member for member, number in self._to_wire.items()}
        self._what = prefix.lower().replace("_", " ")

    def to_wire(self, member: E) -> Any:
        """The number of `member` in the protobuf enumeration."""
        return self._to_wire[member]

    def from_wire(self, number: int) -> E:
        """The member with this number.

        Raises:
            RemoteError: The number is unspecified or unknown.
        """
        member = self._from_wire.get(number)
        if member is None:
            raise RemoteError(f"{self._what} {number} is unknown")
        return member


COMMAND: Final = EnumCodec(Command, pb.Command, "COMMAND")
LIMIT_SOURCE: Final = EnumCodec(LimitSource, pb.LimitSource, "LIMIT_SOURCE")
CONNECTOR_TYPE: Final = EnumCodec(ConnectorType, pb.ConnectorType, "CONNECTOR_TYPE")
CONNECTOR_STATE: Final = EnumCodec(ConnectorState, pb.ConnectorState, "CONNECTOR_STATE")
FLEXIBILITY: Final = EnumCodec(Flexibility, pb.Flexibility, "FLEXIBILITY")
STOP_REASON: Final = EnumCodec(StopReason, pb.StopReason, "STOP_REASON")


def number_from_wire(value: float, what: str, *, low: float = 0.0, high: float = math.inf) -> float:
    """`value`, when it is finite and between `low` and `high`.

    Raises:
        RemoteError: It is not.
    """
    if low <= value <= high and value != math.inf:
        return value
    raise RemoteError(f"{what} {value}: must be a number from {low:g} to {high:g}")


def power_from_wire(watts: float, what: str) -> Power:
    """`watts` as a power: finite, not negative, at most 100 MW.

    Raises:
        RemoteError: It is not.
    """
    return Power(number_from_wire(watts, what, high=1e8))


def text_from_wire(text: str, what: str, longest: int = MAX_TEXT) -> str:
    """`text`, when it is no longer than `longest` characters.

    Raises:
        RemoteError: It is longer.
    """
    if len(text) > longest:
        raise RemoteError(f"{what}: {len(text)} characters, at most {longest} are taken")
    return text


def time_to_wire(instant: datetime) -> Timestamp:
    """`instant` as a protobuf timestamp. It must be aware."""
    since = instant - _START
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)


def time_from_wire(stamp: Timestamp, what: str) -> datetime:
    """`stamp` as an aware UTC instant.

    Raises:
        RemoteError: It is outside the years 1 to 9999, or its nanoseconds are out of range.
    """
    if not 0 <= stamp.nanos < 10**9:
        raise RemoteError(f"{what}: not an instant ({stamp.nanos} nanoseconds)")
    try:
        return _START + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    except OverflowError as error:
        raise RemoteError(f"{what}: not an instant ({error})") from error


def duration_to_wire(seconds: float) -> Duration:
    """`seconds` as a protobuf duration."""
    span = Duration()
    span.FromTimedelta(timedelta(seconds=seconds))
    return span


def duration_from_wire(span: Duration, what: str) -> float:
    """`span` in seconds.

    Raises:
        RemoteError: It is negative or out of protobuf's range.
    """
    seconds = span.seconds + span.nanos / 1e9
    return number_from_wire(seconds, what, high=3.2e11)


def limit_to_wire(limit: Limit) -> pb.Limit:
    """`limit` as a message."""
    message = pb.Limit(source=LIMIT_SOURCE.to_wire(limit.source), limit_w=limit.limit.w, detail=limit.detail)
    if limit.until is not None:
        message.expire_time.CopyFrom(time_to_wire(limit.until))
    return message


def limit_from_wire(message: pb.Limit) -> Limit:
    """The limit in `message`.

    Raises:
        RemoteError: Unknown source, a power that is no number, a text that is too long.
    """
    return Limit(
        source=LIMIT_SOURCE.from_wire(message.source),
        limit=power_from_wire(message.limit_w, "limit"),
        detail=text_from_wire(message.detail, "limit detail"),
        until=time_from_wire(message.expire_time, "limit expiry") if message.HasField("expire_time") else None,
    )


def limits_from_wire(messages: Any) -> tuple[Limit, ...]:
    """The chain of limits in a repeated field.

    Raises:
        RemoteError: More than `MAX_LIMITS`, or one of them is not acceptable.
    """
    if not messages:
        return ()
    if len(messages) > MAX_LIMITS:
        raise RemoteError(f"{len(messages)} limits, at most {MAX_LIMITS} are taken")
    return tuple(limit_from_wire(message) for message in messages)
