"""The controller over real sockets, with a real car simulator, and killed when it hurts most."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from powerctl.core.record import (
    CommandOutcome,
    CommandResult,
    GridEvent,
    SessionClosed,
    SessionOpened,
    StationStarted,
    Telemetry,
    TransactionEnded,
    TransactionStarted,
)
from powerctl.core.session import ConnectorState, StopReason
from powerctl.core.setpoint import Command, LimitSource
from powerctl.v1 import common_pb2 as common
from powerctl.v1 import dispatch_pb2 as pb
from powerctl.v1 import uplink_pb2 as uplink
from tests.integration.edge.site import a_site

pytestmark = pytest.mark.integration
TOLERANCE_W = 200.0


async def test_from_plug_to_unplug_over_real_sockets(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        assert site.manager.hellos[0].station == "st-test"
        assert [started.simulated for started in site.records(StationStarted)] == [True]
        await site.charges()
        report = site.manager.latest
        assert report.session == site.session()
        assert report.soc_percent == 40.0
        assert site.manager.reports[-1].ac_power is not None
        assert site.edge.resident_mb <= 80
        assert await site.is_healthy()
        assert "edge_period_seconds_bucket" in (await site.get("/metrics"))[1]
        site.order_stop()
        await site.until(lambda: site.records(TransactionEnded))
        await site.until(lambda: site.manager.latest.state is ConnectorState.FINISHED, 15)
        await site.car.end()
        await site.until(lambda: site.records(SessionClosed))
        (started,), (ended,) = site.records(TransactionStarted), site.records(TransactionEnded)
        assert ended.stop_reason is StopReason.DRIVER
        assert ended.start_reading == started.reading
        assert ended.reading.register_wh > started.reading.register_wh
        assert {result.outcome for result in site.records(CommandResult)} == {CommandOutcome.ACCEPTED}
        live = site.records(Telemetry)
        assert any(body.connectors[0].reasons[0].source is LimitSource.DSO for body in live)
        assert any(body.manager_connected for body in live)


async def test_limits_reach_the_car_in_time(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.charges()
        site.manager.grant(6_000, settle_s=2.0)
        await site.until(lambda: site.manager.latest.committed.w <= 6_000, 2.5)
        assert site.manager.latest.power.w <= 6_000 + TOLERANCE_W
        site.manager.grant(20_000)
        await site.until(lambda: site.manager.latest.power.w > 15_000, 10)
        begun = time.monotonic()
        site.manager.grant(0, command=Command.EMERGENCY, settle_s=0)
        await site.until(lambda: site.manager.latest.current.a == 0.0, 2)
        assert time.monotonic() - begun < 1.0
        site.manager.grant(10_000)
        await site.until(lambda: site.manager.latest.power.w > 8_000, 15)


async def test_a_silent_manager_leaves_the_commissioned_share(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.charges()
        site.manager.grant(None)
        await site.until(lambda: site.manager.latest.power.w <= 5_000 + TOLERANCE_W, 6)
        assert site.manager.latest.state is ConnectorState.CHARGING


async def test_kill_9_in_mid_session_loses_nothing(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.charges()
        session, before = site.session(), site.manager.latest.energy
        await site.edge.end(signal.SIGKILL)
        reports = len(site.manager.reports)
        await site.edge.start()
        await site.until(lambda: len(site.manager.reports) > reports, 20)
        await site.until(lambda: site.records(TransactionEnded))
        (ended,) = site.records(TransactionEnded)
        assert ended.stop_reason is StopReason.RESTART
        assert ended.session == session
        assert ended.reading.register_wh >= int(before.wh)
        assert ended.start_reading is not None
        await site.until(lambda: site.manager.latest.state is ConnectorState.OCCUPIED)
        assert site.manager.latest.session == session
        assert {opened.session for opened in site.records(SessionOpened)} == {session}
        site.order_start("start-2")
        await site.until(lambda: site.manager.latest.power.w > 15_000, 30)
        assert len(site.records(TransactionStarted)) == 2


async def test_sigterm_ends_the_session_cleanly_and_soon(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.charges()
        begun = time.monotonic()
        assert await site.edge.end(signal.SIGTERM) == 0
        assert time.monotonic() - begun < 4.0
        (ended,) = site.records(TransactionEnded)
        assert ended.stop_reason is StopReason.RESTART
        assert "vehicle_stage_changed" in site.car.log


async def test_late_and_foreign_commands_are_refused(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.car.start()
        await site.until(lambda: site.records(SessionOpened))
        site.order_start("late", for_s=-1.0)
        site.order_stop("early")
        await site.until(lambda: len(site.records(CommandResult)) == 2)
        outcomes = {result.command_id: result.outcome for result in site.records(CommandResult)}
        assert outcomes == {"late": CommandOutcome.EXPIRED, "early": CommandOutcome.REJECTED}
        assert site.records(TransactionStarted) == []


async def test_the_managers_records_are_stored_once(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        message = pb.ConnectResponse()
        message.manager_record.record_id = "r-1"
        message.manager_record.record.record_time.GetCurrentTime()
        event = message.manager_record.record.grid_event
        event.kind, event.source = uplink.GRID_EVENT_KIND_RECEIVED, common.LIMIT_SOURCE_DSO
        event.cap_w = 4200.0
        event.event_time.GetCurrentTime()
        for _ in range(2):
            site.manager.send(message)
        await site.until(lambda: len(site.manager.stored) == 2)
        assert site.manager.stored == ["r-1", "r-1"]
        assert len(site.records(GridEvent)) == 1


async def test_the_hub_may_die_and_come_back(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.charges()
        await site.hub.end(signal.SIGKILL)
        await site.until(lambda: site.records(TransactionEnded))
        assert site.manager.latest.current.a == 0.0
        await site.hub.start()
        await site.becomes_healthy()


async def test_a_port_in_use_names_the_setting(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        second = site.another_edge()
        await second.start()
        assert await second.ends() == 2
        assert "edge.http.port" in second.log
        assert site.manager.latest.state is ConnectorState.AVAILABLE
