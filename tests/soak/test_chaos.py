"""Everything breaks, again and again, while people charge; afterwards the ten invariants hold.

A seed says what breaks, in which order and for how long: `SOAK_SEED`. It storms for half a minute, in
`make soak` for `SOAK_MINUTES`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cloud.domain.purchase import FINAL, TOKEN_LIFE
from cloud.store.engine import Database
from cloud.store.money_tables import CHARGING_TOKENS, PURCHASES
from tests.soak.cell import Cell, cell
from tests.soak.checks import Evidence, every_invariant_holds
from tests.soak.drivers import Driver
from tests.soak.faults import Havoc
from tests.soak.roadside import introduce
from tests.soak.sabotage import every_violation_is_seen
from tests.unit.cloud.databases import PostgresServer, opened, postgres

pytestmark = pytest.mark.integration

SEED = int(os.environ.get("SOAK_SEED", "1"))
SHORT_S = 30.0
CALM_S = 300.0
UNUSED_S = TOKEN_LIFE.total_seconds() + CALM_S
"""A payment whose driver gave up while it was unknown is given back when its token ends."""
LONG_S = 60.0 * float(os.environ.get("SOAK_MINUTES", "10"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres(tmp_path_factory.mktemp("postgres")) as started:
        yield started


@contextlib.asynccontextmanager
async def during(*work: Coroutine[Any, Any, Any]) -> AsyncIterator[None]:
    """Work that goes on until the block ends, and must not have failed by then."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
        assert [task.exception() for task in tasks if task.done()] == []
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("for_s", [SHORT_S, pytest.param(LONG_S, marks=pytest.mark.slow)], ids=["short", "long"])
async def test_the_ten_invariants_hold_whatever_breaks(tmp_path: Path, server: PostgresServer, for_s: float) -> None:
    dice = random.Random(SEED)
    async with cell(tmp_path, server, SEED) as here:
        drivers = [
            Driver(name, here.grpc, tmp_path / "signing.pem", random.Random(f"{SEED}-{name}"))
            for name in ("anna", "bert")
        ]
        havoc = Havoc(here, random.Random(dice.random()))
        supervised = [roadside.supervise() for roadside in here.roadsides]
        watching = [driver.watch() for driver in drivers]
        async with during(*supervised, *watching):
            for roadside in here.roadsides:
                await introduce(roadside)
            await _storm(here, havoc, drivers, for_s)
            await _calm(here, CALM_S if for_s == SHORT_S else UNUSED_S)
            async with opened(here.database) as database:
                async with database.read() as connection:
                    await every_invariant_holds(Evidence(here, drivers, connection))
                said = sum(len(roadside.history) for roadside in here.roadsides)
                charged = sum(driver.charged for driver in drivers)
                print(f"\nseed {SEED}: {dict(havoc.done)}; {said} records, {charged} sessions paid and charged")
                assert charged >= 2, "nobody could charge: nothing was tried"
                assert sum(havoc.done.values()) >= 5, "nothing broke"
                async with database.engine.connect() as connection:
                    await every_violation_is_seen(Evidence(here, drivers, connection))


async def _storm(here: Cell, havoc: Havoc, drivers: list[Driver], for_s: float) -> None:
    """Break things while both drivers charge; whoever charges when it is over finishes."""
    plug = f"locations/{here.roadsides[0].name}/evses/2/connectors/2"
    reserving = [driver.reserve_for_ever(plug) for driver in drivers]
    over = asyncio.Event()

    async def charge(driver: Driver, place: int) -> None:
        while not over.is_set():
            await driver.visit(here.roadsides[place])

    visits = [asyncio.create_task(charge(driver, place)) for place, driver in enumerate(drivers)]
    async with during(*reserving):
        breaking = asyncio.create_task(havoc.go_on())
        await asyncio.wait([breaking, *visits], timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
        assert not breaking.done(), breaking.result()
        breaking.cancel()
        await asyncio.gather(breaking, return_exceptions=True)
        await havoc.heal()
        over.set()
        await asyncio.gather(*visits)


async def _calm(here: Cell, within_s: float) -> None:
    """Wait until nothing waits any more: no record at a station, no purchase, no token in the cloud.

    A provider that keeps a failure under its key is asked by a new one only once it must know of the old one.
    """
    waiting = "records at a station"
    try:
        async with asyncio.timeout(within_s):
            await _delivered(here, within_s)
            async with opened(here.database) as database:
                while waiting := await _left(database):  # noqa: ASYNC110 - another program changes it
                    await asyncio.sleep(0.5)
            # Who has waited for a payment has been silent meanwhile; a station is not.
            for roadside in here.roadsides:
                await introduce(roadside)
            await _delivered(here, within_s)
    except TimeoutError:
        records = {roadside.name: roadside.station.outbox.depth() for roadside in here.roadsides}
        log = (here.folder / "cloud.log").read_text()[-6000:]
        pytest.fail(f"after {within_s} s there still wait {waiting}; {records}; the cloud: {log}")


async def _delivered(here: Cell, within_s: float) -> None:
    for roadside in here.roadsides:
        await roadside.station.until_all_is_committed(within_s)


async def _left(database: Database) -> str:
    """What waits in the cloud. Empty: nothing."""
    open_ones = select(PURCHASES.c.document).where(PURCHASES.c.state.not_in([state.value for state in FINAL]))
    tokens = select(func.count()).select_from(CHARGING_TOKENS)
    async with database.read() as connection:
        purchases = list((await connection.execute(open_ones)).scalars())
        number = (await connection.execute(tokens)).scalar_one()
    return f"{number} tokens and {purchases}" if number or purchases else ""
