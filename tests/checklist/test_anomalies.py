"""Rows 58 and 59: what a grid's desk may ask, and what is odd enough to be told."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from cloud.domain.principal import Principal, Role
from powerctl.core.order import SetFleetCap
from powerctl.core.units import Power
from powerctl.signals.arbitration import arbitrate
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.fleet_cap import FleetCaps
from powerctl.v1 import audit_pb2
from powerctl.v1 import utility_pb2 as pb
from powerctl.wire.common import time_to_wire
from tests.checklist.crowd import ADMIN, Crowd
from tests.contract.api.peers import Failed
from tests.contract.api.test_utility import built_for
from tests.unit.cloud.api_world import Cloud
from tests.unit.cloud.stories import NOON, OPAL, began, describes, live, over, plugged, reading, telemetry
from tests.unit.test_prometheus import FOLDER, promtool

UMA = Principal("uma", "Uma", Role.UTILITY)
RATING = Power.from_kw(22)


@pytest.fixture
async def crowd(api: Cloud) -> Crowd:
    await api.world.reports(describes(), telemetry(limits=built_for(22)))
    return Crowd(api)


def wanted(cap_w: float, minutes: float = 60, **more: Any) -> pb.CreateFleetCapRequest:
    cap = pb.FleetCap(cap_w=cap_w, end_time=time_to_wire(NOON + timedelta(minutes=minutes)), **more)
    return pb.CreateFleetCapRequest(fleet_cap=cap, request_id=str(uuid.uuid4()))


async def dispatch(crowd: Crowd, request: pb.CreateFleetCapRequest, who: Principal | None = UMA) -> pb.FleetCap:
    return await crowd.ask("UtilityService/CreateFleetCap", request, pb.FleetCap, who)


@pytest.mark.parametrize(
    ("absurd", "code"),
    [
        (wanted(-1_000.0), "invalid_argument"),
        (wanted(float("nan")), "invalid_argument"),
        (wanted(float("inf")), "invalid_argument"),
        (wanted(11_000.0, minutes=-1), "invalid_argument"),
        (wanted(11_000.0, minutes=2 * 24 * 60), "invalid_argument"),
        (wanted(11_000.0, start_time=time_to_wire(NOON - timedelta(hours=1))), "invalid_argument"),
    ],
    ids=["minus one kilowatt", "no number", "infinite", "over", "for days", "long ago"],
)
async def test_row_58_an_absurd_or_expired_signal_reaches_no_station_and_is_written_down(
    crowd: Crowd, absurd: pb.CreateFleetCapRequest, code: str
) -> None:
    with pytest.raises(Failed) as failed:
        await dispatch(crowd, absurd)
    assert (failed.value.code, crowd.api.notebook.sent) == (code, [])
    asked = audit_pb2.ListAuditEntriesRequest(method="CreateFleetCap")
    found = await crowd.ask("AuditService/ListAuditEntries", asked, audit_pb2.ListAuditEntriesResponse, ADMIN)
    assert [(one.user, one.result) for one in found.audit_entries] == [("uma", code)]


@pytest.mark.parametrize("who", [None, OPAL, ADMIN], ids=["stranger", "operator", "admin"])
async def test_row_58_a_forged_signal_reaches_no_station(crowd: Crowd, who: Principal | None) -> None:
    with pytest.raises(Failed, match=r"unauthenticated|permission_denied"):
        await dispatch(crowd, wanted(0.0), who)
    with pytest.raises(Failed, match="unauthenticated"):
        await crowd.peer.call("UtilityService/CreateFleetCap", wanted(0.0), pb.FleetCap, "a.b.c")
    assert crowd.api.notebook.sent == []


async def test_row_58_ten_megawatts_are_what_the_station_is_built_for_and_a_replay_is_nothing_new(crowd: Crowd) -> None:
    request = wanted(10e6)
    first, again = await dispatch(crowd, request), await dispatch(crowd, request)
    assert first.name == again.name
    ((_, command),) = crowd.api.notebook.sent
    order = command.action
    assert isinstance(order, SetFleetCap)
    assert order.cap == RATING
    # A limit lifts nothing, whoever asks: the station takes the least of everything.
    caps = FleetCaps()
    assert caps.set(order, 0.0, NOON) == ""
    stamp = Stamp(crowd.api.world.clock.monotonic(), NOON)
    assert arbitrate(Power(4_200.0), caps.contributions(stamp)).cap == Power(4_200.0)


async def test_row_58_when_the_grids_desk_falls_silent_the_station_is_back_by_itself(crowd: Crowd) -> None:
    await dispatch(crowd, wanted(4_000.0, minutes=10))
    ((_, command),) = crowd.api.notebook.sent
    caps, now = FleetCaps(), crowd.api.world.clock.monotonic()
    assert isinstance(command.action, SetFleetCap)
    caps.set(command.action, 1.0, NOON)
    capped = [
        arbitrate(RATING, caps.contributions(Stamp(now, NOON + timedelta(minutes=minute)))).cap for minute in (5, 21)
    ]
    assert capped == [Power(4_000.0), RATING]


async def test_row_59_an_energy_jump_bills_nothing_and_is_counted_for_the_alert(crowd: Crowd) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("cloud_sessions_to_review_total") or 0.0

    world, before = crowd.api.world, counted()
    await world.reports(*plugged(), began(), telemetry(live(wh=500.0)))
    world.clock.advance(600)
    # Ten minutes at 22 kW are 3.7 kWh, not 910.
    await world.reports(over(reading(1_000, 1), reading(911_000, 10)))
    assert await world.receipts() == []
    assert counted() == before + 1


def test_row_59_jumps_skew_and_churn_alert() -> None:
    for name in ("cloud", "station"):
        text = (FOLDER / "tests" / f"{name}.yml").read_text()
        promtool("test", "rules", str(FOLDER / "tests" / f"{name}.yml"))
        alerts = {"cloud": ("SessionsToReview", "SecurityEvent"), "station": ("StationFlapping", "ClockOff")}[name]
        assert all(f"alertname: {alert}\n        exp_alerts:\n" in text for alert in alerts)
