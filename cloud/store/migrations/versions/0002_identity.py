"""People, ended sign-ins, stations' certificates, and the audit log, which the database lets nobody change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
APPEND_ONLY = ("audit", "audit_anchors")


def upgrade() -> None:
    """Create the tables."""
    _people()
    _certificates()
    _audit()


def downgrade() -> None:
    """Drop the tables."""
    for table in (*APPEND_ONLY, "certificates", "sign_offs", "users"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("stations", DOCUMENT, nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("second_factor", sa.LargeBinary(), nullable=True),
        sa.Column("last_step", BIG, nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("create_time", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_table(
        "sign_offs",
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("sign_off_time", INSTANT, nullable=False),
        sa.Column("expire_time", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_sign_offs"),
    )
    op.create_index("ix_sign_offs_sign_off_time", "sign_offs", ["sign_off_time"], unique=False)
    op.create_index("ix_sign_offs_expire_time", "sign_offs", ["expire_time"], unique=False)


def _certificates() -> None:
    op.create_table(
        "certificates",
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("station", sa.String(length=80), nullable=False),
        sa.Column("not_before", INSTANT, nullable=False),
        sa.Column("not_after", INSTANT, nullable=False),
        sa.Column("revoke_time", INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_certificates"),
    )
    op.create_index("ix_certificates_station", "certificates", ["station"], unique=False)
    op.create_index("ix_certificates_revoke_time", "certificates", ["revoke_time"], unique=False)


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("time", INSTANT, nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )
    op.create_table(
        "audit_anchors",
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("time", INSTANT, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_anchors"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit log only grows'; END $$"
        )
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        return
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END"
            )
