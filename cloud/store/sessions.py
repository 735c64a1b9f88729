"""Sessions and receipts in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Select, Table, Text, bindparam, cast, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.receipt import Receipt
from cloud.domain.session import Session
from cloud.store.columns import Json
from cloud.store.money_tables import PSEUDONYMS
from cloud.store.rows import ManyRows, RawQuery, upsert_many, where_in
from cloud.store.tables import RECEIPTS, SESSIONS
from powerctl.core.ids import SessionId, StationId

DECODED: Final = 10_000
"""Sessions whose decoded document is remembered."""
_SESSION: Final[TypeAdapter[Session]] = TypeAdapter(Session)
_TEXT: Final = cast(SESSIONS.c.document, Text).label("document")
"""The document as text, by which its decoded form is remembered."""
_WHOLE: Final = select(SESSIONS.c.live_energy_wh, SESSIONS.c.update_time, _TEXT)
_ONE: Final = _WHOLE.where(SESSIONS.c.id == bindparam("session"))
_SOME: Final = _WHOLE.where(SESSIONS.c.id.in_(bindparam("sessions", expanding=True)))


async def load(connection: AsyncConnection, session: SessionId) -> Session | None:
    """The session with this id. None: there is none."""
    found = (await connection.execute(_ONE, {"session": session})).one_or_none()
    return _whole(found) if found is not None else None


async def charging(connection: AsyncConnection, wanted: Collection[SessionId]) -> dict[SessionId, tuple[Session, int]]:
    """The sessions of these ids, as far as there are any, and what each has charged by now, in Wh.

    Their own `live_energy_wh` and `update_time` are of the time when their documents were written: to make sessions of
    both would cost more than all else that live values need of them.
    """
    rows = await where_in(connection, SESSIONS, ("id", "live_energy_wh", "document"), wanted)
    return {SessionId(name): (_decoded(document), energy_wh) for name, energy_wh, document in rows}


def _whole(row: Any) -> Session:
    """The session in a row of `_WHOLE`."""
    session = _decoded(row.document)
    if session.live_energy_wh == row.live_energy_wh and session.update_time == row.update_time:
        return session
    return replace(session, live_energy_wh=row.live_energy_wh, update_time=row.update_time)


def _decoded(document: str) -> Session:
    """The session in a document. One that charges is read as often as it reports, and mostly written here."""
    return _known.get(document) or _remembered(document, _SESSION.validate_json(document))


def _remembered(document: str, session: Session) -> Session:
    _known[document] = session
    if len(_known) > DECODED:
        del _known[next(iter(_known))]
    return session


_known: dict[str, Session] = {}
"""Decoded documents, oldest first. A document means the same for ever, so nothing can be out of date here."""


async def save(connection: AsyncConnection, session: Session, now: datetime) -> None:
    """Write the session over what is there."""
    await save_all(connection, [session], now)


async def save_all(connection: AsyncConnection, changed: Sequence[Session], now: datetime) -> None:
    """Write the sessions over what is there."""
    await _SAVE.execute(connection, [_row(session, now) for session in changed])


async def meter(connection: AsyncConnection, energies: Mapping[SessionId, int], now: datetime) -> None:
    """Note what sessions have charged by now, in Wh; nothing else of them changes."""
    await _METER.execute(connection, [(energy_wh, now, session) for session, energy_wh in energies.items()])


_SAVE: Final = upsert_many(
    SESSIONS,
    ("id",),
    ("station", "connector", "state", "driver", "plugged", "update_time", "live_energy_wh", "document"),
)
_METER: Final = ManyRows(
    SESSIONS,
    ("energy", "time", "session"),
    lambda _: (
        update(SESSIONS)
        .where(SESSIONS.c.id == bindparam("session"))
        .values(live_energy_wh=bindparam("energy"), update_time=bindparam("time"))
    ),
)


def _row(session: Session, now: datetime) -> tuple[Any, ...]:
    """In the order of `_SAVE`."""
    written = replace(session, update_time=now)
    document = Json(_SESSION.dump_json(written), "utf-8")
    _remembered(document, written)
    return (
        session.id,
        session.station,
        session.connector,
        session.state.value,
        session.driver,
        session.unplug_time is None,
        now,
        session.live_energy_wh,
        document,
    )


async def names(
    connection: AsyncConnection,
    *,
    driver: str | None,
    before: int | None,
    size: int,
    stations: Collection[StationId] = (),
) -> list[tuple[int, SessionId]]:
    """Ordinals and ids of sessions, newest first.

    Args:
        connection: An open transaction.
        driver: Only this driver's. None: everybody's.
        before: Ordinal of the last one seen. None: from the newest.
        size: At most so many.
        stations: Also everybody's at these stations.
    """
    newest = _NEWEST if before is None else before
    if driver is None:
        return list(await _EVERYBODYS.rows(connection, before=newest, size=size))
    if not stations:
        return list(await _ONES.rows(connection, before=newest, size=size, driver=driver))
    query = _NAMES.where(_shown(SESSIONS, driver, stations))
    return [(row[0], row[1]) for row in await connection.execute(query, {"before": newest, "size": size})]


_NEWEST: Final = 2**63 - 1
_NAMES: Final = (
    select(SESSIONS.c.ordinal, SESSIONS.c.id)
    .where(SESSIONS.c.ordinal < bindparam("before"))
    .order_by(SESSIONS.c.ordinal.desc())
    .limit(bindparam("size"))
)
_EVERYBODYS: Final = RawQuery(_NAMES)
_ONES: Final = RawQuery(_NAMES.where(SESSIONS.c.driver == bindparam("driver")))


async def load_all(connection: AsyncConnection, wanted: Collection[SessionId]) -> list[Session]:
    """The sessions of these ids, as far as there are any."""
    if not wanted:
        return []
    return [_whole(row) for row in await connection.execute(_SOME, {"sessions": list(wanted)})]


async def owned(connection: AsyncConnection, driver: str) -> list[Session]:
    """All of this driver's, in no order."""
    return [_whole(row) for row in await connection.execute(_WHOLE.where(SESSIONS.c.driver == driver))]


async def current(
    connection: AsyncConnection,
    driver: str | None,
    since: datetime,
    size: int,
    stations: Collection[StationId] = (),
) -> list[Session]:
    """Sessions that are plugged in or changed after `since`, newest first."""
    query = _WHOLE.where(SESSIONS.c.plugged | (SESSIONS.c.update_time > since))
    query = query.where(_shown(SESSIONS, driver, stations))
    rows = await connection.execute(query.order_by(SESSIONS.c.ordinal.desc()).limit(size))
    return [_whole(row) for row in rows]


async def load_receipt(connection: AsyncConnection, receipt: str) -> Receipt | None:
    """The receipt with this id. None: there is none."""
    row = (await connection.execute(_NAMED_RECEIPTS.where(RECEIPTS.c.id == receipt))).first()
    return _named(row) if row is not None else None


async def receipt_page(
    connection: AsyncConnection,
    *,
    driver: str | None,
    before: int | None,
    size: int,
    stations: Collection[StationId] = (),
) -> tuple[list[Receipt], int | None]:
    """Receipts, newest first, and the ordinal to continue before. None: that is all. Arguments as in `names`."""
    query = _NAMED_RECEIPTS.where(_shown(RECEIPTS, driver, stations))
    rows, following = await _page(connection, query, before, size)
    return [_named(row) for row in rows], following


_NAMED_RECEIPTS: Final = select(RECEIPTS.c.ordinal, RECEIPTS.c.document, PSEUDONYMS.c.user).outerjoin(
    PSEUDONYMS, PSEUDONYMS.c.pseudonym == RECEIPTS.c.driver
)


def _named(row: Any) -> Receipt:
    """The receipt with its driver in the place of the pseudonym. None: who it was is forgotten."""
    receipt: Receipt = row.document
    return replace(receipt, driver=row.user)


def _shown(table: Table, driver: str | None, stations: Collection[StationId]) -> ColumnElement[bool]:
    """What belongs to `driver`, or happened at one of `stations`."""
    if driver is None:
        return true()
    own = table.c.driver == driver
    if table is RECEIPTS:
        own = table.c.driver.in_(select(PSEUDONYMS.c.pseudonym).where(PSEUDONYMS.c.user == driver))
    if not stations:
        return own
    there = select(SESSIONS.c.id).where(SESSIONS.c.station.in_(stations))
    return or_(own, (table.c.id if table is SESSIONS else table.c.session).in_(there))


async def _page(
    connection: AsyncConnection, query: Select[Any], before: int | None, size: int
) -> tuple[Sequence[Any], int | None]:
    ordinal = query.selected_columns["ordinal"]
    if before is not None:
        query = query.where(ordinal < before)
    rows = (await connection.execute(query.order_by(ordinal.desc()).limit(size + 1))).all()
    return rows[:size], (rows[size - 1].ordinal if len(rows) > size else None)
