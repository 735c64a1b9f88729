"""The migrations and the tables say the same."""

from __future__ import annotations

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection

from cloud.store.engine import database_url
from cloud.store.migrate import migrate, require_current
from cloud.store.tables import METADATA
from powerctl.core.errors import ConfigError
from tests.unit.cloud.databases import opened
from tests.unit.cloud.world import World


async def test_the_migrations_make_the_schema_of_the_tables(here: World) -> None:
    def differences(connection: Connection) -> Any:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": False}), METADATA)

    async with here.store.database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_twice_changes_nothing(here: World) -> None:
    await migrate(here.store.database)
    await require_current(here.store.database)


async def test_a_database_without_the_schema_is_refused_with_the_remedy(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with opened(f"sqlite:///{tmp_path_factory.mktemp('empty')}/empty.db") as database:
        with pytest.raises(ConfigError, match="powerctl-cloud migrate"):
            await require_current(database)


async def test_a_database_that_cannot_be_opened_is_an_operators_matter() -> None:
    async with opened("sqlite:////nowhere/at/all.db") as database:
        with pytest.raises(ConfigError, match="cannot be opened"):
            await migrate(database)


@pytest.mark.parametrize("address", ["", "mysql://x/y", "sqlite://", "not an address"])
def test_other_databases_are_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="sqlite:///FILE"):
        database_url(address)
