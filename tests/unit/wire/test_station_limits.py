"""The station's limits, its plan and its flexibility over the wire."""

from __future__ import annotations

import pytest
from hypothesis import given

from powerctl.core.errors import RemoteError
from powerctl.core.record import StationLimits
from powerctl.v1 import common_pb2 as pb
from powerctl.wire.station_limits import station_limits_from_wire, station_limits_to_wire
from tests.unit.wire.strategies import STATION_LIMITS


@given(STATION_LIMITS)
def test_station_limits_survive(limits: StationLimits) -> None:
    assert station_limits_from_wire(station_limits_to_wire(limits)) == limits


@pytest.mark.parametrize(
    "limits",
    [
        pb.StationLimits(source=pb.LIMIT_SOURCE_DSO, plan=pb.PlanStatus()),
        pb.StationLimits(source=pb.LIMIT_SOURCE_DSO, plan=pb.PlanStatus(state=pb.PLAN_STATE_OFF, detail="x" * 501)),
        pb.StationLimits(source=pb.LIMIT_SOURCE_DSO, flexibility=[pb.FlexibilitySpan(confidence_percent=101)]),
        pb.StationLimits(source=pb.LIMIT_SOURCE_DSO, flexibility=[pb.FlexibilitySpan(up_w=2**31)]),
        pb.StationLimits(source=pb.LIMIT_SOURCE_DSO, flexibility=[pb.FlexibilitySpan()] * 33),
        pb.StationLimits(source=pb.LIMIT_SOURCE_DSO, hourly_price=[0.1] * 49),
        pb.StationLimits(source=pb.LIMIT_SOURCE_DSO, hourly_price=[float("nan")]),
        pb.StationLimits(source=pb.LIMIT_SOURCE_DSO, hourly_price=[float("inf")]),
    ],
)
def test_what_the_domain_cannot_hold_is_refused(limits: pb.StationLimits) -> None:
    with pytest.raises(RemoteError):
        station_limits_from_wire(limits)
