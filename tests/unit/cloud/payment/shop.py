"""A place that sells charging: a store, a provider that misbehaves on demand, a station that reports."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import func, select

from cloud.api.charging import Charging
from cloud.domain.purchase import Purchase
from cloud.payment.fake import FakeProvider
from cloud.payment.process import Payments
from cloud.store import purchases
from cloud.store.money_tables import CHARGING_TOKENS
from powerctl.core.ids import SessionId
from powerctl.core.record import Body
from tests.unit.cloud.api_world import Notebook
from tests.unit.cloud.stories import ANNA, LEFT, SESSION, STATION, TARIFF, began, describes, over, plugged, reading
from tests.unit.cloud.world import World, world

PLACE = (STATION, LEFT)
CARD = "pm_card_visa"


@dataclass(slots=True)
class Shop:
    """The charging process without transports."""

    world: World
    provider: FakeProvider
    payments: Payments
    charging: Charging
    notebook: Notebook

    async def buys(self, *, method: str = CARD, request_id: str = "") -> tuple[Purchase, str]:
        """Anna pays."""
        return await self.payments.buy(PLACE, method, request_id or new_request(), ANNA)

    async def starts(self, token: str) -> None:
        """Anna plugs in and starts."""
        await self.world.reports(*plugged())
        await self.charging.start(*PLACE, new_request(), ANNA, token)

    async def charges(self, *, energy_wh: int = 2_500) -> None:
        """The station meters a transaction and reports its end."""
        await self.world.reports(*metered(energy_wh))

    async def settles(self, rounds: int = 12) -> None:
        """The worker does what is due, until there is nothing more."""
        for _ in range(rounds):
            self.world.clock.advance(30)
            await self.payments.tick()

    async def purchase(self, name: str) -> Purchase:
        """As the store has it."""
        async with self.world.store.database.read() as connection:
            found = await purchases.load(connection, name)
        assert found is not None
        return found

    async def tokens(self) -> int:
        """How many charging tokens there are."""
        async with self.world.store.database.read() as connection:
            return int((await connection.execute(select(func.count()).select_from(CHARGING_TOKENS))).scalar_one())


def metered(energy_wh: int, session: SessionId = SESSION) -> tuple[Body, ...]:
    """A transaction from beginning to end; ten minutes."""
    end = over(reading(1_000, 1), reading(1_000 + energy_wh, 61), session=session)
    return began(session=session), end


def new_request() -> str:
    """A request id."""
    return str(uuid.uuid4())


@asynccontextmanager
async def shop(address: str) -> AsyncIterator[Shop]:
    """A shop on the database at this address; its station has described itself."""
    async with world(address) as here:
        here.store.tariff = replace(TARIFF, preauthorize_amount=Decimal(20))
        provider, notebook = FakeProvider(here.clock), Notebook()
        payments = Payments(here.store, provider, bytes(32), new_request)
        charging = Charging(here.store, notebook, new_request, payments)
        payments.stop = charging.stop_exhausted
        await here.reports(describes())
        yield Shop(here, provider, payments, charging, notebook)
