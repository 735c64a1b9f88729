"""Reserving, paying, receipts and credits, on every transport."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from cloud.domain.principal import Principal, Role
from cloud.receipts.verify import verify
from powerctl.core.ids import StationId
from powerctl.core.record import SignedMeterRecord
from powerctl.v1 import common_pb2, location_pb2, payment_pb2, receipt_pb2, reservation_pb2, session_pb2
from powerctl.wire.common import time_to_wire
from tests.contract.api.peers import Failed, M, Peer
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.payment.shop import metered
from tests.unit.cloud.stories import ANNA, BERT, SESSION, describes, plugged

PLUG = "locations/demo-1/evses/1/connectors/1"
BILL = Principal("bill", "Bill", Role.BILLING)


@pytest.fixture
async def api(files: SqliteFiles) -> AsyncIterator[Cloud]:
    async with cloud(await files.new(), paid=True) as running:
        await running.world.reports(describes())
        yield running


def new_request() -> str:
    return str(uuid.uuid4())


async def pay(api: Cloud, peer: Peer, *, method: str = "pm_card_visa") -> payment_pb2.ChargingToken:
    request = payment_pb2.CreateChargingTokenRequest(connector=PLUG, payment_method=method, request_id=new_request())
    return await peer.call("PaymentService/CreateChargingToken", request, payment_pb2.ChargingToken, api.token(ANNA))


async def charge(api: Cloud, peer: Peer) -> receipt_pb2.Receipt:
    """From paying to the receipt."""
    paid = await pay(api, peer)
    await api.world.reports(*plugged())
    request = session_pb2.StartSessionRequest(connector=PLUG, request_id=new_request(), charging_token=paid.token)
    await peer.call("SessionService/StartSession", request, session_pb2.Session, api.token(ANNA))
    await api.world.reports(*metered(2_500))
    assert api.payments is not None
    for _ in range(3):
        api.world.clock.advance(30)
        await api.payments.tick()
    listed = await peer.call(
        "ReceiptService/ListReceipts",
        receipt_pb2.ListReceiptsRequest(),
        receipt_pb2.ListReceiptsResponse,
        api.token(ANNA),
    )
    return listed.receipts[0]


async def ask(api: Cloud, peer: Peer, method: str, request: object, response: type[M], who: Principal = ANNA) -> M:
    return await peer.call(method, request, response, api.token(who))  # type: ignore[arg-type]


async def test_the_whole_process_over_the_api(api: Cloud, peer: Peer) -> None:
    options = await ask(
        api,
        peer,
        "PaymentService/GetPaymentOptions",
        payment_pb2.GetPaymentOptionsRequest(),
        payment_pb2.PaymentOptions,
    )
    assert (options.required, options.provider, options.hold.units) == (True, "fake", 50)
    receipt = await charge(api, peer)
    assert (receipt.energy_wh, receipt.total.units, receipt.total.nanos) == (2_500, 1, 230_000_000)
    fetched = await ask(
        api, peer, "ReceiptService/GetReceipt", receipt_pb2.GetReceiptRequest(name=receipt.name), receipt_pb2.Receipt
    )
    past = await ask(
        api, peer, "SessionService/GetSession", session_pb2.GetSessionRequest(name=receipt.session), session_pb2.Session
    )
    assert (receipt.number, fetched.number, past.receipt_number) == (1, 1, 1)
    request = payment_pb2.GetPaymentRequest(name=f"sessions/{SESSION}/payment")
    payment = await ask(api, peer, "PaymentService/GetPayment", request, payment_pb2.Payment)
    assert (payment.state, payment.captured) == (payment_pb2.PAYMENT_STATE_CLOSED, receipt.total)
    with pytest.raises(Failed, match="no such payment"):
        await ask(api, peer, "PaymentService/GetPayment", request, payment_pb2.Payment, BERT)


@pytest.mark.parametrize(
    ("wanted", "kind", "extension"),
    [
        (receipt_pb2.RECEIPT_FORMAT_JSON, "application/json", "json"),
        (receipt_pb2.RECEIPT_FORMAT_PDF, "application/pdf", "pdf"),
        (receipt_pb2.RECEIPT_FORMAT_OCMF, "application/xml", "ocmf.xml"),
    ],
)
async def test_a_receipt_is_downloaded_and_verifies(
    api: Cloud, peer: Peer, wanted: receipt_pb2.ReceiptFormat.ValueType, kind: str, extension: str
) -> None:
    receipt = await charge(api, peer)
    request = receipt_pb2.DownloadReceiptRequest(name=receipt.name, format=wanted)
    file = await ask(api, peer, "ReceiptService/DownloadReceipt", request, receipt_pb2.DownloadReceiptResponse)
    assert (file.content_type, file.file_name) == (kind, f"receipt-1.{extension}")
    assert verify(file.content).problems == ()
    with pytest.raises(Failed):
        await ask(api, peer, "ReceiptService/DownloadReceipt", request, receipt_pb2.DownloadReceiptResponse, BERT)


async def test_a_receipt_carries_what_the_meter_has_signed_untouched(api: Cloud, peer: Peer) -> None:
    receipt = await charge(api, peer)
    record = 'OCMF|{"FV":"1.0","MS":"M1","caf\u00e9":[]}|{"SD":"3045"}'
    for content in (record.encode(), b"OCMF|{}|{}"):  # it may come late; a second one changes nothing
        await api.world.reports(SignedMeterRecord(SESSION, f"{SESSION}-120000", content))
    await api.world.reports(SignedMeterRecord(SESSION, "of-another", b"OCMF|x|y"), station=StationId("demo-2"))
    request = receipt_pb2.DownloadReceiptRequest(name=receipt.name, format=receipt_pb2.RECEIPT_FORMAT_JSON)
    file = await ask(api, peer, "ReceiptService/DownloadReceipt", request, receipt_pb2.DownloadReceiptResponse)
    signed = json.loads(file.content)["meter_signed_data"]
    assert signed["signed_values"] == [{"nature": "Transaction", "signed_data": record}]
    assert verify(file.content).problems == ()


async def test_a_credit_gives_money_back_once_and_leaves_the_receipt_alone(api: Cloud, peer: Peer) -> None:
    receipt = await charge(api, peer)
    half = common_pb2.Money(currency_code="EUR", units=1, nanos=0)
    request = receipt_pb2.CreateCreditRequest(
        receipt=receipt.name, amount=half, reason="The display was dark", request_id=new_request()
    )
    for _ in range(2):
        given = await ask(api, peer, "ReceiptService/CreateCredit", request, receipt_pb2.Credit, BILL)
        assert (given.total.units, given.reason) == (-1, "The display was dark")
    assert api.payments is not None
    for _ in range(2):
        api.world.clock.advance(30)
        await api.payments.tick()
    (hold,) = api.provider.holds.values()
    assert hold.refunded.amount == 1
    request.request_id = new_request()
    with pytest.raises(Failed, match=r"Only 0\.23"):
        await ask(api, peer, "ReceiptService/CreateCredit", request, receipt_pb2.Credit, BILL)
    listed = await ask(
        api,
        peer,
        "ReceiptService/ListCredits",
        receipt_pb2.ListCreditsRequest(receipt=receipt.name),
        receipt_pb2.ListCreditsResponse,
    )
    assert len(listed.credits) == 1
    same = await ask(
        api, peer, "ReceiptService/GetReceipt", receipt_pb2.GetReceiptRequest(name=receipt.name), receipt_pb2.Receipt
    )
    assert same == receipt
    with pytest.raises(Failed, match="may not"):
        await ask(api, peer, "ReceiptService/CreateCredit", request, receipt_pb2.Credit, ANNA)


def window(api: Cloud, start_min: int, end_min: int, kw: float = 0) -> reservation_pb2.CreateReservationRequest:
    now = api.world.clock.utc()
    return reservation_pb2.CreateReservationRequest(
        connector=PLUG,
        start_time=time_to_wire(now + timedelta(minutes=start_min)),
        end_time=time_to_wire(now + timedelta(minutes=end_min)),
        power_w=kw * 1000,
        request_id=new_request(),
    )


async def test_a_reserved_connector_is_shown_and_kept_for_its_driver(api: Cloud, peer: Peer) -> None:
    made = await ask(
        api, peer, "ReservationService/CreateReservation", window(api, 0, 60, 11), reservation_pb2.Reservation
    )
    assert (made.power_w, made.state) == (11_000, reservation_pb2.RESERVATION_STATE_RESERVED)
    await api.world.reports(*plugged())
    place = location_pb2.GetLocationRequest(name="locations/demo-1")
    for who in (ANNA, BERT):
        seen = await ask(api, peer, "LocationService/GetLocation", place, location_pb2.Location, who)
        plug = seen.evses[0].connectors[0]
        assert (plug.HasField("reserve_end_time"), plug.reserved_for_caller) == (True, who is ANNA)
    start = session_pb2.StartSessionRequest(connector=PLUG, request_id=new_request())
    bert = await peer.call(
        "PaymentService/CreateChargingToken",
        payment_pb2.CreateChargingTokenRequest(connector=PLUG, payment_method="pm_x", request_id=new_request()),
        payment_pb2.ChargingToken,
        api.token(BERT),
    )
    start.charging_token = bert.token
    with pytest.raises(Failed, match="reserved for somebody else"):
        await ask(api, peer, "SessionService/StartSession", start, session_pb2.Session, BERT)
    start.charging_token = (await pay(api, peer)).token
    await ask(api, peer, "SessionService/StartSession", start, session_pb2.Session)
    got = await ask(
        api,
        peer,
        "ReservationService/GetReservation",
        reservation_pb2.GetReservationRequest(name=made.name),
        reservation_pb2.Reservation,
    )
    assert (got.state, got.session) == (reservation_pb2.RESERVATION_STATE_FULFILLED, f"sessions/{SESSION}")


async def test_reservations_are_listed_cancelled_and_private(api: Cloud, peer: Peer) -> None:
    made = [
        await ask(
            api, peer, "ReservationService/CreateReservation", window(api, at, at + 60), reservation_pb2.Reservation
        )
        for at in (60, 180)
    ]
    page = reservation_pb2.ListReservationsRequest(page_size=1)
    seen = []
    for _ in range(2):
        found = await ask(
            api, peer, "ReservationService/ListReservations", page, reservation_pb2.ListReservationsResponse
        )
        seen += [one.name for one in found.reservations]
        page.page_token = found.next_page_token
    assert seen == [one.name for one in reversed(made)]
    cancel = reservation_pb2.CancelReservationRequest(name=made[0].name)
    with pytest.raises(Failed, match="no such reservation"):
        await ask(api, peer, "ReservationService/CancelReservation", cancel, reservation_pb2.Reservation, BERT)
    after = await ask(api, peer, "ReservationService/CancelReservation", cancel, reservation_pb2.Reservation)
    assert after.state == reservation_pb2.RESERVATION_STATE_CANCELED
