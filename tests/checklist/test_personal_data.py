"""A person may ask what is known of them, and have it forgotten."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from cloud.domain.refusal import Refusal
from cloud.store import notices, personal
from cloud.store.notices import Wishes
from cloud.store.tables import METADATA, RECEIPTS
from powerctl.v1 import reservation_pb2
from powerctl.wire.common import time_to_wire
from tests.contract.api.peers import Json
from tests.contract.api.test_money import PLUG, charge, pay
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import ANNA, describes, unplugged

WHERE_IT_STAYS = {"audit"}
"""Who did what to the system is a hash chain: it is kept, and says nothing of charging."""


@pytest.fixture
async def paid(files: SqliteFiles) -> AsyncIterator[Cloud]:
    async with cloud(await files.new(), paid=True) as running:
        await running.world.reports(describes())
        yield running


async def lived(api: Cloud) -> None:
    """Anna signs up, says where to write to, pays, charges, reserves and leaves."""
    peer = Json(api.web)
    async with api.world.store.write() as writing:
        await notices.wish(writing.connection, ANNA.user, Wishes(email="anna@example.net"))
    await charge(api, peer)
    await api.world.reports(*unplugged())
    now = api.world.clock.utc()
    request = reservation_pb2.CreateReservationRequest(
        connector=PLUG,
        start_time=time_to_wire(now + timedelta(hours=1)),
        end_time=time_to_wire(now + timedelta(hours=2)),
        request_id=str(uuid.uuid4()),
    )
    await peer.call("ReservationService/CreateReservation", request, reservation_pb2.Reservation, api.token(ANNA))


async def dump(api: Cloud) -> dict[str, str]:
    """Every table as text."""
    tables = {}
    async with api.world.store.database.read() as connection:
        for table in METADATA.sorted_tables:
            rows = (await connection.execute(text(f'SELECT * FROM "{table.name}"'))).all()
            tables[table.name] = " ".join(str(row) for row in rows)
    return tables


async def test_row_50_a_person_gets_all_that_is_known_of_them(paid: Cloud) -> None:
    await lived(paid)
    async with paid.world.store.database.read() as connection:
        found = await personal.export(connection, ANNA.user)
    assert found["notifications"]["email"] == "anna@example.net"
    counts = {name: len(found[name]) for name in ("sessions", "receipts", "purchases", "reservations")}
    assert counts == dict.fromkeys(counts, 1)
    assert json.loads(json.dumps(found)) == found
    assert not [word for word in ("argon2", "p256dh", "sealed") if word in json.dumps(found)]


async def test_row_50_an_erased_person_is_found_nowhere_and_the_receipts_stay(paid: Cloud) -> None:
    await lived(paid)
    before = await dump(paid)
    assert {name for name, rows in before.items() if "anna" in rows} > {"sessions", "purchases", "reservations"}
    async with paid.world.store.write() as writing:
        await personal.erase(writing.connection, ANNA.user, writing.now)
    after = await dump(paid)
    assert {name for name, rows in after.items() if "anna" in rows} <= WHERE_IT_STAYS
    async with paid.world.store.database.read() as connection:
        assert len((await connection.execute(select(RECEIPTS.c.id))).all()) == 1
        known = await personal.export(connection, ANNA.user)
    assert not [name for name in ("sessions", "receipts", "purchases", "reservations") if known[name]]


async def test_row_50_nobody_is_forgotten_while_money_moves(paid: Cloud) -> None:
    await lived(paid)
    await pay(paid, Json(paid.web))
    async with paid.world.store.write() as writing:
        with pytest.raises(Refusal, match="not over yet"):
            await personal.erase(writing.connection, ANNA.user, writing.now)
