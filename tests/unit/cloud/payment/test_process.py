"""The charging process, on good days and on bad ones."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta
from decimal import Decimal

import pytest

from cloud.domain.principal import Principal, Role
from cloud.domain.purchase import TOKEN_LIFE, HoldStatus, PurchaseState
from cloud.domain.refusal import Refusal, Why
from cloud.domain.session import SessionState
from cloud.payment.fake import DECLINES, HOLD_LIFE, Fault
from powerctl.core.order import StopCharging
from powerctl.core.record import CommandOutcome, CommandResult
from tests.unit.cloud.payment.shop import PLACE, Shop, new_request
from tests.unit.cloud.stories import BERT, OPAL, began, live, over, plugged, reading, telemetry, unplugged

FAULTS = [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.FAILS]


async def test_from_paying_to_a_captured_receipt(here: Shop) -> None:
    purchase, token = await here.buys()
    await here.starts(token)
    await here.charges(energy_wh=2_500)
    await here.settles(2)
    (hold,) = here.provider.holds.values()
    (receipt,) = await here.world.receipts("anna")
    assert (hold.status, hold.captured, receipt.total.amount) == (HoldStatus.CAPTURED, receipt.total, Decimal("1.23"))
    assert (await here.purchase(purchase.id)).state is PurchaseState.CLOSED
    assert await here.tokens() == 0


async def test_a_declined_card_starts_nothing_and_says_why(here: Shop) -> None:
    for method, why in DECLINES.items():
        with pytest.raises(Refusal, match=why) as refused:
            await here.buys(method=method)
        assert refused.value.why is Why.FAILED_PRECONDITION
    assert await here.tokens() == 0


async def test_an_unknown_payment_method_is_declined(here: Shop) -> None:
    with pytest.raises(Refusal, match="does not accept"):
        await here.buys(method="nothing")


async def test_without_a_token_only_an_operator_starts(here: Shop) -> None:
    await here.world.reports(*plugged())
    with pytest.raises(Refusal, match="Pay first") as refused:
        await here.charging.start(*PLACE, new_request(), BERT)
    assert refused.value.reason == "PAYMENT_REQUIRED"
    session = await here.charging.start(*PLACE, new_request(), OPAL)
    assert session.state is SessionState.PENDING


async def test_a_token_that_nobody_uses_lets_the_hold_go(here: Shop) -> None:
    purchase, _ = await here.buys()
    here.world.clock.advance(TOKEN_LIFE.total_seconds() + 1)
    await here.settles(3)
    assert (await here.purchase(purchase.id)).state is PurchaseState.RELEASED
    assert [hold.status for hold in here.provider.holds.values()] == [HoldStatus.RELEASED]
    assert await here.tokens() == 0


async def test_a_start_that_the_station_refuses_lets_the_hold_go(here: Shop) -> None:
    purchase, token = await here.buys()
    await here.starts(token)
    ((_, command),) = here.notebook.sent
    await here.world.reports(CommandResult(command.command_id, CommandOutcome.REJECTED, "No."))
    await here.settles(3)
    assert (await here.purchase(purchase.id)).state is PurchaseState.RELEASED


async def test_a_session_without_energy_costs_nothing_and_captures_nothing(here: Shop) -> None:
    purchase, token = await here.buys()
    await here.starts(token)
    await here.charges(energy_wh=0)
    await here.settles(3)
    assert (await here.purchase(purchase.id)).state is PurchaseState.RELEASED
    assert here.provider.captures == {}


async def test_a_doubtful_session_captures_nothing_until_a_person_decides(here: Shop) -> None:
    purchase, token = await here.buys()
    await here.starts(token)
    await here.world.reports(began(), over(reading(1_000, 1), reading(999, 20)))
    await here.settles(3)
    assert (await here.purchase(purchase.id)).state is PurchaseState.REVIEW
    session = (await here.world.session()).id
    await here.payments.release(session)
    await here.settles(2)
    assert (await here.purchase(purchase.id)).state is PurchaseState.RELEASED
    with pytest.raises(Refusal, match="not in review"):
        await here.payments.release(session)


async def test_a_doubtful_sessions_hold_is_given_up_before_the_provider_drops_it(here: Shop) -> None:
    purchase, token = await here.buys()
    await here.starts(token)
    await here.world.reports(began(), over(reading(1_000, 1), reading(999, 20)))
    await here.settles(2)
    here.world.clock.advance((HOLD_LIFE - timedelta(hours=12)).total_seconds())
    await here.settles(3)
    assert (await here.purchase(purchase.id)).state is PurchaseState.RELEASED


async def test_a_hold_that_is_gone_is_an_operators_matter_and_not_captured_twice(here: Shop) -> None:
    purchase, token = await here.buys()
    await here.starts(token)
    here.world.clock.advance(HOLD_LIFE.total_seconds() + 60)
    await here.charges()
    await here.settles(6)
    assert (await here.purchase(purchase.id)).state is PurchaseState.UNPAID
    assert here.provider.captures == {}


async def test_never_more_is_captured_than_was_held(here: Shop) -> None:
    purchase, token = await here.buys()
    await here.starts(token)
    await here.charges(energy_wh=24_000 + 20_000)
    await here.settles(3)
    after = await here.purchase(purchase.id)
    if after.state is PurchaseState.CLOSED:
        assert after.shortfall is not None
        assert next(iter(here.provider.holds.values())).captured.amount == Decimal(20)
    else:
        assert after.state is PurchaseState.REVIEW


async def test_charging_ends_while_the_rest_still_fits_into_the_hold(here: Shop) -> None:
    _, token = await here.buys()
    await here.starts(token)
    await here.world.reports(began(), telemetry(live(wh=39_000)))
    await here.settles(1)
    assert not [sent for _, sent in here.notebook.sent if isinstance(sent.action, StopCharging)]
    await here.world.reports(telemetry(live(wh=40_600)))
    await here.settles(2)
    stops = [sent for _, sent in here.notebook.sent if isinstance(sent.action, StopCharging)]
    assert len(stops) == 1
    assert (await here.world.session()).state is SessionState.STOPPING


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("lookup_fails", [False, True])
async def test_an_unknown_outcome_of_a_hold_is_looked_up_and_never_doubled(
    here: Shop, fault: Fault, lookup_fails: bool
) -> None:
    here.provider.faults = deque([fault, Fault.LOST_BEFORE] if lookup_fails else [fault])
    request_id = new_request()
    with pytest.raises(Refusal) as refused:
        await here.buys(request_id=request_id)
    assert refused.value.why is Why.UNAVAILABLE
    await here.settles(10)
    purchase, token = await here.buys(request_id=request_id)
    assert purchase.state is PurchaseState.AUTHORISED
    assert len(here.provider.holds) == 1
    await here.starts(token)


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_unknown_outcome_of_a_capture_is_looked_up_and_never_doubled(here: Shop, fault: Fault) -> None:
    purchase, token = await here.buys()
    await here.starts(token)
    await here.charges()
    here.provider.faults = deque([fault, fault])
    await here.settles(12)
    assert (await here.purchase(purchase.id)).state is PurchaseState.CLOSED
    assert list(here.provider.captures.values()) == [1]


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_unknown_outcome_of_a_release_is_looked_up(here: Shop, fault: Fault) -> None:
    purchase, token = await here.buys()
    await here.starts(token)
    await here.world.reports(*unplugged())
    here.provider.faults = deque([fault])
    await here.settles(12)
    assert (await here.purchase(purchase.id)).state is PurchaseState.RELEASED


async def test_a_process_that_dies_between_asking_and_writing_looks_the_outcome_up(here: Shop) -> None:
    purchase, token = await here.buys()
    await here.starts(token)
    await here.charges()
    here.provider.faults = deque([Fault.LOST_AFTER])
    await here.payments.advance(purchase.id)
    assert (await here.purchase(purchase.id)).asked
    await here.settles(3)
    assert list(here.provider.captures.values()) == [1]


async def test_ten_requests_at_once_are_one_purchase_with_one_answer(here: Shop) -> None:
    request_id = new_request()
    answers = await asyncio.gather(*(here.buys(request_id=request_id) for _ in range(10)))
    assert len({token for _, token in answers}) == 1
    assert len(here.provider.holds) == 1
    with pytest.raises(Refusal, match="another request"):
        await here.buys(method="pm_card_mastercard", request_id=request_id)


async def test_nobody_opens_payments_without_end(here: Shop) -> None:
    for _ in range(5):
        await here.buys()
    with pytest.raises(Refusal, match="Too many"):
        await here.buys()


async def test_an_operator_who_has_a_token_uses_it(here: Shop) -> None:
    operator = Principal("opal", "Opal", Role.OPERATOR)
    _, token = await here.payments.buy(PLACE, "pm_card_visa", new_request(), operator)
    await here.world.reports(*plugged())
    await here.charging.start(*PLACE, new_request(), operator, token)
    with pytest.raises(Refusal):
        await here.charging.start(*PLACE, new_request(), operator, token)
