"""How a driver whom nobody knows comes in, sees prices, and finds what was bought, on every transport."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from cloud.api.front_door import COMERS_AT_ONCE
from powerctl.v1 import common_pb2, identity_pb2, location_pb2, payment_pb2
from tests.contract.api.peers import Failed, Json, Peer
from tests.contract.api.test_money import PLUG, charge, pay
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import ANNA, BERT, OPAL, describes, plugged

PASSWORD = "seven teal kettles hum"


@pytest.fixture
async def api(files: SqliteFiles) -> AsyncIterator[Cloud]:
    async with cloud(await files.new(), paid=True) as running:
        await running.world.reports(describes())
        yield running


async def test_a_driver_makes_an_account_and_signs_in_with_it(peer: Peer) -> None:
    asked = identity_pb2.SignUpRequest(user_id="carla", display_name="Carla", password=PASSWORD)
    made = await peer.call("IdentityService/SignUp", asked, identity_pb2.SignInResponse)
    assert (made.principal.name, made.principal.role) == ("users/carla", identity_pb2.ROLE_DRIVER)
    again = identity_pb2.SignInWithPasswordRequest(user="carla", password=PASSWORD)
    known = await peer.call("IdentityService/SignInWithPassword", again, identity_pb2.SignInResponse)
    assert known.principal.display_name == "Carla"
    with pytest.raises(Failed, match="already_exists"):
        await peer.call("IdentityService/SignUp", asked, identity_pb2.SignInResponse)


@pytest.mark.parametrize(
    ("user", "name", "secret"),
    [("guest-1", "G", PASSWORD), ("Carla!", "C", PASSWORD), ("carla", "", PASSWORD), ("carla", "C", "short")],
)
async def test_an_account_that_is_not_good_is_refused(peer: Peer, user: str, name: str, secret: str) -> None:
    asked = identity_pb2.SignUpRequest(user_id=user, display_name=name, password=secret)
    with pytest.raises(Failed, match="invalid_argument"):
        await peer.call("IdentityService/SignUp", asked, identity_pb2.SignInResponse)


async def test_guests_are_strangers_to_each_other(api: Cloud, peer: Peer) -> None:
    guests = [
        await peer.call(
            "IdentityService/SignInAsGuest", identity_pb2.SignInAsGuestRequest(), identity_pb2.SignInResponse
        )
        for _ in range(2)
    ]
    assert all(one.principal.guest for one in guests)
    assert guests[0].principal.name != guests[1].principal.name
    asked = payment_pb2.CreateChargingTokenRequest(
        connector=PLUG, payment_method="pm_card_visa", request_id="6b0f5a5e-64a5-4a0b-8d6b-6d0f4c6c1c11"
    )
    bought = await peer.call(
        "PaymentService/CreateChargingToken", asked, payment_pb2.ChargingToken, guests[0].access_token
    )
    wanted = payment_pb2.GetPurchaseRequest(name=bought.purchase)
    with pytest.raises(Failed, match="not_found"):
        await peer.call("PaymentService/GetPurchase", wanted, payment_pb2.Purchase, guests[1].access_token)
    own = await peer.call("PaymentService/GetPurchase", wanted, payment_pb2.Purchase, guests[0].access_token)
    assert own.state == payment_pb2.PAYMENT_STATE_AUTHORISED


async def test_the_door_is_not_for_crowds(api: Cloud) -> None:
    peer, asked = Json(api.web), identity_pb2.SignInAsGuestRequest()
    for _ in range(int(COMERS_AT_ONCE)):
        await peer.call("IdentityService/SignInAsGuest", asked, identity_pb2.SignInResponse)
    with pytest.raises(Failed, match="resource_exhausted"):
        await peer.call("IdentityService/SignInAsGuest", asked, identity_pb2.SignInResponse)


async def test_what_was_bought_is_listed_to_its_buyer_and_to_billing(api: Cloud, peer: Peer) -> None:
    receipt = await charge(api, peer)
    await pay(api, peer)
    asked, kind = payment_pb2.ListPurchasesRequest(page_size=1), payment_pb2.ListPurchasesResponse
    first = await peer.call("PaymentService/ListPurchases", asked, kind, api.token(ANNA))
    assert [one.state for one in first.purchases] == [payment_pb2.PAYMENT_STATE_AUTHORISED]
    following = payment_pb2.ListPurchasesRequest(page_size=1, page_token=first.next_page_token)
    second = await peer.call("PaymentService/ListPurchases", following, kind, api.token(ANNA))
    (old,) = second.purchases
    assert (old.receipt, old.captured, second.next_page_token) == (receipt.name, receipt.total, "")
    assert not (await peer.call("PaymentService/ListPurchases", asked, kind, api.token(BERT))).purchases
    assert (await peer.call("PaymentService/ListPurchases", asked, kind, api.token(OPAL))).purchases


async def test_test_cards_are_offered_with_their_outcome(api: Cloud, peer: Peer) -> None:
    asked = payment_pb2.GetPaymentOptionsRequest()
    options = await peer.call("PaymentService/GetPaymentOptions", asked, payment_pb2.PaymentOptions, api.token(ANNA))
    assert payment_pb2.PAYMENT_KIND_WALLET in options.kinds
    for card in options.test_methods:
        if card.outcome == "Pays.":
            assert (await pay(api, peer, method=card.payment_method)).token
        else:
            words = card.outcome.removeprefix("Is refused: “").removesuffix("”")
            with pytest.raises(Failed, match=re.escape(words)):
                await pay(api, peer, method=card.payment_method)


async def test_a_price_is_explained_and_an_example_computed(api: Cloud, peer: Peer) -> None:
    request = location_pb2.EstimateCostRequest(connector=PLUG, energy_wh=11_000)
    request.idle_duration.FromTimedelta(timedelta(minutes=10))
    cost = await peer.call("LocationService/EstimateCost", request, location_pb2.CostEstimate, api.token(ANNA))
    assert (cost.total.units, cost.total.nanos) == (5, 390_000_000)
    assert cost.charge_duration.seconds == 1_800
    request.energy_wh = -1
    with pytest.raises(Failed, match="invalid_argument"):
        await peer.call("LocationService/EstimateCost", request, location_pb2.CostEstimate, api.token(ANNA))
    place = location_pb2.GetLocationRequest(name="locations/demo-1")
    location = await peer.call("LocationService/GetLocation", place, location_pb2.Location, api.token(ANNA))
    assert location.tariff.explanation[0] == "0.49 EUR per kWh."


async def test_locations_are_filtered_by_what_one_connector_has(api: Cloud, peer: Peer) -> None:
    async def found(**wanted: object) -> int:
        asked = location_pb2.ListLocationsRequest(**wanted)  # type: ignore[arg-type]
        listed = await peer.call(
            "LocationService/ListLocations", asked, location_pb2.ListLocationsResponse, api.token(ANNA)
        )
        return len(listed.locations)

    chademo, ccs = common_pb2.CONNECTOR_TYPE_CHADEMO, common_pb2.CONNECTOR_TYPE_CCS2
    assert (await found(connector_types=[chademo]), await found(connector_types=[ccs])) == (1, 0)
    assert (await found(min_power_w=22_000), await found(min_power_w=22_001)) == (1, 0)
    assert await found(available=True) == 0
    await api.world.reports(*plugged())
    assert (await found(available=True), await found()) == (0, 1)
