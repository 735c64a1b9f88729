"""One record is enough to bill: both readings, the reason, and how long the vehicle idled."""

from __future__ import annotations

from datetime import UTC, datetime

from edge.control.transaction import IdleTime, OpenSession, OpenTransaction, reading
from edge.hardware.ports import Register
from powerctl.core.clock import Monotonic
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.session import StopReason
from powerctl.core.units import Energy, Power
from powerctl.runtime.clock_quality import Quality

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SESSION = SessionId("11111111-2222-4333-8444-555555555555")


def register(wh: float) -> Register:
    return Register("M1", Energy(wh), is_valid=True)


def test_a_reading_is_rounded_down() -> None:
    assert reading(register(1234.99), NOON, Quality.NTP).register_wh == 1234


def test_an_end_repeats_its_start() -> None:
    start = reading(register(1000.0), NOON, Quality.NTP)
    transaction = OpenTransaction(SESSION, ConnectorId(1), "c-1", start)
    end = transaction.ended(reading(register(3500.5), NOON, Quality.NTP), StopReason.DRIVER, "", 12)
    assert end.start_reading == start
    assert end.start_time == NOON
    assert end.reading.register_wh - start.register_wh == 2500
    assert transaction.started().command_id == "c-1"


def test_session_energy_is_never_negative() -> None:
    session = OpenSession(SESSION, ConnectorId(1), NOON, register_wh=100.0)
    assert session.energy(register(250.0)) == Energy(150.0)
    assert session.energy(register(50.0)) == Energy(0.0)


def test_idle_time_counts_only_while_power_is_on_offer() -> None:
    idle = IdleTime()
    for now, target, offered in [(0, 0, 5000), (10, 0, 5000), (15, 0, 0), (25, 3000, 5000), (30, 0, 5000)]:
        idle = idle.seen(Monotonic(now), target=Power(target), offered=Power(offered))
    assert idle.seconds == 15.0
