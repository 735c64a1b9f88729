"""The audit log in the database: a hash chain that grows by one line per deed.

A deed is written in the transaction that does it, so what was done is in the log and what is in the log was done; one
that is refused gets a transaction of its own. Without room for the line nothing is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.audit import OK, AuditEntry, Deed, Wanted, entry
from cloud.store.identity_tables import AUDIT, AUDIT_ANCHORS
from powerctl.runtime.hashchain import Broken, Head, Unreadable, fault, parse, sealed

_PAGE: Final = 500
_MOST_READ: Final = 20 * _PAGE
"""Lines that one search reads before it answers with what it has found."""
_ANY: Final = Wanted()
_asked: ContextVar[Deed | None] = ContextVar("asked", default=None)


@contextmanager
def asked(deed: Deed) -> Iterator[None]:
    """Until the block ends, the first transaction that is committed in it carries `deed`."""
    token = _asked.set(deed)
    try:
        yield
    finally:
        _asked.reset(token)


@contextmanager
def carried() -> Iterator[Deed | None]:
    """The deed that the transaction in this block is to carry; it counts as written when the block succeeds."""
    deed = _asked.get()
    yield deed if deed is not None and not deed.written else None
    if deed is not None:
        deed.written = True


async def append(connection: AsyncConnection, deed: Deed, now: datetime, result: str = OK, detail: str = "") -> None:
    """Write `deed` at the end of the chain. Writers come one at a time, so the end is the end."""
    head, line = sealed(await end(connection), deed.body(now, result, detail))
    await connection.execute(insert(AUDIT).values(number=head.number, time=now, line=line))


async def end(connection: AsyncConnection) -> Head:
    """The chain's end."""
    query = select(AUDIT.c.line).order_by(AUDIT.c.number.desc()).limit(1)
    line = (await connection.execute(query)).scalar_one_or_none()
    return parse(line).head if line is not None else Head()


async def page(
    connection: AsyncConnection,
    *,
    before: int | None,
    size: int,
    wanted: Wanted = _ANY,
    times: tuple[datetime | None, datetime | None] = (None, None),
) -> tuple[list[AuditEntry], int | None]:
    """Entries that fit, newest first, and the number to continue before. None: that is all.

    A search reads a bounded part of the log: it may find nothing and still be continued.
    """
    found: list[AuditEntry] = []
    for _ in range(0, _MOST_READ, _PAGE):
        lines = await _older(connection, before, times)
        for line in lines:
            one = entry(parse(line))
            if not wanted.fits(one):
                before = one.number
                continue
            if len(found) == size:
                return found, before
            found.append(one)
            before = one.number
        if len(lines) < _PAGE:
            return found, None
    return found, before


async def _older(
    connection: AsyncConnection, before: int | None, times: tuple[datetime | None, datetime | None]
) -> Sequence[bytes]:
    query = select(AUDIT.c.line).order_by(AUDIT.c.number.desc()).limit(_PAGE)
    start, end_ = times
    if before is not None:
        query = query.where(AUDIT.c.number < before)
    if start is not None:
        query = query.where(AUDIT.c.time >= start)
    if end_ is not None:
        query = query.where(AUDIT.c.time < end_)
    return (await connection.execute(query)).scalars().all()


async def lines(connection: AsyncConnection) -> AsyncIterator[bytes]:
    """Every line in order."""
    after = 0
    while True:
        query = select(AUDIT.c.number, AUDIT.c.line).where(AUDIT.c.number > after).order_by(AUDIT.c.number).limit(_PAGE)
        rows = (await connection.execute(query)).all()
        for row in rows:
            yield row.line
        if len(rows) < _PAGE:
            return
        after = rows[-1].number


@dataclass(frozen=True, slots=True)
class Verdict:
    """What following the chain has found."""

    entries: int
    broken: Broken | None
    digests: dict[int, str]
    """By the numbers that were asked for, as far as they exist."""


async def verify(connection: AsyncConnection, wanted: frozenset[int] = frozenset()) -> Verdict:
    """Follow the whole chain to its first broken link."""
    head, digests = Head(), dict[int, str]()
    async for line in lines(connection):
        try:
            link = parse(line)
            why = fault(head, link)
        except Unreadable as error:
            return Verdict(head.number, Broken(head.number + 1, str(error)), digests)
        if why is not None:
            return Verdict(head.number, Broken(link.number, why), digests)
        head = link.head
        if head.number in wanted:
            digests[head.number] = head.digest
    return Verdict(head.number, None, digests)


async def add_anchor(connection: AsyncConnection, number: int, token: str, now: datetime) -> None:
    """Write a signed end of the chain."""
    await connection.execute(insert(AUDIT_ANCHORS).values(number=number, time=now, token=token))


async def anchors(connection: AsyncConnection) -> dict[int, str]:
    """Every signed end by its number."""
    rows = await connection.execute(select(AUDIT_ANCHORS).order_by(AUDIT_ANCHORS.c.number))
    return {row.number: row.token for row in rows}


async def last_anchor(connection: AsyncConnection) -> tuple[int, datetime] | None:
    """Number and time of the newest signed end. None: there is none."""
    query = select(AUDIT_ANCHORS).order_by(AUDIT_ANCHORS.c.number.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return (row.number, row.time) if row is not None else None
