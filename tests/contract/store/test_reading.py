"""What a transaction that only reads may see and do, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DBAPIError

from cloud.ingest.ports import StoreUnavailable
from cloud.store import sessions
from cloud.store.tables import META
from tests.contract.store.test_store import A_SESSION
from tests.unit.cloud.stories import SESSION
from tests.unit.cloud.world import World

_ROW = {"key": "k", "value": "v"}
_KEYS = select(META.c.key).where(META.c.key == "k")


async def test_a_reader_waits_for_no_writer_and_sees_what_was_committed(here: World) -> None:
    database = here.store.database
    async with database.write() as writer:
        await writer.execute(insert(META).values(_ROW))
        async with asyncio.timeout(20), database.read() as reader:
            assert (await reader.execute(_KEYS)).all() == []
    async with database.read() as reader:
        assert len((await reader.execute(_KEYS)).all()) == 1


async def test_a_reader_in_the_way_of_an_error_leaves_nothing_open(here: World) -> None:
    database = here.store.database
    for _ in range(30):
        with suppress(ZeroDivisionError):
            async with database.read() as reader:
                await reader.execute(_KEYS)
                raise ZeroDivisionError
    async with database.write() as writer:
        await writer.execute(insert(META).values(_ROW))
    async with database.read() as reader:
        assert len((await reader.execute(_KEYS)).all()) == 1, "an old transaction is still open"


async def test_a_snapshot_sees_one_state_while_others_write(here: World) -> None:
    database = here.store.database
    async with database.snapshot() as reader:
        assert (await reader.execute(_KEYS)).all() == []
        async with asyncio.timeout(60), database.write() as writer:
            await writer.execute(insert(META).values(_ROW))
        assert (await reader.execute(_KEYS)).all() == []
    async with database.snapshot() as reader:
        assert len((await reader.execute(_KEYS)).all()) == 1
    async with database.write() as writer:
        await writer.execute(delete(META).where(META.c.key == "k"))


async def test_in_sqlite_a_reader_cannot_write(here: World) -> None:
    if not here.store.database.is_sqlite:
        pytest.skip("PostgreSQL's readers keep to it by themselves")
    with pytest.raises((DBAPIError, StoreUnavailable), match="readonly"):
        async with here.store.database.read() as reader:
            await reader.execute(insert(META).values(_ROW))


async def test_in_sqlite_no_read_goes_to_a_thread(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    if not here.store.database.is_sqlite:
        pytest.skip("asyncpg has no threads")
    await here.reports(*A_SESSION)
    async with here.store.database.read() as reader:
        await sessions.load(reader, SESSION)
    handed: list[Callable[..., Any]] = []
    execute: Callable[..., Any] = aiosqlite.Connection._execute

    async def counted(self: aiosqlite.Connection, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        handed.append(fn)
        return await execute(self, fn, *args, **kwargs)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    async with here.store.database.read() as reader:
        assert await sessions.load(reader, SESSION) is not None
    assert handed == []
    async with here.store.database.write() as writer:
        await writer.execute(_KEYS)
    assert handed, "a writer waits for its disk in a thread"
