"""What was backed up is restored whole, into an empty database only, and by whoever has the key."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import insert, select

import cloud.store
from cloud.store import backup, vault
from cloud.store.backup import dump, load
from cloud.store.money_tables import PSEUDONYMS
from cloud.store.tables import INBOX, META, METADATA
from powerctl.core.errors import ConfigError
from tests.contract.store.test_store import A_SESSION
from tests.unit.cloud.databases import Databases, opened
from tests.unit.cloud.world import World, world

KEY = bytes(range(32))


async def backed_up(here: World, path: Path) -> backup.Manifest:
    await here.reports(*A_SESSION)
    async with here.store.database.write() as connection:
        row = {"pseudonym": "p", "user": "anna", "year": 2026, "key": bytes(range(256))[:32]}
        await connection.execute(insert(PSEUDONYMS).values(row))
    with vault.sealed(path, KEY) as file:
        return await dump(here.store.database, file)


async def test_everything_comes_back_and_goes_on(here: World, databases: Databases, tmp_path: Path) -> None:
    written = await backed_up(here, tmp_path / "a.backup")
    assert (written["inbox"].rows, written["telemetry"].rows) == (len(A_SESSION) - 1, 1)
    session = await here.session()
    async with world(await databases.new()) as there:
        with vault.unsealed(tmp_path / "a.backup", [KEY]) as file:
            assert await load(there.store.database, file) == written
        assert await there.session() == session
        assert await there.receipts() == await here.receipts()
        # New rows are numbered after the restored ones, and a second delivery is still known.
        await there.reports(*A_SESSION[:1], station=session.station)
        entries = [here.entry(body, number + 1) for number, body in enumerate(A_SESSION)]
        assert (await there.commits(entries)).duplicates == len(entries)
        await there.store.quarantine("t", b"", "r")


async def test_a_restored_feed_has_another_name(here: World, databases: Databases, tmp_path: Path) -> None:
    await backed_up(here, tmp_path / "a.backup")
    async with world(await databases.new()) as there:
        with vault.unsealed(tmp_path / "a.backup", [KEY]) as file:
            await load(there.store.database, file)
        names = set()
        for one in (here, there):
            async with one.store.database.read() as connection:
                names.add((await connection.execute(select(META.c.value).where(META.c.key == "feed"))).scalar_one())
        assert len(names) == 2


async def test_a_database_with_rows_is_left_alone(here: World, tmp_path: Path) -> None:
    await backed_up(here, tmp_path / "a.backup")
    with vault.unsealed(tmp_path / "a.backup", [KEY]) as file, pytest.raises(ConfigError, match="is not empty"):
        await load(here.store.database, file)


async def test_a_lost_row_is_noticed_and_nothing_is_restored(here: World, databases: Databases, tmp_path: Path) -> None:
    await backed_up(here, tmp_path / "a.backup")
    with vault.unsealed(tmp_path / "a.backup", [KEY]) as file:
        lines = file.readlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(b"["))
    with vault.sealed(tmp_path / "b.backup", KEY) as file:
        file.writelines(lines[:first] + lines[first + 1 :])
    async with opened(await databases.new()) as database:
        with vault.unsealed(tmp_path / "b.backup", [KEY]) as file, pytest.raises(ConfigError, match="backed up"):
            await load(database, file)
        async with database.read() as connection:
            assert (await connection.execute(select(INBOX.c.sequence))).all() == []


def test_no_table_is_forgotten() -> None:
    known = {table.name for table in backup.tables()} | {META.name}
    for module in pkgutil.iter_modules(cloud.store.__path__):
        import_module(f"cloud.store.{module.name}")
    assert known == set(METADATA.tables)
