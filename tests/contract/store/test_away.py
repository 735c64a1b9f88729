"""A database that goes away, and comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cloud.ingest.ports import StoreUnavailable
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
