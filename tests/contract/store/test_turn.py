"""Of several replicas one does the chores, and when it is gone another does."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from cloud.ingest.ports import StoreUnavailable
from cloud.store.engine import Database
from cloud.store.turn import HOUSEKEEPING, Turn
from tests.unit.cloud.databases import Databases, opened
from tests.unit.cloud.world import World


async def test_one_replica_has_the_turn_until_it_gives_it_up(databases: Databases) -> None:
    address = await databases.new()
    async with opened(address) as first, opened(address) as second:
        if first.is_sqlite:
            pytest.skip("a file has one process")
        mine, other = Turn(first, HOUSEKEEPING), Turn(second, HOUSEKEEPING)
        assert [await mine.mine(), await other.mine(), await mine.mine()] == [True, False, True]
        await mine.close()
        assert [await other.mine(), await mine.mine()] == [True, False]
        await other.close()
        await mine.close()


async def test_a_lost_connection_gives_the_turn_to_another(databases: Databases) -> None:
    address = await databases.new()
    async with opened(address) as first, opened(address) as second:
        if first.is_sqlite:
            pytest.skip("a file has one process")
        mine, other = Turn(first, HOUSEKEEPING), Turn(second, HOUSEKEEPING)
        assert await mine.mine()
        await _cut(second)
        with pytest.raises(StoreUnavailable):
            await mine.mine()
        assert [await other.mine(), await mine.mine()] == [True, False]
        await other.close()
        await mine.close()


async def _cut(database: Database) -> None:
    query = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
    async with database.engine.connect() as connection:
        await connection.execute(text(query))


async def test_a_file_is_always_this_replicas(here: World) -> None:
    if not here.store.database.is_sqlite:
        pytest.skip("a server has many replicas")
    assert await Turn(here.store.database, HOUSEKEEPING).mine()
