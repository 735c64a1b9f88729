"""What a session has charged so far has a column of its own: live values change it without its document."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_live_energy"
down_revision = "0007_fleet_search"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Take it from the documents."""
    op.add_column("sessions", sa.Column("live_energy_wh", BIG, nullable=False, server_default="0"))
    postgresql = op.get_bind().dialect.name == "postgresql"
    found = "(document->>'live_energy_wh')::bigint" if postgresql else "json_extract(document, '$.live_energy_wh')"
    op.execute(f"UPDATE sessions SET live_energy_wh = coalesce({found}, 0)")


def downgrade() -> None:
    """Put it back."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    energy = "to_jsonb(live_energy_wh)" if postgresql else "live_energy_wh"
    changed = "jsonb_set(document, '{live_energy_wh}', " if postgresql else "json_set(document, '$.live_energy_wh', "
    op.execute(f"UPDATE sessions SET document = {changed}{energy})")
    op.drop_column("sessions", "live_energy_wh")
