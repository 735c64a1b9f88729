"""A violation of each invariant, made by hand after a storm: a check that sees none of them checks nothing.

Every sabotage is undone: in the database by a savepoint, in memory by hand.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from sqlalchemy import insert, select, text, update

from cloud.store.money_tables import CHARGING_TOKENS, RESERVATIONS
from cloud.store.tables import RECEIPTS, SESSIONS
from powerctl.core.ids import SessionId
from powerctl.core.session import ConnectorState
from tests.soak.checks import CHECKS, Evidence, every_invariant_holds
from tests.soak.roadside import Roadside

Sabotage = Callable[[Evidence], contextlib.AbstractAsyncContextManager[None]]


def _used(evidence: Evidence) -> Roadside:
    """A station at which somebody has charged."""
    return next(roadside for roadside in evidence.cell.roadsides if roadside.charged)


def sql(statement: str) -> Sabotage:
    """Done in the database."""

    @contextlib.asynccontextmanager
    async def done(evidence: Evidence) -> AsyncIterator[None]:
        for part in statement.split(";"):
            await evidence.connection.execute(text(part))
        yield

    return done


@contextlib.asynccontextmanager
async def a_station_said_something_else(evidence: Evidence) -> AsyncIterator[None]:
    history = evidence.cell.roadsides[0].history
    first, second = sorted(history)[:2]
    kept, history[first] = history[first], history[second]
    yield
    history[first] = kept


@contextlib.asynccontextmanager
async def a_session_without_a_receipt(evidence: Evidence) -> AsyncIterator[None]:
    charged = _used(evidence).charged
    charged.append(replace(charged[0], session=SessionId(str(uuid.uuid4()))))
    yield
    charged.pop()


@contextlib.asynccontextmanager
async def a_meter_counted_one_watt_hour_more(evidence: Evidence) -> AsyncIterator[None]:
    charged = _used(evidence).charged
    kept, charged[0] = charged[0], replace(charged[0], end_wh=charged[0].end_wh + 1)
    yield
    charged[0] = kept


@contextlib.asynccontextmanager
async def a_hold_is_captured_twice(evidence: Evidence) -> AsyncIterator[None]:
    captures = evidence.cell.provider.captures
    name = next(iter(captures))
    captures[name] += 1
    yield
    captures[name] -= 1


@contextlib.asynccontextmanager
async def a_token_is_left(evidence: Evidence) -> AsyncIterator[None]:
    row = {"hash": bytes(32), "purchase": "p", "user": "anna", "station": "ST-1", "connector": 1}
    await evidence.connection.execute(insert(CHARGING_TOKENS).values(**row, expire_time=datetime.now(UTC)))
    yield


@contextlib.asynccontextmanager
async def a_connector_is_promised_twice(evidence: Evidence) -> AsyncIterator[None]:
    reserved = RESERVATIONS.c.state == "reserved"
    row: dict[str, Any] = dict(
        (await evidence.connection.execute(select(RESERVATIONS).where(reserved).limit(1))).mappings().one()
    )
    again = {**row, "id": str(uuid.uuid4()), "request_id": str(uuid.uuid4()), "document": row["document"]}
    await evidence.connection.execute(insert(RESERVATIONS).values(again))
    yield


@contextlib.asynccontextmanager
async def two_sessions_overlap(evidence: Evidence) -> AsyncIterator[None]:
    billed = select(SESSIONS.c.document).where(SESSIONS.c.id.in_(select(RECEIPTS.c.session))).limit(2)
    one, other = (await evidence.connection.execute(billed)).scalars()
    same = replace(other, station=one.station, connector=one.connector, started=one.started, ended=one.ended)
    await evidence.connection.execute(update(SESSIONS).where(SESSIONS.c.id == other.id).values(document=same))
    yield


@contextlib.asynccontextmanager
async def a_session_never_ends(evidence: Evidence) -> AsyncIterator[None]:
    billed = select(SESSIONS.c.document).where(SESSIONS.c.id.in_(select(RECEIPTS.c.session))).limit(1)
    one = (await evidence.connection.execute(billed)).scalar_one()
    await evidence.connection.execute(
        update(SESSIONS).where(SESSIONS.c.id == one.id).values(document=replace(one, ended=None))
    )
    yield


@contextlib.asynccontextmanager
async def energy_falls(evidence: Evidence) -> AsyncIterator[None]:
    energies = evidence.drivers[0].energies
    energies["sessions/none"] = [5, 3]
    yield
    del energies["sessions/none"]


@contextlib.asynccontextmanager
async def a_connector_is_not_as_it_is_seen(evidence: Evidence) -> AsyncIterator[None]:
    roadside = evidence.cell.roadsides[0]
    kept, roadside.state = roadside.state, ConnectorState.FAULTED
    yield
    roadside.state = kept


SABOTAGES: Final[tuple[tuple[str, Sabotage], ...]] = (
    ("I1", sql("DELETE FROM inbox WHERE station = 'ST-1' AND sequence = 1")),
    ("I1", a_station_said_something_else),
    ("I2", a_session_without_a_receipt),
    ("I3", a_meter_counted_one_watt_hour_more),
    ("I4", a_hold_is_captured_twice),
    ("I5", a_token_is_left),
    ("I6", two_sessions_overlap),
    ("I6", a_session_never_ends),
    ("I7", a_connector_is_promised_twice),
    ("I8", energy_falls),
    (
        "I9",
        sql(
            "ALTER TABLE audit DISABLE TRIGGER USER;"
            "UPDATE audit SET line = replace(encode(line, 'escape'), 'anna', 'bert')::bytea WHERE number IN"
            " (SELECT number FROM audit WHERE encode(line, 'escape') LIKE '%anna%' LIMIT 1)"
        ),
    ),
    ("I10", a_connector_is_not_as_it_is_seen),
)


async def every_violation_is_seen(evidence: Evidence) -> None:
    """Raises AssertionError: a check did not see what it is there for. `evidence` is read in a transaction."""
    assert {invariant for invariant, _ in SABOTAGES} == set(CHECKS)
    for invariant, sabotage in SABOTAGES:
        savepoint = await evidence.connection.begin_nested()
        async with sabotage(evidence):
            with pytest.raises(AssertionError, match=rf"^{invariant}\b"):
                await CHECKS[invariant](evidence)
        await savepoint.rollback()
    await every_invariant_holds(evidence)
