"""Every test of this folder runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.unit.cloud.databases import Databases, SqliteFiles, postgres
from tests.unit.cloud.world import World, world


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.integration)])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield SqliteFiles(folder)
        return
    with postgres(folder) as server:
        yield server


@pytest.fixture
async def here(databases: Databases) -> AsyncIterator[World]:
    async with world(await databases.new()) as made:
        yield made
