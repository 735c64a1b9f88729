"""A shop on a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.payment.shop import Shop, shop


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("shop"))


@pytest.fixture
async def here(files: SqliteFiles) -> AsyncIterator[Shop]:
    async with shop(await files.new()) as running:
        yield running
