"""Enumerations match name by name, and what the domain cannot hold is refused."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.errors import RemoteError
from powerctl.core.setpoint import Limit, LimitSource
from powerctl.core.units import Power
from powerctl.v1 import common_pb2 as pb
from powerctl.wire import common

CODECS = [
    common.COMMAND,
    common.LIMIT_SOURCE,
    common.CONNECTOR_TYPE,
    common.CONNECTOR_STATE,
    common.FLEXIBILITY,
    common.STOP_REASON,
]
WIRE: dict[str, tuple[Any, common.EnumCodec[Any]]] = {
    "LIMIT_SOURCE": (pb.LimitSource, common.LIMIT_SOURCE),
    "COMMAND": (pb.Command, common.COMMAND),
    "CONNECTOR_STATE": (pb.ConnectorState, common.CONNECTOR_STATE),
    "CONNECTOR_TYPE": (pb.ConnectorType, common.CONNECTOR_TYPE),
    "FLEXIBILITY": (pb.Flexibility, common.FLEXIBILITY),
    "STOP_REASON": (pb.StopReason, common.STOP_REASON),
}
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", WIRE)
def test_every_value_of_the_wire_but_unspecified_has_a_domain_twin(name: str) -> None:
    wire, codec = WIRE[name]
    numbers: list[Any] = [number for number in wire.values() if number]
    members: set[StrEnum] = {codec.from_wire(number) for number in numbers}
    assert len(members) == len(numbers)
    assert {codec.to_wire(member) for member in members} == set(numbers)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("number", [0, 999])
def test_unspecified_and_unknown_values_are_refused(codec: common.EnumCodec[Any], number: int) -> None:
    with pytest.raises(RemoteError, match="is unknown"):
        codec.from_wire(number)


@pytest.mark.parametrize("watts", [math.nan, math.inf, -math.inf, -1.0, 1e9])
def test_a_power_that_is_none_is_refused(watts: float) -> None:
    with pytest.raises(RemoteError, match="limit"):
        common.power_from_wire(watts, "limit")


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives(aware: datetime) -> None:
    assert common.time_from_wire(common.time_to_wire(aware), "t") == aware


def test_an_instant_out_of_range_is_refused() -> None:
    with pytest.raises(RemoteError, match="not an instant"):
        common.time_from_wire(Timestamp(seconds=10**15), "t")


@given(st.floats(0, 1e6))
def test_a_duration_survives_to_the_microsecond(seconds: float) -> None:
    assert common.duration_from_wire(common.duration_to_wire(seconds), "d") == pytest.approx(seconds, abs=2e-6)


def test_a_negative_duration_is_refused() -> None:
    with pytest.raises(RemoteError):
        common.duration_from_wire(Duration(seconds=-1), "d")


limits = st.builds(
    Limit,
    source=st.sampled_from(LimitSource),
    limit=st.builds(Power, st.floats(0, 1e6)),
    detail=st.text(max_size=50),
    until=st.sampled_from([None, NOON]),
)


@given(limits)
def test_a_limit_survives(limit: Limit) -> None:
    assert common.limit_from_wire(common.limit_to_wire(limit)) == limit


def test_a_chain_that_is_too_long_is_refused() -> None:
    message = pb.Limit(source=pb.LIMIT_SOURCE_DSO)
    with pytest.raises(RemoteError, match="33 limits"):
        common.limits_from_wire([message] * 33)


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(RemoteError, match="501 characters"):
        common.limit_from_wire(pb.Limit(source=pb.LIMIT_SOURCE_DSO, detail="x" * 501))
