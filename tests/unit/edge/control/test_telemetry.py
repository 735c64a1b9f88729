"""Live values come every second, at once when a limit changes, and rarely when nobody is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from edge.chademo.config import ConnectorConfig
from edge.chademo.session import idle, status
from edge.control.lease import Grant
from edge.control.telemetry import (
    Pace,
    Snapshot,
    connector_report,
    connector_telemetry,
    fingerprint,
    is_plugged,
    station_report,
    telemetry,
)
from edge.control.transaction import OpenSession
from edge.hardware.ports import GridReading, Output, Register
from powerctl.core.clock import Monotonic
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.units import Current, Energy, Power, Voltage

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LEFT = ConnectorId(1)
CONFIG = ConnectorConfig(LEFT, Power(22_000.0), Current(60.0), Voltage(500.0))
GRID = GridReading(Power(8000.0), Energy(5.0), 50.0, Voltage(230.0))
SESSION = OpenSession(SessionId("s"), LEFT, NOON, register_wh=1000.0)
DSO = Limit(LimitSource.DSO, Power(7000.0), "The grid operator limits the station.")


def a_snapshot(limit_w: float = 7000.0, *, session: OpenSession | None = SESSION) -> Snapshot:
    limit = replace(DSO, limit=Power(limit_w))
    return Snapshot(
        connector=LEFT,
        status=status(idle(CONFIG)),
        grant=Grant(limit.limit, Command.RUN, None, (limit,), is_leased=True),
        applied_sequence=3,
        output=Output(Voltage(400.0), Current(10.0)),
        register=Register("M1", Energy(1500.0), is_valid=True),
        session=session,
        has_lease_history=True,
    )


def vehicle_asks(snapshot: Snapshot, watts: float) -> Snapshot:
    wish = Limit(LimitSource.VEHICLE, Power(watts), "The vehicle asks for less.")
    return replace(snapshot, status=replace(snapshot.status, own_limits=(wish, *snapshot.status.own_limits)))


def test_the_limit_is_what_is_granted_and_the_reason_what_binds() -> None:
    live = connector_telemetry(a_snapshot())
    assert (live.limit, live.reasons[0].source) == (Power(7000.0), LimitSource.DSO)
    live = connector_telemetry(vehicle_asks(a_snapshot(), 3000.0))
    assert (live.limit, live.reasons[0].source) == (Power(7000.0), LimitSource.VEHICLE)


def test_the_modules_bound_what_is_granted() -> None:
    live = connector_telemetry(a_snapshot(90_000.0))
    assert live.limit <= Power(22_000.0)
    assert live.reasons[0].source in (LimitSource.MODULES, LimitSource.CABLE)


def test_session_energy_counts_from_plug_in() -> None:
    assert connector_telemetry(a_snapshot()).session_energy == Energy(500.0)
    assert connector_telemetry(a_snapshot(session=None)).session_energy == Energy(0.0)


def test_a_report_says_who_is_plugged_in_since_when() -> None:
    report = connector_report(a_snapshot())
    assert (report.session, report.plug_in_time, report.applied_sequence) == (SESSION.session, NOON, 3)
    assert connector_report(a_snapshot(session=None)).plug_in_time is None
    assert station_report([a_snapshot()], None, NOON).ac_power is None
    assert station_report([a_snapshot()], GRID, NOON).ac_power == Power(8000.0)


def test_limits_of_a_silent_manager_are_not_shown() -> None:
    assert telemetry([a_snapshot()], GRID, None, manager_connected=False).limits is None


def test_the_pace_follows_plug_and_news() -> None:
    news = fingerprint([a_snapshot()])
    pace = Pace()
    assert pace.is_due(Monotonic(0.0), news, plugged=False)
    pace = pace.sent(Monotonic(0.0), news)
    assert not pace.is_due(Monotonic(0.9), news, plugged=True)
    assert pace.is_due(Monotonic(1.0), news, plugged=True)
    assert not pace.is_due(Monotonic(59.0), news, plugged=False)
    assert pace.is_due(Monotonic(60.0), news, plugged=False)


def test_a_changed_limit_is_told_at_once_but_not_more_than_five_times_a_second() -> None:
    pace = Pace().sent(Monotonic(0.0), fingerprint([a_snapshot(7000.0)]))
    lower = fingerprint([a_snapshot(4000.0)])
    assert not pace.is_due(Monotonic(0.1), lower, plugged=True)
    assert pace.is_due(Monotonic(0.2), lower, plugged=True)
    barely = fingerprint([a_snapshot(7001.0)])
    assert not pace.is_due(Monotonic(0.2), barely, plugged=True)


def test_a_session_means_plugged() -> None:
    assert is_plugged([a_snapshot()])
    assert not is_plugged([a_snapshot(session=None)])


def announced(snapshot: Snapshot, available_a: float, requested_a: float) -> Snapshot:
    status = replace(snapshot.status, available_current=Current(available_a), requested_current=Current(requested_a))
    return replace(snapshot, status=status)


def test_a_vehicle_that_asks_for_all_it_may_have_is_not_the_reason() -> None:
    held = announced(vehicle_asks(a_snapshot(), 3000.0), 6.0, 6.0)
    assert connector_report(held).wants_more
    assert connector_telemetry(held).reasons[0].source is LimitSource.DSO
    content = announced(held, 12.0, 6.0)
    assert not connector_report(content).wants_more
    assert connector_telemetry(content).reasons[0].source is LimitSource.VEHICLE


def test_a_vehicle_that_is_offered_nothing_says_nothing_of_its_wish() -> None:
    assert not connector_report(announced(a_snapshot(), 0.0, 0.0)).wants_more
