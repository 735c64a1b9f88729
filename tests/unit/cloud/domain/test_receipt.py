"""Receipts and the cost of a session that still runs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from cloud.domain import session as reducer
from cloud.domain.receipt import Receipt, cost_so_far, issue
from cloud.domain.session import Session
from powerctl.core.record import MeterReading
from powerctl.core.units import Power
from tests.unit.cloud.stories import LEFT, NOON, SESSION, STATION, TARIFF, at, began, over, reading


def ended(start: MeterReading | None) -> Session:
    session = Session(SESSION, STATION, LEFT, rated=Power(22_000.0), driver="anna")
    return reducer.ended(session, over(start, reading(3_500, 11)), TARIFF)


def receipt_of(session: Session) -> Receipt | None:
    return issue(session, "r1", location_name="Harbour", simulated=True, now=NOON)


def test_a_completed_session_has_a_receipt_with_both_readings() -> None:
    receipt = receipt_of(ended(reading(1_000, 1)))
    assert receipt is not None
    assert (receipt.energy_wh, receipt.start_register_wh, receipt.end_register_wh) == (2_500, 1_000, 3_500)
    assert receipt.total.amount == Decimal("1.23")
    assert receipt.duration.total_seconds() == 600
    assert (receipt.driver, receipt.meter_serial, receipt.simulated) == ("anna", "M1", True)


def test_a_doubtful_session_has_none() -> None:
    assert receipt_of(ended(None)) is None


def test_a_session_has_only_one() -> None:
    assert receipt_of(reducer.receipted(ended(reading(1_000, 1)), "r0", 1)) is None


def test_a_new_price_does_not_touch_a_session_that_has_started() -> None:
    dearer = replace(TARIFF, energy_price_per_kwh=Decimal("9.99"))
    session = reducer.started(Session(SESSION, STATION, LEFT), began(1_000, 1), TARIFF)
    receipt = receipt_of(reducer.ended(session, over(reading(1_000, 1), reading(3_500, 11)), dearer))
    assert receipt is not None
    assert receipt.tariff == TARIFF


def test_the_cost_grows_with_the_energy_and_is_unknown_before_metering_begins() -> None:
    session = Session(SESSION, STATION, LEFT)
    assert cost_so_far(session, at(5)) is None
    running = reducer.metered(reducer.started(session, began(1_000, 1), TARIFF), 1_000.0)
    cost = cost_so_far(running, at(5))
    assert cost is not None
    assert cost.total.amount == Decimal("0.49")


def test_the_cost_of_a_completed_session_is_the_total_of_its_receipt() -> None:
    session = ended(reading(1_000, 1))
    receipt, cost = receipt_of(session), cost_so_far(session, at(500))
    assert receipt is not None
    assert cost is not None
    assert cost.total == receipt.total


def test_a_session_in_review_has_no_cost() -> None:
    assert cost_so_far(ended(None), at(20)) is None
