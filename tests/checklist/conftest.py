"""The API on loopback over a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("checklist"))


@pytest.fixture
async def api(files: SqliteFiles) -> AsyncIterator[Cloud]:
    async with cloud(await files.new()) as running:
        yield running
