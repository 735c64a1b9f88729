"""The migrations and the tables say the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection

from cloud.store.engine import Database, database_url
from cloud.store.migrate import configuration, migrate, require_current
from cloud.store.tables import METADATA
from powerctl.core.errors import ConfigError
from tests.contract.store.test_store import A_SESSION
from tests.unit.cloud.databases import opened
from tests.unit.cloud.stories import began, describes, live, plugged, telemetry
from tests.unit.cloud.world import World


async def test_the_migrations_make_the_schema_of_the_tables(here: World) -> None:
    def differences(connection: Connection) -> Any:
        opts = {"compare_type": False, "include_name": _is_no_partition}
        return compare_metadata(MigrationContext.configure(connection, opts=opts), METADATA)

    async with here.store.database.read() as connection:
        assert await connection.run_sync(differences) == []


def _is_no_partition(name: str | None, kind: str, _: Any) -> bool:
    return not (kind == "table" and re.fullmatch(r"telemetry_(\d{8}|other)", name or ""))


async def test_telemetry_of_a_filled_database_moves_to_its_own_table_and_back(here: World) -> None:
    database = here.store.database
    await here.reports(*A_SESSION)
    await here.store.forget()
    before = await _records(database)
    assert {row.lane for row in before} == {0, 1, 2}
    await moved(database, command.downgrade, "0005_meter_records")
    assert await _records(database, ["inbox"]) == before
    await moved(database, command.upgrade, "head")
    assert await _records(database, ["inbox", "telemetry"]) == before
    entries = [here.entry(body, number + 1) for number, body in enumerate(A_SESSION)]
    assert (await here.commits(entries)).duplicates == len(entries), "what was moved is still known"


async def test_what_a_session_has_charged_and_what_its_connector_does_survive_a_downgrade(here: World) -> None:
    await here.reports(describes(), *plugged(), began(), telemetry(live(wh=700.0)))
    await here.reports(telemetry(live(wh=900.0)))
    before = await here.station()
    await moved(here.store.database, command.downgrade, "0006_telemetry")
    async with here.store.database.read() as connection:
        document = (await connection.execute(text("SELECT document FROM sessions"))).scalar_one()
    assert re.search(r"live_energy_wh\W+900\b", str(document))
    await moved(here.store.database, command.upgrade, "head")
    after = await here.station()
    assert (await here.session()).live_energy_wh == 900
    assert [one.state for one in after.connectors] == [one.state for one in before.connectors]


async def moved(database: Database, run: Callable[[Config, str], None], target: str) -> None:
    async with database.write() as connection:
        await connection.run_sync(lambda sync: run(configuration(sync), target))


async def _records(database: Database, tables: Sequence[str] = ("records",)) -> list[Any]:
    """Every record, wherever it is."""
    columns = "station, epoch, sequence, {} lane, record_time, payload_hash, payload"
    parts = [f"SELECT {columns.format('2' if name == 'telemetry' else 'lane')} FROM {name}" for name in tables]
    async with database.read() as connection:
        return list(await connection.execute(text(" UNION ALL ".join(parts) + " ORDER BY sequence")))


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
