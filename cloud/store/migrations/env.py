"""Alembic's environment: migrates over the connection that `cloud.store.migrate` hands in."""

from __future__ import annotations

from alembic import context

from cloud.store import fleet_tables, identity_tables, money_tables, telemetry_tables
from cloud.store.tables import METADATA

_ALL = fleet_tables, identity_tables, money_tables, telemetry_tables
"""Imported so that their tables belong to the metadata."""

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=False,
)
context.run_migrations()
