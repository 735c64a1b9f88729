"""A database that goes away, and comes back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from cloud.ingest.ports import CommitResult, StoredRecord, StoreUnavailable
from cloud.store.engine import Database
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import STATION, describes, plugged
from tests.unit.cloud.world import World, world


async def test_a_database_that_takes_nothing_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    address = await asyncio.to_thread(_file, tmp_path / "files")
    async with world(address) as here:
        entries = [here.entry(body) for body in (describes(), *plugged())]
        await _locked(here, True)
        with pytest.raises(StoreUnavailable, match="readonly"):
            await here.commits(entries)
        await _locked(here, False)
        assert (await here.commits(entries)).duplicates == 0


async def test_the_feed_outlives_a_database_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "files").mkdir()
    address = await asyncio.to_thread(_file, tmp_path / "files")
    async with world(address) as here:
        monkeypatch.setattr("cloud.store.feed.POLL_S", 0.01)
        reading = Database.read
        with here.store.feed.subscribe() as subscriber:
            monkeypatch.setattr(Database, "read", _away)
            feed = asyncio.create_task(here.store.feed.run())
            await asyncio.sleep(0.05)
            monkeypatch.setattr(Database, "read", reading)
            await asyncio.sleep(0.05)
            await here.reports(describes())
            (change,) = await subscriber.take()
            assert change.changed.resource == STATION
            feed.cancel()
            await asyncio.gather(feed, return_exceptions=True)


def _file(folder: Path) -> str:
    return asyncio.run(SqliteFiles(folder).new())


async def _locked(here: World, locked: bool) -> None:
    """Make every connection refuse to write."""
    async with here.store.database.engine.connect() as connection:
        await connection.exec_driver_sql(f"PRAGMA query_only={'ON' if locked else 'OFF'}")


def _away(_: Database) -> object:
    raise StoreUnavailable("away")


async def test_cut_connections_are_replaced_and_nothing_is_counted_twice(here: World) -> None:
    if here.store.database.is_sqlite:
        pytest.skip("a file has no connections that a server can cut")
    await here.reports(describes())
    entries = [here.entry(body) for body in plugged()]
    await _cut(here)
    results = [await _insist(here, entries), await _insist(here, entries)]
    assert [result.duplicates for result in results] == [0, len(entries)]


async def _cut(here: World) -> None:
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename IS NOT NULL"
    )
    # Which of the driver's exceptions the cut raises depends on how far the connection had read.
    with suppress(DBAPIError):
        await _cut_from(here, f"{others} AND datname = current_database()")


async def _cut_from(here: World, statement: str) -> None:
    async with here.store.database.engine.connect() as one, here.store.database.engine.connect() as other:
        await one.exec_driver_sql("SELECT 1")
        await other.exec_driver_sql(statement)


async def _insist(here: World, entries: list[StoredRecord]) -> CommitResult:
    """As ingest does: the same again until it is stored."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await here.commits(entries)
            except StoreUnavailable:
                continue


@pytest.mark.parametrize("code", ["53100", "53300", "57P03", "40P01"])
async def test_a_server_that_cannot_now_is_away_and_one_that_is_asked_nonsense_is_not(here: World, code: str) -> None:
    if here.store.database.is_sqlite:
        pytest.skip("a file has no codes")
    with pytest.raises(StoreUnavailable, match="not now"):
        await _raises(here, code)
    with pytest.raises(DBAPIError):
        await _raises(here, "22012")


async def _raises(here: World, code: str) -> None:
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{code}'; END $$"
    async with here.store.database.read() as connection:
        await connection.exec_driver_sql(statement)
