"""A station's newest report is kept as it came; its connectors' rows are written when it says something new of them.

Live values themselves are not carried over: every station reports within a minute.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010_reports"
down_revision = "0009_live_energy"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make room for reports in the place of what they said."""
    op.drop_column("stations", "limits")
    for name in ("live", "live_time"):
        op.drop_column("connectors", name)
    op.add_column("stations", sa.Column("report", sa.LargeBinary(), nullable=True))
    op.add_column("stations", sa.Column("report_time", INSTANT, nullable=True))
    op.add_column("stations", sa.Column("shown", sa.Text(), nullable=True))


def downgrade() -> None:
    """Make room for what reports say in their place."""
    # Rows that agree with a report were not written with it: they are as old as it is.
    op.execute(
        "UPDATE connectors SET epoch = (SELECT epoch FROM stations WHERE stations.id = connectors.station), "
        "sequence = (SELECT sequence FROM stations WHERE stations.id = connectors.station) "
        "WHERE station IN (SELECT id FROM stations WHERE shown IS NOT NULL)"
    )
    for name in ("shown", "report_time", "report"):
        op.drop_column("stations", name)
    op.add_column("stations", sa.Column("limits", DOCUMENT, nullable=True))
    op.add_column("connectors", sa.Column("live", DOCUMENT, nullable=True))
    op.add_column("connectors", sa.Column("live_time", INSTANT, nullable=True))
