"""Brings a database to the schema of this version."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.ingest.ports import StoreUnavailable
from cloud.store.engine import Database
from powerctl.core.errors import ConfigError

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def migrate(database: Database) -> None:
    """Run the migrations that the database does not have yet.

    Raises:
        ConfigError: The database cannot be reached or opened.
    """
    try:
        async with database.write() as connection:
            await connection.run_sync(lambda sync: command.upgrade(configuration(sync), "head"))
    except StoreUnavailable as error:
        raise _unreachable(error) from error


async def require_current(database: Database) -> None:
    """Return when the database has the schema of this version.

    Raises:
        ConfigError: It has not, or cannot be reached or opened.
    """
    try:
        async with database.read() as connection:
            present = await revision(connection)
    except StoreUnavailable as error:
        raise _unreachable(error) from error
    expected = ScriptDirectory.from_config(configuration()).get_current_head()
    if present != expected:
        raise ConfigError(
            "cloud.database_url",
            f"the database has schema {present or 'none'}, this version needs {expected}.",
            "Run `powerctl-cloud migrate`, or set cloud.migrate_on_start.",
        )


async def revision(connection: AsyncConnection) -> str | None:
    """The schema that a database has. None: none."""
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def _unreachable(error: StoreUnavailable) -> ConfigError:
    return ConfigError(
        "cloud.database_url", f"the database cannot be opened: {error}.", "Correct the address, or start the database."
    )
