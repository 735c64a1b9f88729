"""The schema of who may do what: people, ended sign-ins, certificates, approvals, and the audit log."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table, Text

from cloud.domain.approval import Approval
from cloud.store.columns import BIG, NAME, Document, Instant
from cloud.store.tables import METADATA
from powerctl.core.ids import StationId

USERS = Table(
    "users",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("role", String(20), nullable=False),
    Column("stations", Document(frozenset[StationId]), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("second_factor", LargeBinary),
    Column("last_step", BIG),
    Column("disabled", Boolean, nullable=False),
    Column("create_time", Instant, nullable=False),
)
"""`second_factor` is sealed; `last_step` is the step of the last one-time code, which is good for nothing any more."""

SIGN_OFFS = Table(
    "sign_offs",
    METADATA,
    Column("subject", NAME, primary_key=True),
    Column("sign_off_time", Instant, nullable=False),
    Column("expire_time", Instant, nullable=False),
    Index(None, "sign_off_time"),
    Index(None, "expire_time"),
)
"""What ends sign-ins before their time: `s:` and the id of one, or `u:` and the id of a user, for all before then."""

CERTIFICATES = Table(
    "certificates",
    METADATA,
    Column("serial", String(40), primary_key=True),
    Column("station", NAME, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("not_after", Instant, nullable=False),
    Column("revoke_time", Instant),
    Column("reason", Text, nullable=False, default=""),
    Column("pem", Text, nullable=False),
    Index(None, "station"),
    Index(None, "revoke_time"),
)

APPROVALS = Table(
    "approvals",
    METADATA,
    Column("ordinal", BIG, primary_key=True),
    Column("id", NAME, nullable=False, unique=True),
    Column("requester", NAME, nullable=False),
    Column("method", NAME, nullable=False),
    Column("state", String(20), nullable=False),
    Column("expire_time", Instant, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("document", Document(Approval), nullable=False),
    Index(None, "requester", "state"),
    Index(None, "expire_time"),
)
"""`request` is what is done when somebody approves it."""

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", BIG, primary_key=True, autoincrement=False),
    Column("time", Instant, nullable=False),
    Column("line", LargeBinary, nullable=False),
)
"""The hash chain, one line per row. The database itself refuses to change or delete a row."""

AUDIT_ANCHORS = Table(
    "audit_anchors",
    METADATA,
    Column("number", BIG, primary_key=True, autoincrement=False),
    Column("time", Instant, nullable=False),
    Column("token", Text, nullable=False),
)
"""The chain's end once a day, signed: whoever rewrites the whole chain cannot sign it."""
