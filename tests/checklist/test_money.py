"""Money: rows 20 to 24, 26 and 51 of the acceptance checklist."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY, generate_latest
from sqlalchemy import func, select, text

from cloud.domain import session as reducer
from cloud.domain.billing import Billable
from cloud.domain.principal import Principal, Role
from cloud.domain.purchase import TOKEN_LIFE
from cloud.domain.session import Session, settle
from cloud.payment.port import looks_like_card
from cloud.payment.webhook import PATH, TOLERANCE_S, signature
from cloud.store import receipts
from cloud.store.money_tables import CHARGING_TOKENS, PAYMENT_EVENTS, PSEUDONYMS
from cloud.store.tables import RECEIPTS
from cloud.store.telemetry_tables import TELEMETRY
from powerctl.core.ids import SessionId
from powerctl.core.record import MeterReading
from powerctl.core.units import Power
from powerctl.v1 import payment_pb2, receipt_pb2, session_pb2
from tests.contract.api.peers import Failed, Json
from tests.unit.cloud.api_world import WEBHOOK_SECRET, Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.payment.shop import metered
from tests.unit.cloud.stories import ANNA, BERT, LEFT, SESSION, STATION, TARIFF, at, describes, over, plugged, unplugged
from tests.unit.cloud.stories import telemetry as live_values

PLUG = "locations/demo-1/evses/1/connectors/1"
OTHER = "locations/demo-1/evses/2/connectors/2"
CARD = "4242424242424242"
NUMBER = re.compile(r"(?<![0-9A-Za-z.-])[3-6][0-9]{12,18}(?![0-9A-Za-z.-])")
"""A number as long as a card's, with the first digit of one, that stands alone."""


@pytest.fixture
async def shop(files: SqliteFiles) -> AsyncIterator[Cloud]:
    async with cloud(await files.new(), paid=True) as running:
        await running.world.reports(describes())
        yield running


def new_request() -> str:
    return str(uuid.uuid4())


async def pay(
    shop: Cloud, who: Principal = ANNA, *, connector: str = PLUG, method: str = "pm_card_visa", request_id: str = ""
) -> str:
    request = payment_pb2.CreateChargingTokenRequest(
        connector=connector, payment_method=method, request_id=request_id or new_request()
    )
    answer = await Json(shop.web).call(
        "PaymentService/CreateChargingToken", request, payment_pb2.ChargingToken, shop.token(who)
    )
    return answer.token


async def start(shop: Cloud, token: str, who: Principal = ANNA, *, connector: str = PLUG) -> session_pb2.Session:
    request = session_pb2.StartSessionRequest(connector=connector, request_id=new_request(), charging_token=token)
    return await Json(shop.web).call("SessionService/StartSession", request, session_pb2.Session, shop.token(who))


async def settles(shop: Cloud, rounds: int = 3) -> None:
    assert shop.payments is not None
    for _ in range(rounds):
        shop.world.clock.advance(30)
        await shop.payments.tick()


async def charges(shop: Cloud) -> str:
    """From paying to a captured receipt; returns the charging token."""
    token = await pay(shop)
    await shop.world.reports(*plugged())
    await start(shop, token)
    await shop.world.reports(*metered(2_500), *unplugged())
    await settles(shop)
    return token


def dump(shop: Cloud) -> bytes:
    """Everything that is in the database's files."""
    file = Path(str(shop.world.store.database.engine.url.database))
    return b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))


async def test_row_20_ids_that_open_something_cannot_be_guessed(shop: Cloud) -> None:
    tokens = []
    for _ in range(4):
        tokens.append(await pay(shop))
        shop.world.clock.advance(TOKEN_LIFE.total_seconds() + 1)
        await settles(shop)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", token) for token in tokens)
    ids = [shop.charging.new_id() for _ in range(2_000)]
    assert len({uuid.UUID(one).int for one in ids}) == len(ids)
    digits = Counter("".join(one[:8] for one in ids))
    assert max(digits.values()) / min(digits.values()) < 1.3
    await shop.world.reports(*plugged())
    following = uuid.UUID(int=uuid.UUID(SESSION).int + 1)
    request = session_pb2.StopSessionRequest(name=f"sessions/{following}", request_id=new_request())
    with pytest.raises(Failed, match="no such session"):
        await Json(shop.web).call("SessionService/StopSession", request, session_pb2.Session, shop.token(BERT))


async def test_row_21_charging_token_is_good_once_here_now_and_for_one_person(shop: Cloud) -> None:
    token = await pay(shop)
    await shop.world.reports(*plugged())
    refusals = []
    wrong = ("A" if token[0] != "A" else "B") + token[1:]
    for given_token, who in ((token, BERT), (wrong, ANNA)):
        with pytest.raises(Failed) as refused:
            await start(shop, given_token, who)
        refusals.append(str(refused.value))
    await start(shop, token)
    with pytest.raises(Failed):
        await start(shop, token)
    assert len(set(refusals)) == 1
    await shop.world.reports(*metered(2_500), *unplugged())
    await settles(shop)
    assert token.encode() not in dump(shop)
    async with shop.world.store.database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(CHARGING_TOKENS))).scalar_one() == 0
    await shop.world.reports(*plugged(SessionId(str(uuid.uuid4()))))
    with pytest.raises(Failed, match="not valid"):
        await start(shop, token)


async def test_row_21_charging_token_expires_and_works_at_its_connector_only(shop: Cloud) -> None:
    elsewhere = await pay(shop, connector=OTHER)
    await shop.world.reports(*plugged())
    with pytest.raises(Failed, match="not valid"):
        await start(shop, elsewhere)
    late = await pay(shop)
    shop.world.clock.advance(TOKEN_LIFE.total_seconds())
    with pytest.raises(Failed, match="not valid"):
        await start(shop, late)


async def test_row_22_no_card_number_gets_in_and_none_is_kept(shop: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    for logger in ("cloud", "powerctl"):
        caplog.set_level(logging.DEBUG, logger=logger)
    for method in (CARD, "4242 4242 4242 4242", f"pm_{CARD}"):
        with pytest.raises(Failed, match="never its number"):
            await pay(shop, method=method)
    await charges(shop)
    ours = [record for record in caplog.records if record.name.startswith(("cloud", "powerctl"))]
    logged = "\n".join(f"{record.getMessage()} {getattr(record, 'fields', '')}" for record in ours)
    for where in (dump(shop).decode("latin-1"), generate_latest(REGISTRY).decode(), logged):
        assert CARD not in where
        assert [number for number in NUMBER.findall(where) if looks_like_card(number)] == []


def webhook(event: str, reference: str) -> bytes:
    return json.dumps({"id": event, "data": {"object": {"metadata": {"purchase": reference}}}}).encode()


async def test_row_23_webhooks_are_signed_young_and_taken_once(shop: Cloud) -> None:
    now = shop.world.clock.utc().timestamp()
    body = webhook("evt_1", "some purchase")
    headers = {
        "forged": signature(body, b"another secret", now),
        "of another body": signature(b"{}", WEBHOOK_SECRET, now),
        "old": signature(body, WEBHOOK_SECRET, now - TOLERANCE_S - 1),
        "of the future": signature(body, WEBHOOK_SECRET, now + TOLERANCE_S + 1),
        "none": "",
        "rubbish": "t=x,v1=ü",
    }
    async with httpx.AsyncClient(base_url=shop.web) as client:
        for name, header in headers.items():
            answer = await client.post(PATH, content=body, headers=[(b"stripe-signature", header.encode())])
            assert answer.status_code == 400, name
        assert (await client.get(PATH)).status_code == 400
        good = {"stripe-signature": signature(body, WEBHOOK_SECRET, now)}
        for _ in range(3):
            assert (await client.post(PATH, content=body, headers=good)).status_code == 200
    async with shop.world.store.database.read() as connection:
        assert list((await connection.execute(select(PAYMENT_EVENTS.c.id))).scalars()) == ["evt_1"]


async def test_row_23_what_a_webhook_says_moves_no_money(shop: Cloud) -> None:
    await pay(shop)
    assert shop.payments is not None
    (reference,) = shop.provider.references.values()
    for event in ("evt_b", "evt_a", "evt_a"):
        await shop.payments.hear(event, reference)
    await shop.payments.tick()
    assert [hold.status.value for hold in shop.provider.holds.values()] == ["held"]


async def test_row_24_the_same_request_ten_times_at_once_has_one_effect_and_one_answer(shop: Cloud) -> None:
    request_id = new_request()
    tokens = await asyncio.gather(*(pay(shop, request_id=request_id) for _ in range(10)))
    assert len(set(tokens)) == len(shop.provider.holds) == 1
    with pytest.raises(Failed) as refused:
        await pay(shop, connector=OTHER, request_id=request_id)
    assert refused.value.code == "already_exists"


async def test_row_24_every_call_that_moves_money_needs_a_request_id(shop: Cloud) -> None:
    await charges(shop)
    (receipt,) = await shop.world.receipts()
    bill = Principal("bill", "Bill", Role.BILLING)
    calls: list[tuple[str, Message, Principal]] = [
        ("PaymentService/CreateChargingToken", payment_pb2.CreateChargingTokenRequest(connector=PLUG), ANNA),
        ("SessionService/StartSession", session_pb2.StartSessionRequest(connector=PLUG), ANNA),
        ("ReceiptService/CreateCredit", receipt_pb2.CreateCreditRequest(receipt=f"receipts/{receipt.id}"), bill),
    ]
    for method, request, who in calls:
        with pytest.raises(Failed, match="request_id"):
            await Json(shop.web).call(method, request, session_pb2.Session, shop.token(who))


readings = st.builds(
    MeterReading,
    st.sampled_from(["M1", "M2", ""]),
    st.integers(-10, 30_000),
    st.integers(0, 120).map(at),
    st.booleans(),
)


@given(st.none() | readings, readings, st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), max_size=5))
def test_row_26_only_a_plausible_difference_of_two_readings_is_billed(
    first: MeterReading | None, last: MeterReading, live: list[float]
) -> None:
    session = Session(SESSION, STATION, LEFT, rated=Power(22_000.0))
    for value in live:
        session = reducer.metered(session, value)
    session = reducer.ended(session, over(first, last), TARIFF)
    verdict = settle(session)
    if not isinstance(verdict, Billable):
        assert session.energy_wh == 0
        return
    assert first is not None
    assert first.meter_serial == last.meter_serial != ""
    assert first.valid
    assert last.valid
    assert first.register_wh > 0, "a baseline of zero is a placeholder"
    assert verdict.energy_wh == last.register_wh - first.register_wh >= 0
    hours = (last.read_time - first.read_time).total_seconds() / 3600
    assert hours >= 0
    assert verdict.energy_wh <= 22_000 * hours * 1.1 + 100
    assert not math.isnan(verdict.energy_wh)


async def test_row_51_receipts_stay_ten_years_identities_eight_and_the_rest_shorter(shop: Cloud) -> None:
    await charges(shop)
    await shop.world.reports(live_values())
    issued = (await shop.world.receipts("anna"))[0]
    async with shop.world.store.database.read() as connection:
        assert await receipts.disclose(connection, issued.id) == "anna"
    for year, kept, known in ((2034, 1, 1), (2035, 1, 0), (2036, 1, 0), (2037, 0, 0)):
        target = datetime(year, 1, 1, 1, tzinfo=UTC)
        shop.world.clock.advance((target - shop.world.clock.utc()).total_seconds())
        await shop.world.store.forget()
        assert len(await shop.world.receipts()) == kept, year
        assert len(await shop.world.receipts("anna")) == (1 if known else 0), year
        async with shop.world.store.database.read() as connection:
            assert (await connection.execute(select(func.count()).select_from(PSEUDONYMS))).scalar_one() == known, year
            assert (await connection.execute(select(func.count()).select_from(RECEIPTS))).scalar_one() == kept
            telemetry = select(func.count()).select_from(TELEMETRY)
            assert (await connection.execute(telemetry)).scalar_one() == 0
    assert (await shop.world.session()).driver is None


async def test_row_51_a_receipt_names_nobody_once_the_key_is_gone(shop: Cloud) -> None:
    await charges(shop)
    (receipt,) = await shop.world.receipts("anna")
    async with shop.world.store.database.read() as connection:
        stored = (await connection.execute(text("SELECT document, driver FROM receipts"))).one()
    assert "anna" not in json.dumps([str(value) for value in stored])
    async with shop.world.store.write() as writing:
        await receipts.forget_person(writing.connection, "anna")
    assert await shop.world.receipts("anna") == []
    (left,) = await shop.world.receipts()
    assert (left.id, left.driver, left.total) == (receipt.id, None, receipt.total)
