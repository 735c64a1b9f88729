"""One suite for every provider behind the port: our fake, and Stripe's adapter against the fake's HTTP surface."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest

from cloud.api.web_server import WebServer
from cloud.domain.money import Money
from cloud.domain.purchase import Hold, HoldStatus
from cloud.payment.fake import DECLINES, HOLD_LIFE, FakeProvider, Fault
from cloud.payment.fake_http import FakeStripe
from cloud.payment.port import Order, OutcomeUnknown, PaymentPort, ProviderRefused, looks_like_card
from cloud.payment.stripe import Stripe
from powerctl.core.clock import ManualClock
from tests.unit.cloud.stories import NOON

KEY = "not a secret"


def eur(amount: str) -> Money:
    return Money("EUR", Decimal(amount))


ORDER = Order("purchase-1", eur("20.00"), "pm_card_visa", "Charging")


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider(ManualClock(utc=NOON))


@pytest.fixture(params=["fake", "stripe"])
async def provider(request: pytest.FixtureRequest, fake: FakeProvider) -> AsyncIterator[PaymentPort]:
    if request.param == "fake":
        yield fake
        return
    server = WebServer(FakeStripe(fake, KEY).app(), "127.0.0.1", 0, None)
    running = asyncio.create_task(server.run())
    address, headers = f"http://127.0.0.1:{server.port}", {"Authorization": f"Bearer {KEY}"}
    try:
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=5) as client:
            yield Stripe(client)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_hold_is_captured_in_part_and_refunded_in_part(provider: PaymentPort) -> None:
    hold = await provider.authorise(ORDER, "k1")
    assert (hold.status, hold.authorised, hold.captured) == (HoldStatus.HELD, eur("20.00"), eur("0"))
    assert hold.expire_time == NOON + HOLD_LIFE
    captured = await provider.capture(hold.id, eur("12.34"), "k2")
    assert (captured.status, captured.captured) == (HoldStatus.CAPTURED, eur("12.34"))
    assert (await provider.refund(hold.id, eur("2.34"), "k3")).refunded == eur("2.34")
    assert await provider.look_up("", hold.id) == await provider.look_up(ORDER.reference, "")


async def test_a_hold_is_released(provider: PaymentPort) -> None:
    hold = await provider.authorise(ORDER, "k1")
    assert (await provider.release(hold.id, "k2")).status is HoldStatus.RELEASED
    with pytest.raises(ProviderRefused):
        await provider.capture(hold.id, eur("1"), "k3")


async def test_a_decline_is_an_answer_with_words_for_the_driver(provider: PaymentPort) -> None:
    for number, (method, words) in enumerate(DECLINES.items()):
        hold = await provider.authorise(Order(f"p{number}", eur("20.00"), method), f"k{number}")
        assert (hold.status, hold.detail) == (HoldStatus.DECLINED, words)


async def test_a_key_that_comes_again_changes_nothing(provider: PaymentPort, fake: FakeProvider) -> None:
    holds = [await provider.authorise(ORDER, "k1") for _ in range(3)]
    assert len({hold.id for hold in holds}) == len(fake.holds) == 1
    for _ in range(3):
        await provider.capture(holds[0].id, eur("5"), "k2")
    assert fake.captures == {holds[0].id: 1}
    with pytest.raises(ProviderRefused):
        await provider.capture(holds[0].id, eur("6"), "k2")


@pytest.mark.parametrize(("fault", "done"), [(Fault.LOST_BEFORE, 0), (Fault.LOST_AFTER, 1), (Fault.FAILS, 0)])
async def test_what_is_lost_is_unknown_and_can_be_looked_up(
    provider: PaymentPort, fake: FakeProvider, fault: Fault, done: int
) -> None:
    fake.faults = deque([fault])
    with pytest.raises(OutcomeUnknown):
        await provider.authorise(ORDER, "k1")
    assert len(fake.holds) == done
    found = await provider.look_up(ORDER.reference, "")
    assert (found is not None) is bool(done)


async def test_an_internal_error_is_remembered_by_its_key(provider: PaymentPort, fake: FakeProvider) -> None:
    fake.faults = deque([Fault.FAILS])
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await provider.authorise(ORDER, "k1")
    assert (await provider.authorise(ORDER, "k1-again")).status is HoldStatus.HELD


async def test_more_than_is_held_is_refused(provider: PaymentPort) -> None:
    hold = await provider.authorise(ORDER, "k1")
    with pytest.raises(ProviderRefused):
        await provider.capture(hold.id, eur("20.01"), "k2")


async def test_a_hold_ends_by_itself(provider: PaymentPort, fake: FakeProvider) -> None:
    hold = await provider.authorise(ORDER, "k1")
    assert isinstance(fake.clock, ManualClock)
    fake.clock.advance(HOLD_LIFE.total_seconds())
    later = await provider.look_up("", hold.id)
    assert isinstance(later, Hold)
    assert later.status is HoldStatus.RELEASED


async def test_a_provider_that_cannot_be_reached_leaves_the_outcome_unknown() -> None:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9", timeout=1) as client:
        with pytest.raises(OutcomeUnknown):
            await Stripe(client).authorise(ORDER, "k")


async def test_a_wrong_secret_key_is_refused(fake: FakeProvider) -> None:
    transport = httpx.ASGITransport(FakeStripe(fake, KEY).app())
    async with httpx.AsyncClient(transport=transport, base_url="http://stripe.test") as client:
        with pytest.raises(ProviderRefused, match="401"):
            await Stripe(client).authorise(ORDER, "k")


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("4242424242424242", True),
        ("4242 4242 4242 4242", True),
        ("pay with 5555-5555-5555-4444 please", True),
        ("378282246310005", True),
        ("4242424242424241", False),
        ("pm_1OqXYZ2eZvKYlo2C", False),
        ("123456789012", False),
    ],
)
def test_card_numbers_are_recognised(text: str, card: bool) -> None:
    assert looks_like_card(text) is card
