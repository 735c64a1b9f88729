"""The schema of operations: how stations are, alarms, files, what the grid asked, tariffs, and notices to drivers."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from cloud.domain.fleet_cap import FleetCap
from cloud.domain.tariff import Tariff
from cloud.store.columns import BIG, NAME, Document, Instant
from cloud.store.tables import METADATA
from powerctl.core.health import ConfigurationReported, StationHealth
from powerctl.core.record import GridEvent, LinkReport

STATION_STATE = Table(
    "station_state",
    METADATA,
    Column("station", NAME, primary_key=True),
    Column("health", Document(StationHealth)),
    Column("health_time", Instant),
    Column("link", Document(LinkReport)),
    Column("link_time", Instant),
    Column("configuration", Document(ConfigurationReported)),
    Column("configuration_time", Instant),
    Column("desired", Document(dict[str, str])),
    Column("outbox_records", BIG),
    Column("outbox_oldest", Instant),
    Column("outbox_age_s", Float),
    Column("certificate_end", Instant),
    Column("clock_offset_s", Float),
    Column("signal", String(20)),
    Column("config_digest", String(64)),
    Column("drift", Boolean, nullable=False, default=False),
)
"""What a station's programs said last about themselves, and what its configuration should be.

The columns after `desired` repeat what is searched for; `outbox_age_s` is as of `health_time`.
"""

ALARMS = Table(
    "alarms",
    METADATA,
    Column("ordinal", BIG, primary_key=True),
    Column("id", NAME, nullable=False, unique=True),
    Column("station", NAME, nullable=False),
    Column("connector", Integer, nullable=False),
    Column("code", NAME, nullable=False),
    Column("detail", Text, nullable=False),
    Column("start_time", Instant, nullable=False),
    Column("end_time", Instant),
    Column("acknowledge_time", Instant),
    Column("acknowledged_by", Text, nullable=False, default=""),
    Column("note", Text, nullable=False, default=""),
    Column("values", Document(dict[str, str])),
    Index(None, "station", "ordinal"),
    Index(None, "end_time"),
)
"""A null `end_time` means that it is not over; connector 0 is the station as a whole."""

GRID_EVENTS = Table(
    "grid_events",
    METADATA,
    Column("ordinal", BIG, primary_key=True),
    Column("station", NAME, nullable=False),
    Column("event_time", Instant, nullable=False),
    Column("receive_time", Instant, nullable=False),
    Column("document", Document(GridEvent), nullable=False),
    Index(None, "station", "event_time"),
    Index(None, "event_time"),
)

STATION_FILES = Table(
    "station_files",
    METADATA,
    Column("upload", NAME, primary_key=True),
    Column("station", NAME, nullable=False),
    Column("file_name", String(120), nullable=False),
    Column("count", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("create_time", Instant, nullable=False),
    Index(None, "station", "create_time"),
)

FILE_CHUNKS = Table(
    "file_chunks",
    METADATA,
    Column("upload", NAME, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

TARIFFS = Table(
    "tariffs",
    METADATA,
    Column("ordinal", BIG, primary_key=True),
    Column("id", NAME, nullable=False, unique=True),
    Column("request_id", NAME, nullable=False, unique=True),
    Column("state", String(20), nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("publish_time", Instant),
    Column("document", Document(Tariff), nullable=False),
    Index(None, "state"),
)
"""At most one is published; while none is, the settings' tariff holds."""

FLEET_CAPS = Table(
    "fleet_caps",
    METADATA,
    Column("ordinal", BIG, primary_key=True),
    Column("id", NAME, nullable=False, unique=True),
    Column("principal", NAME, nullable=False),
    Column("request_id", NAME, nullable=False),
    Column("end_time", Instant, nullable=False),
    Column("document", Document(FleetCap), nullable=False),
    UniqueConstraint("principal", "request_id"),
    Index(None, "end_time"),
)

NOTIFY_SETTINGS = Table(
    "notify_settings",
    METADATA,
    Column("user", NAME, primary_key=True),
    Column("email", String(254), nullable=False),
    Column("on_finished", Boolean, nullable=False),
    Column("on_stopped", Boolean, nullable=False),
    Column("on_slowed", Boolean, nullable=False),
)

PUSH_SUBSCRIPTIONS = Table(
    "push_subscriptions",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("user", NAME, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    Index(None, "user"),
)
"""The id is a hash of the endpoint; whoever has the endpoint and its keys can send, so both are sealed."""

NOTICES = Table(
    "notices",
    METADATA,
    Column("ordinal", BIG, primary_key=True),
    Column("user", NAME, nullable=False),
    Column("session", NAME, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("due_time", Instant),
    Column("attempts", Integer, nullable=False),
    UniqueConstraint("session", "kind"),
    Index(None, "due_time"),
)
"""What drivers are to be told, once per session and kind; a null `due_time` means told, or given up."""
