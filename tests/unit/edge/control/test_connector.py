"""What a driver, an operator and the grid see of one connector, from plug to unplug."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path

import pytest

from powerctl.core.ids import ConnectorId
from powerctl.core.record import (
    ConnectorStatusChanged,
    FaultCleared,
    FaultRaised,
    SessionClosed,
    SessionOpened,
    TransactionEnded,
    TransactionStarted,
)
from powerctl.core.session import ConnectorState, StopReason
from powerctl.core.setpoint import Command, LimitSource
from powerctl.runtime.clock_quality import Quality
from tests.unit.edge.control.rig import ConnectorStory, a_fault, in_virtual_time

TOLERANCE_W = 200.0
"""Of the meter (architecture, rule 4)."""


def story(told: Callable[[Path], Awaitable[None]]) -> Callable[[Path], None]:
    @wraps(told)
    def run(tmp_path: Path) -> None:
        in_virtual_time(told(tmp_path))

    return run


@pytest.mark.parametrize("quality", [Quality.FREE_RUNNING, Quality.NTP])
def test_a_reading_says_what_is_known_about_its_time(tmp_path: Path, quality: Quality) -> None:
    async def told() -> None:
        async with ConnectorStory(tmp_path, quality=quality) as station:
            await station.charges_at_will()
            await station.passes(5)
            (started,) = station.records(TransactionStarted)
        assert started.reading.clock.value == ("S" if quality is Quality.NTP else "I")

    in_virtual_time(told())


@story
async def test_a_whole_session_leaves_the_records_of_a_receipt(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        await station.charges_at_will()
        await station.passes(50)
        assert station.connector.stop(StopReason.DRIVER, "The driver stopped it.") is None
        await station.reaches(ConnectorState.FINISHED)
        station.plug(on=False)
        await station.passes(2)
        (opened,) = station.records(SessionOpened)
        (started,) = station.records(TransactionStarted)
        (ended,) = station.records(TransactionEnded)
        (closed,) = station.records(SessionClosed)
        states = [record.state for record in station.records(ConnectorStatusChanged)]
    assert opened.session == started.session == ended.session == closed.session
    assert started.command_id == "c-1"
    assert ended.start_reading == started.reading
    assert ended.reading.register_wh > started.reading.register_wh
    assert ended.stop_reason is StopReason.DRIVER
    assert states == [
        ConnectorState.AVAILABLE,
        ConnectorState.OCCUPIED,
        ConnectorState.STARTING,
        ConnectorState.CHARGING,
        ConnectorState.STOPPING,
        ConnectorState.FINISHED,
        ConnectorState.AVAILABLE,
    ]


@story
async def test_the_car_takes_what_is_granted_and_no_more(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        await station.charges_at_will()
        station.grants(10_000, for_s=60)
        await station.passes(2)
        assert 9_000 < station.power_w <= 10_000 + TOLERANCE_W


@story
async def test_a_decrease_that_is_due_at_once_is_ordered_in_the_same_turn(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        await station.charges_at_will()
        before = station.power_w
        station.grants(4_000, settle_s=0, for_s=60)
        assert station.hardware.stage.order.current.a < 4_000 / 350
        await station.passes(0.3)
        assert before > 15_000
        assert station.power_w <= 4_000 + TOLERANCE_W


@story
async def test_an_emergency_takes_the_power_at_once_and_keeps_the_session(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        await station.charges_at_will()
        station.grants(0, command=Command.EMERGENCY, settle_s=0)
        assert station.hardware.stage.order.current.a == 0.0
        await station.passes(0.6)
        assert station.power_w == 0.0
        await station.passes(10)
        assert station.connector.state is ConnectorState.PAUSED
        station.grants(10_000, for_s=60)
        await station.passes(5)
        assert station.power_w > 8_000


@story
async def test_an_emergency_stop_at_the_station_trips_the_output(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        await station.charges_at_will()
        station.connector.emergency("The emergency stop was pressed.")
        assert station.power_w == 0.0
        await station.passes(10)
        (ended,) = station.records(TransactionEnded)
        assert ended.stop_reason is StopReason.EMERGENCY


@story
async def test_a_silent_manager_leaves_the_commissioned_share(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        await station.charges_at_will()
        station.grants(20_000, for_s=3)
        await station.passes(2.9)
        assert station.power_w > 15_000
        await station.passes(0.5)
        assert station.power_w <= 6_000 + TOLERANCE_W
        snapshot = station.connector.snapshot()
        assert snapshot.reasons[0].source is LimitSource.FALLBACK
        assert station.connector.state is ConnectorState.CHARGING


@story
async def test_the_manager_is_told_when_less_is_committed(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        await station.charges_at_will()
        station.grants(5_000, settle_s=2, for_s=60)
        told = station.news
        await station.passes(2.2)
        assert station.news > told
        assert station.connector.snapshot().status.committed.w <= 5_000


@story
async def test_the_vehicle_may_end_it_itself(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        await station.charges_at_will()
        station.driver_presses_stop()
        await station.reaches(ConnectorState.FINISHED)
        await station.passes(0.1)
        (ended,) = station.records(TransactionEnded)
    assert ended.stop_reason is StopReason.VEHICLE


@story
async def test_a_pulled_plug_ends_the_transaction_before_the_session(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        await station.charges_at_will()
        station.plug(on=False)
        await station.passes(8)
        kinds = [type(body) for body in station.outbox.stored]
        assert kinds.index(TransactionEnded) < kinds.index(SessionClosed)
        assert station.power_w == 0.0
        assert station.plant.orders["d1"] == station.plant.orders["d2"] == 0


@story
async def test_a_lost_bus_ends_the_output(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        await station.charges_at_will()
        station.bus.is_broken = True
        await station.passes(1.5)
        assert station.power_w == 0.0


@story
async def test_a_start_is_refused_with_a_sentence(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path, fallback_w=500.0) as station:
        await station.passes(0.2)
        assert station.connector.start("c") == "Nothing is plugged in."
        station.plug()
        await station.passes(0.2)
        assert "share is too small" in (station.connector.start("c") or "")
        station.grants(10_000, for_s=60)
        station.outbox.full = True
        assert "disk is full" in (station.connector.start("c") or "")
        station.outbox.full = False
        assert station.connector.start("c") is None
        await station.passes(0.2)
        assert "already" in (station.connector.start("c") or "")


@story
async def test_a_full_disk_keeps_the_session_and_its_records(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        await station.charges_at_will()
        station.outbox.full = True
        await station.passes(5)
        assert station.connector.state is ConnectorState.CHARGING
        station.connector.stop(StopReason.DRIVER, "")
        await station.reaches(ConnectorState.FINISHED)
        assert station.records(TransactionEnded) == []
        station.outbox.full = False
        await station.passes(2)
        assert len(station.records(TransactionEnded)) == 1


@story
async def test_switching_off_takes_current_then_d2_then_d1(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        await station.charges_at_will()
        seen: list[str] = []
        order = station.plant.order

        def watch(**values: float) -> None:
            seen.extend(values)
            order(**values)

        station.plant.order = watch  # type: ignore[method-assign]
        station.connector.switch_off()
        assert seen.index("i") < seen.index("d2") < seen.index("d1")
        assert station.power_w == 0.0
        await station.passes(0.1)
        assert len(station.records(TransactionEnded)) == 1


@story
async def test_a_session_lives_on_when_the_controller_restarts(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as first:
        first.plug()
        await first.passes(0.5)
        session = first.connector.session
    async with ConnectorStory(tmp_path) as second:
        second.plug()
        await second.passes(5)
        assert second.connector.session == session
        assert second.connector.start("c") is None


@story
async def test_a_session_whose_car_left_meanwhile_is_closed(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as first:
        first.plug()
        await first.passes(0.5)
        session = first.connector.session
    async with ConnectorStory(tmp_path) as second:
        await second.passes(2)
        assert second.connector.session == session
        await second.passes(2)
        assert second.connector.session is None
        assert [closed.session for closed in second.records(SessionClosed)] == [session]


@story
async def test_a_latched_fault_survives_a_restart(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as first:
        first.journal.fault_latched(ConnectorId(1), a_fault("insulation"))
    async with ConnectorStory(tmp_path) as second:
        second.plug()
        await second.passes(1)
        assert second.connector.start("c") == "The connector has a fault."


@story
async def test_a_latched_fault_is_released_without_a_restart_unless_its_cause_is_there(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as station:
        station.connector.emergency("The emergency stop was pressed.")
        station.connector.emergency("The emergency stop was pressed.")
        await station.passes(1)
        assert len(station.records(FaultRaised)) == 1
        assert station.connector.latched == ("emergency_stop",)
        assert station.connector.release() == ()
        await station.passes(1)
        assert station.journal.faults(ConnectorId(1)) == ()
        assert [cleared.code for cleared in station.records(FaultCleared)] == ["emergency_stop"]


@story
async def test_a_full_battery_ends_the_session(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path, soc=99.9) as station:
        station.plug()
        await station.passes(0.2)
        station.grants(22_000, for_s=60)
        station.connector.start("c")
        await station.reaches(ConnectorState.FINISHED, within_s=60)
        (ended,) = station.records(TransactionEnded)
        assert ended.stop_reason is StopReason.VEHICLE


@story
async def test_from_afar_only_a_fault_that_needs_nobody_at_the_station_is_released(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as first:
        for code in ("insulation", "power_stage"):
            first.journal.fault_latched(ConnectorId(1), a_fault(code))
    async with ConnectorStory(tmp_path) as second:
        await second.passes(0.5)
        assert second.connector.reset_alarms() == ("insulation",)
        await second.passes(0.5)
        assert second.connector.state is ConnectorState.FAULTED
        assert [fault.code for fault in second.journal.faults(ConnectorId(1))] == ["insulation"]


@story
async def test_a_power_stage_that_works_again_is_released_from_afar(tmp_path: Path) -> None:
    async with ConnectorStory(tmp_path) as first:
        first.journal.fault_latched(ConnectorId(1), a_fault("power_stage"))
    async with ConnectorStory(tmp_path) as second:
        await second.passes(0.5)
        assert second.records(ConnectorStatusChanged)[-1].state is ConnectorState.FAULTED
        assert second.connector.reset_alarms() == ()
        await second.passes(0.5)
        assert second.records(ConnectorStatusChanged)[-1].state is ConnectorState.AVAILABLE
        assert second.journal.faults(ConnectorId(1)) == ()
