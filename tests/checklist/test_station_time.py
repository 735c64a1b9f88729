"""What time is worth: durations survive a clock that is set, and time that nobody vouches for is not billed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cloud.domain.billing import Billable, Doubtful
from cloud.domain.receipt import issue
from cloud.domain.session import Session, SessionState, ended, settle
from cloud.domain.tariff import Component, Dimension, Element, ReservationRestriction, Restrictions, Tariff
from cloud.receipts import ocmf
from edge.control.keeper import SessionKeeper
from edge.hardware.ports import Register
from powerctl.core.clock import ManualClock
from powerctl.core.ids import ConnectorId
from powerctl.core.record import ClockStatus, TransactionEnded
from powerctl.core.session import StopReason
from powerctl.core.units import Energy, Power
from powerctl.runtime.clock_quality import Quality
from powerctl.v1 import uplink_pb2
from powerctl.wire.bodies import reading_from_wire, reading_to_wire
from tests.unit.cloud.stories import LEFT, NOON, SESSION, STATION, TARIFF, over, reading

U, I, S, R = ClockStatus  # noqa: E741 - OCMF's letters


class Books:
    """Keeps what is written down."""

    def __init__(self) -> None:
        self.ended: list[TransactionEnded] = []

    def session_opened(self, *_: object) -> None: ...

    def transaction_began(self, *_: object) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    def transaction_ended(self, end: TransactionEnded) -> None:
        self.ended.append(end)


class Meter:
    """A register that grows."""

    wh = 1_000.0

    def read(self) -> Register:
        self.wh += 500.0
        return Register("M1", Energy(self.wh), is_valid=True)


async def charged(step_s: float, *qualities: Quality) -> TransactionEnded:
    """Twenty minutes, in the midst of which the clock is set."""
    clock, books, said = ManualClock(utc=NOON), Books(), iter(qualities)
    keeper = SessionKeeper(ConnectorId(1), books, Meter(), clock, quality=lambda: next(said))  # type: ignore[arg-type]
    keeper.plugged()
    keeper.began("c-1")
    clock.advance(600)
    clock.step_utc(step_s)
    keeper.looked(target=Power(0), offered=Power(1_000))
    clock.advance(600)
    keeper.looked(target=Power(0), offered=Power(1_000))
    keeper.ended(StopReason.DRIVER, "")
    (end,) = books.ended
    return end


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
async def test_row_49_a_clock_that_is_set_in_mid_session_leaves_the_duration_right(step_s: float) -> None:
    end = await charged(step_s, Quality.NTP, Quality.NTP)
    assert end.start_reading is not None
    assert end.reading.read_time - end.start_reading.read_time == timedelta(minutes=20)
    assert (end.start_reading.clock, end.reading.clock, end.idle_s) == (S, R, 600)


@pytest.mark.parametrize(
    ("begin", "stop", "letters"),
    [
        (Quality.NTP, Quality.NTP, (S, S)),
        (Quality.NTP, Quality.FREE_RUNNING, (S, R)),
        (Quality.FREE_RUNNING, Quality.NTP, (I, R)),
        (Quality.UNKNOWN, Quality.UNKNOWN, (U, R)),
    ],
)
async def test_row_49_readings_say_how_far_their_time_can_be_trusted(
    begin: Quality, stop: Quality, letters: tuple[ClockStatus, ClockStatus]
) -> None:
    end = await charged(0.0, begin, stop)
    assert end.start_reading is not None
    assert (end.start_reading.clock, end.reading.clock) == letters
    assert end.reading.read_time - end.start_reading.read_time == timedelta(minutes=20)


def test_row_49_a_station_that_says_nothing_of_its_clock_is_not_trusted() -> None:
    told = reading_to_wire(reading(1_000, 0))
    assert reading_from_wire(told).clock is S
    for unheard in (uplink_pb2.CLOCK_STATUS_UNSPECIFIED, 99):
        told.clock_status = unheard  # type: ignore[assignment]
        assert reading_from_wire(told).clock is U


def priced(dimension: Dimension, **bounds: Any) -> Tariff:
    """Energy, and one more price."""
    element = Element((Component(dimension, Decimal(6)),), Restrictions(**bounds))
    return replace(TARIFF, elements=(element, Element((Component(Dimension.ENERGY, Decimal("0.49")),))))


BY_MINUTE = replace(TARIFF, price_per_minute=Decimal("0.10"))
CHARGING, PARKING = priced(Dimension.TIME), priced(Dimension.PARKING_TIME)
AT_NIGHT = priced(Dimension.ENERGY, start_time=time(22), end_time=time(6))
AFTER_A_WHILE = priced(Dimension.ENERGY, min_duration=600)
BOOKED = priced(Dimension.TIME, reservation=ReservationRestriction.RESERVATION)


def after(tariff: Tariff, begin: ClockStatus, stop: ClockStatus, idle_s: int) -> Session:
    """A session that has ended."""
    end = replace(over(reading(1_000, 1, clock=begin), reading(2_000, 31, clock=stop)), idle_s=idle_s)
    return ended(Session(SESSION, STATION, LEFT), end, tariff)


@pytest.mark.parametrize("stop", ClockStatus)
@pytest.mark.parametrize("begin", ClockStatus)
@pytest.mark.parametrize(
    ("tariff", "idle_s", "needs_begin", "needs_stop"),
    [
        (TARIFF, 60, {U, I, S, R}, {U, I, S, R}),
        (BOOKED, 60, {U, I, S, R}, {U, I, S, R}),
        (BY_MINUTE, 0, {U, I, S, R}, {S, R}),
        (CHARGING, 0, {U, I, S, R}, {S, R}),
        (PARKING, 60, {U, I, S, R}, {S, R}),
        (PARKING, 0, {U, I, S, R}, {U, I, S, R}),
        (AT_NIGHT, 0, {S}, {S}),
        (AFTER_A_WHILE, 0, {S}, {S}),
    ],
    ids=["energy", "booked", "by the minute", "charging", "parking", "never parked", "at night", "after a while"],
)
def test_row_49_time_is_billed_only_by_a_clock_that_measures_it(
    tariff: Tariff,
    idle_s: int,
    needs_begin: set[ClockStatus],
    needs_stop: set[ClockStatus],
    begin: ClockStatus,
    stop: ClockStatus,
) -> None:
    session = after(tariff, begin, stop, idle_s)
    good = begin in needs_begin and stop in needs_stop
    assert isinstance(settle(session), Billable if good else Doubtful)
    assert session.state is (SessionState.COMPLETED if good else SessionState.NEEDS_REVIEW)
    assert good or "clock" in session.detail


def test_row_49_the_signed_receipt_says_how_far_its_times_can_be_trusted(tmp_path: Path) -> None:
    receipt = issue(after(TARIFF, I, R, 0), "r-1", location_name="Harbour", simulated=True, now=NOON)
    assert receipt is not None
    readings = ocmf.read(f"OCMF|{ocmf.payload(receipt, 1)}|{{}}").readings
    assert [one.time[-2:] for one in readings] == [" I", " R"]
