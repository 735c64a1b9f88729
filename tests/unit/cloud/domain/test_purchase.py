"""The table of the charging process."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from cloud.domain.money import Money
from cloud.domain.purchase import (
    FINAL,
    OPERATIONS,
    RULES,
    SETTLING,
    Event,
    Purchase,
    PurchaseState,
    asking,
    capture_amount,
    key,
    moved,
    told,
)
from tests.unit.cloud.stories import LEFT, NOON, STATION


def purchase(state: PurchaseState, amount: str = "1") -> Purchase:
    hold, wanted = (Money("EUR", Decimal(value)) for value in ("20", amount))
    return Purchase("p", "anna", STATION, LEFT, "pm", hold, NOON, NOON, state=state, amount=wanted)


def test_every_state_is_reached_and_every_open_one_is_left() -> None:
    assert {PurchaseState.AUTHORISING, *RULES.values()} == set(PurchaseState)
    leaving = {state for state, _ in RULES}
    assert set(PurchaseState) - leaving == FINAL - {PurchaseState.CLOSED}


def test_every_event_means_something_somewhere() -> None:
    assert {event for _, event in RULES} == set(Event)


@pytest.mark.parametrize("state", PurchaseState)
@pytest.mark.parametrize("event", Event)
def test_a_pair_without_a_row_changes_nothing(state: PurchaseState, event: Event) -> None:
    before = purchase(state)
    after = moved(before, event, NOON)
    if (state, event) not in RULES:
        assert after == before
    else:
        assert (after.state, after.asked, after.group) == (RULES[state, event], False, before.group + 1)
        assert (after.due_time is None) is (after.state in FINAL)


def test_every_open_end_leads_to_a_final_state_without_people() -> None:
    for state in OPERATIONS:
        assert any(to in FINAL or to is PurchaseState.AUTHORISED for (at, _), to in RULES.items() if at is state)


def test_a_retry_keeps_the_key_and_a_new_decision_changes_it() -> None:
    capturing = moved(purchase(PurchaseState.CHARGING), Event.RECEIPTED, NOON)
    assert key(capturing) == key(capturing) == "p:capture:1"
    refunding = moved(moved(capturing, Event.CAPTURED, NOON), Event.CREDITED, NOON)
    assert key(refunding) == "p:refund:3"


@pytest.mark.parametrize(("amount", "captured", "short"), [("19.99", "19.99", None), ("25", "20", "5")])
def test_the_hold_is_the_most_that_is_captured(amount: str, captured: str, short: str | None) -> None:
    one = purchase(PurchaseState.CAPTURING, amount)
    assert capture_amount(one).amount == Decimal(captured)
    assert (one.shortfall.amount if one.shortfall else None) == (Decimal(short) if short else None)


def test_who_asks_again_before_it_is_due_does_not_put_the_worker_off() -> None:
    first = asking(purchase(PurchaseState.AUTHORISING), NOON)
    assert first.due_time is not None
    impatient = first
    for tenth in range(1, 9):
        impatient = asking(told(impatient, None, NOON), NOON + timedelta(seconds=tenth / 10))
    assert (impatient.attempts, impatient.due_time) == (first.attempts, first.due_time)
    assert asking(impatient, first.due_time).attempts == first.attempts + 1


def test_once_the_provider_must_know_it_is_asked_anew_at_once() -> None:
    late = NOON + SETTLING
    anew = told(asking(purchase(PurchaseState.AUTHORISING), NOON), None, late)
    assert (anew.asked, anew.due_time) == (False, late)
