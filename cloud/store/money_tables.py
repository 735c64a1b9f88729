"""The schema of money: purchases, charging tokens, reservations, and what receipts need beside themselves."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from cloud.domain.credit import Credit
from cloud.domain.purchase import Purchase
from cloud.domain.reservation import Reservation
from cloud.store.columns import BIG, NAME, Document, Instant
from cloud.store.tables import METADATA

PURCHASES = Table(
    "purchases",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("user", NAME, nullable=False),
    Column("request_id", NAME, nullable=False),
    Column("request", String(300), nullable=False),
    Column("state", String(20), nullable=False),
    Column("session", NAME),
    Column("due_time", Instant),
    Column("create_time", Instant, nullable=False),
    Column("document", Document(Purchase), nullable=False),
    UniqueConstraint("user", "request_id"),
    Index(None, "due_time"),
    Index(None, "session"),
)
"""A null `due_time` means that nothing is to be done."""

CHARGING_TOKENS = Table(
    "charging_tokens",
    METADATA,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("purchase", NAME, nullable=False),
    Column("user", NAME, nullable=False),
    Column("station", NAME, nullable=False),
    Column("connector", Integer, nullable=False),
    Column("expire_time", Instant, nullable=False),
    Column("session", NAME),
    Index(None, "purchase"),
)
"""Only what a token hashes to is kept; a row with a session was used, and is deleted when the session is over."""

PAYMENT_EVENTS = Table(
    "payment_events",
    METADATA,
    Column("id", String(120), primary_key=True),
    Column("receive_time", Instant, nullable=False),
    Index(None, "receive_time"),
)
"""Webhooks that were taken, so that a second delivery changes nothing."""

RESERVATIONS = Table(
    "reservations",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("user", NAME, nullable=False),
    Column("request_id", NAME, nullable=False),
    Column("request", String(300), nullable=False),
    Column("station", NAME, nullable=False),
    Column("connector", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("start_time", Instant, nullable=False),
    Column("end_time", Instant, nullable=False),
    Column("holding", Boolean, nullable=False),
    Column("ask_time", Instant),
    Column("session", NAME),
    Column("document", Document(Reservation), nullable=False),
    UniqueConstraint("user", "request_id"),
    Index(None, "ask_time"),
    Index(None, "station", "state", "end_time"),
    Index(None, "state", "end_time"),
)
"""`holding`: the connector is kept now, as watchers have been told. `ask_time`: when the station is told (again)."""

PSEUDONYMS = Table(
    "pseudonyms",
    METADATA,
    Column("pseudonym", NAME, primary_key=True),
    Column("user", NAME, nullable=False),
    Column("year", Integer, nullable=False),
    Column("key", LargeBinary(32), nullable=False),
    UniqueConstraint("user", "year"),
)
"""Who is meant by receipts of a year. Without the row a receipt is nobody's, wherever copies of it are."""

SEALS = Table(
    "receipt_seals",
    METADATA,
    Column("receipt", NAME, primary_key=True),
    Column("number", BIG, nullable=False, unique=True, autoincrement=False),
    Column("signed", Text),
    Column("public_key", Text),
)
"""The number of each receipt, without gaps, and its signed record; null: there was no key to sign with."""

METER_RECORDS = Table(
    "meter_records",
    METADATA,
    Column("station", NAME, primary_key=True),
    Column("session", NAME, primary_key=True),
    Column("transaction", NAME, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("receive_time", Instant, nullable=False),
    Index(None, "receive_time"),
)
"""What a meter has signed, byte for byte. It may come after the receipt of its session was written."""

CREDITS = Table(
    "credits",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("receipt", NAME, nullable=False),
    Column("number", BIG, nullable=False, unique=True, autoincrement=False),
    Column("principal", NAME, nullable=False),
    Column("request_id", NAME, nullable=False),
    Column("issue_time", Instant, nullable=False),
    Column("document", Document(Credit), nullable=False),
    UniqueConstraint("principal", "request_id"),
    Index(None, "receipt"),
)
"""What was given back; never updated."""
