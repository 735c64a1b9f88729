"""The table of the charging process."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cloud.domain.money import Money
from cloud.domain.purchase import FINAL, OPERATIONS, RULES, Event, Purchase, PurchaseState, capture_amount, key, moved
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
