"""The schema. Columns are what is searched for; the rest of a value is a document beside them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from cloud.domain.receipt import Receipt
from cloud.domain.session import Session
from cloud.store.columns import BIG, NAME, Document, Instant, Unsigned64
from powerctl.core.order import StationCommand

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

META = Table("meta", METADATA, Column("key", String(40), primary_key=True), Column("value", Text, nullable=False))

INBOX = Table(
    "inbox",
    METADATA,
    Column("station", NAME, primary_key=True),
    Column("epoch", Unsigned64, primary_key=True, autoincrement=False),
    Column("sequence", BIG, primary_key=True, autoincrement=False),
    Column("payload_hash", LargeBinary(32), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("lane", Integer, nullable=False),
    Column("record_time", Instant, nullable=False),
    Column("receive_time", Instant, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
"""Every record ever committed but telemetry; the key is what makes a second delivery change nothing."""

QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("id", BIG, primary_key=True),
    Column("topic", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("receive_time", Instant, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

STATIONS = Table(
    "stations",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("display_name", Text, nullable=False, default=""),
    Column("address", Text, nullable=False, default=""),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("simulated", Boolean, nullable=False, default=False),
    Column("software_version", Text, nullable=False, default=""),
    Column("start_epoch", Unsigned64),
    Column("start_sequence", BIG),
    Column("last_seen", Instant),
    Column("online", Boolean, nullable=False, default=False),
    Column("ac_power_w", Float),
    Column("manager_connected", Boolean, nullable=False, default=False),
    Column("epoch", Unsigned64),
    Column("sequence", BIG),
    Column("report", LargeBinary),
    Column("report_time", Instant),
    Column("shown", Text),
)
"""`report` is the newest record of telemetry as it came, with its order and time. `shown` is what it says of the
connectors' states and sessions while their rows say the same and are as new; null: look at the rows' own order."""

CONNECTORS = Table(
    "connectors",
    METADATA,
    Column("station", NAME, primary_key=True),
    Column("connector", Integer, primary_key=True, autoincrement=False),
    Column("type", String(20)),
    Column("max_power_w", Float),
    Column("position", String(10), nullable=False, default=""),
    Column("state", String(20)),
    Column("session", NAME),
    Column("detail", Text, nullable=False, default=""),
    Column("epoch", Unsigned64),
    Column("sequence", BIG),
    ForeignKeyConstraint(["station"], ["stations.id"]),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("ordinal", BIG, primary_key=True),
    Column("id", NAME, nullable=False, unique=True),
    Column("station", NAME, nullable=False),
    Column("connector", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("driver", NAME),
    Column("plugged", Boolean, nullable=False),
    Column("update_time", Instant, nullable=False),
    Column("live_energy_wh", BIG, nullable=False, server_default="0"),
    Column("document", Document(Session), nullable=False),
    Index(None, "driver", "ordinal"),
    Index(None, "state"),
)
"""`live_energy_wh` and `update_time` are what counts where the document has others: live values change only them."""

RECEIPTS = Table(
    "receipts",
    METADATA,
    Column("ordinal", BIG, primary_key=True),
    Column("id", NAME, nullable=False, unique=True),
    Column("session", NAME, nullable=False, unique=True),
    Column("driver", NAME),
    Column("issue_time", Instant, nullable=False),
    Column("document", Document(Receipt), nullable=False),
    Index(None, "driver", "ordinal"),
)
"""Never updated and never deleted; one per session."""

COMMANDS = Table(
    "commands",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("principal", NAME, nullable=False),
    Column("request_id", NAME, nullable=False),
    Column("request", String(300), nullable=False),
    Column("session", NAME, nullable=False),
    Column("station", NAME, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("expire_time", Instant, nullable=False),
    Column("outcome", String(20)),
    Column("detail", Text, nullable=False, default=""),
    Column("document", Document(StationCommand), nullable=False),
    UniqueConstraint("principal", "request_id"),
    Index(None, "outcome", "expire_time"),
)
"""What stations were told; a null outcome means that the station has not answered."""

USED_TOKENS = Table(
    "used_tokens",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("expire_time", Instant, nullable=False),
    Index(None, "expire_time"),
)
"""Sign-in tokens that were exchanged and web sessions that were signed out, until they would expire anyway."""

CHANGES = Table(
    "changes",
    METADATA,
    Column("cursor", BIG, primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("resource", NAME, nullable=False),
    Column("change_time", Instant, nullable=False),
    Index(None, "change_time"),
    sqlite_autoincrement=True,
)
"""Which resource changed, in the order of commits; written in the transaction that changes it."""
