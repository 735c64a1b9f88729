"""The ten invariants, checked on the histories of both sides: what the stations said, what the cloud made of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.purchase import FINAL, HoldStatus
from cloud.domain.receipt import Receipt
from cloud.domain.reservation import ReservationState
from cloud.domain.session import Session
from cloud.store import audit, locations
from cloud.store.money_tables import CHARGING_TOKENS, PURCHASES, RESERVATIONS
from cloud.store.tables import QUARANTINE, RECEIPTS, SESSIONS
from powerctl.core.health import ConfigurationReported, StationHealth
from powerctl.core.ids import SessionId
from powerctl.core.record import CommandResult, LinkReport, SecurityEvent
from powerctl.v1 import session_pb2, uplink_pb2
from powerctl.wire.batch import decode_record
from tests.contract.api.peers import Failed
from tests.soak.cell import Cell
from tests.soak.drivers import Driver

OWN_WORDS = (StationHealth, ConfigurationReported, LinkReport, SecurityEvent, CommandResult)
"""What the uplink says by itself, beside what the station's controller says; it also answers for a full mailbox."""


@dataclass
class Ledger:
    """What the cloud's database says after the storm."""

    receipts: dict[SessionId, Receipt]
    sessions: list[Session]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The histories of both sides."""

    cell: Cell
    drivers: list[Driver]
    connection: AsyncConnection

    async def ledger(self) -> Ledger:
        """What the database says now."""
        receipts = (await self.connection.execute(select(RECEIPTS.c.document))).scalars()
        sessions = (await self.connection.execute(select(SESSIONS.c.document))).scalars()
        return Ledger({one.session: one for one in receipts}, list(sessions))


async def i1_every_record_is_stored_exactly_once(on: Evidence) -> None:
    cell = on.cell
    connection = on.connection
    rows = (await connection.execute(text("SELECT station, sequence, payload FROM records"))).all()
    stored = {(row.station, row.sequence): _without_sequence(row.payload) for row in rows}
    assert len(stored) == len(rows), "I1: stored twice, under two epochs"
    for roadside in cell.roadsides:
        for number, payload in roadside.history.items():
            found = stored.pop((roadside.name, number), None)
            assert found is not None, f"I1: {roadside.name} {number} is lost"
            assert decode_record(found) == decode_record(payload), f"I1: {roadside.name} {number} is another"
    strange = {key: body for key, data in stored.items() if not isinstance(body := decode_record(data).body, OWN_WORDS)}
    assert not strange, f"I1: nobody said {sorted(strange.items())[:5]}"
    for roadside in cell.roadsides:
        numbers = sorted(row.sequence for row in rows if row.station == roadside.name)
        assert numbers == list(range(1, len(numbers) + 1)), f"I1: {roadside.name} has gaps"
    assert (await connection.execute(select(QUARANTINE.c.reason))).all() == [], "I1: something was quarantined"


def _without_sequence(payload: bytes) -> bytes:
    record = uplink_pb2.Record.FromString(payload)
    record.ClearField("sequence")
    return record.SerializeToString(deterministic=True)


async def i2_every_ended_session_has_one_receipt(on: Evidence) -> None:
    cell = on.cell
    connection = on.connection
    ended = {one.session for roadside in cell.roadsides for one in roadside.charged}
    issued = Counter((await connection.execute(select(RECEIPTS.c.session))).scalars())
    assert set(issued) == ended, f"I2: {ended ^ set(issued)}"
    assert all(number == 1 for number in issued.values()), "I2: two receipts for one session"


async def i3_receipts_say_what_the_meters_saw(on: Evidence) -> None:
    cell = on.cell
    ledger = await on.ledger()
    for roadside in cell.roadsides:
        for one in roadside.charged:
            receipt = ledger.receipts[one.session]
            assert receipt.energy_wh == one.end_wh - one.begin_wh, f"I3: {one.session}"
        billed = sum(ledger.receipts[one.session].energy_wh for one in roadside.charged)
        assert billed == roadside.register_wh - 1_000, f"I3: {roadside.name}'s receipts are not what its meter counted"


async def i4_captured_is_what_the_receipt_says_and_was_authorised(on: Evidence) -> None:
    cell = on.cell
    ledger = await on.ledger()
    connection = on.connection
    provider = cell.provider
    assert all(number == 1 for number in provider.captures.values()), "I4: captured twice"
    for hold in provider.holds.values():
        assert hold.captured.amount <= hold.authorised.amount, "I4: more captured than authorised"
    purchases = list((await connection.execute(select(PURCHASES.c.document))).scalars())
    assert [one.id for one in purchases if one.state not in FINAL] == [], "I4: a purchase is still open"
    captured = sum((one.captured.amount for one in provider.holds.values()), Decimal(0))
    billed = sum((one.total.amount for one in ledger.receipts.values()), Decimal(0))
    assert captured == billed, "I4: captured is not what receipts say"
    assert [one.id for one in provider.holds.values() if one.status is HoldStatus.HELD] == [], "I4: a hold is forgotten"


async def i5_a_used_token_is_good_for_nothing(on: Evidence) -> None:
    drivers = on.drivers
    connection = on.connection
    left = (await connection.execute(select(CHARGING_TOKENS.c.purchase))).all()
    assert left == [], "I5: a token outlives its session"
    for driver in drivers:
        for token, plug in driver.tokens[-3:]:
            request = session_pb2.StartSessionRequest(
                connector=plug, request_id="0" * 8 + token[:28], charging_token=token
            )
            with pytest.raises(Failed):
                await driver.ask("SessionService/StartSession", request, session_pb2.Session)


async def i6_a_connector_has_one_session_at_a_time(on: Evidence) -> None:
    ledger = await on.ledger()
    spans: dict[Any, list[tuple[int, int]]] = defaultdict(list)
    for receipt in ledger.receipts.values():
        session = next(one for one in ledger.sessions if one.id == receipt.session)
        assert session.started is not None, "I6"
        assert session.ended is not None, "I6"
        begin, end = session.started.reading.register_wh, session.ended.reading.register_wh
        spans[session.station, session.connector].append((begin, end))
    for place, found in spans.items():
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(found))), f"I6: two sessions at once at {place}"
    running = Counter((one.station, one.connector) for one in ledger.sessions if one.started and not one.ended)
    assert not running, f"I6: {running}"


async def i7_a_connector_is_promised_to_one_person_at_a_time(on: Evidence) -> None:
    connection = on.connection
    query = select(RESERVATIONS).where(RESERVATIONS.c.state == ReservationState.RESERVED.value)
    windows: dict[Any, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in await connection.execute(query):
        windows[row.station, row.connector].append((row.start_time, row.end_time))
    assert windows, "I7: nobody could reserve anything"
    for place, found in windows.items():
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(found))), f"I7: {place} is promised twice"


async def i8_energy_never_falls(on: Evidence) -> None:
    drivers = on.drivers
    for driver in drivers:
        for session, told in driver.energies.items():
            assert told == sorted(told), f"I8: the energy of {session} fell: {told}"
    assert any(driver.energies for driver in drivers), "I8: nobody watched"


async def i9_the_audit_chain_is_whole(on: Evidence) -> None:
    assert (await audit.verify(on.connection)).broken is None, "I9: the audit chain is broken"


async def i10_the_cloud_sees_the_connectors_as_they_are(on: Evidence) -> None:
    cell = on.cell
    connection = on.connection
    for roadside in cell.roadsides:
        station = await locations.load(connection, roadside.station.name)
        assert station is not None, "I10"
        assert station.online, f"I10: {roadside.name} counts as silent"
        states = {plug.id: plug.state for plug in station.connectors}
        assert states[next(iter(states))] is roadside.state, f"I10: {roadside.name} is {roadside.state}, not {states}"


CHECKS: Final[Mapping[str, Callable[[Evidence], Awaitable[None]]]] = {
    "I1": i1_every_record_is_stored_exactly_once,
    "I2": i2_every_ended_session_has_one_receipt,
    "I3": i3_receipts_say_what_the_meters_saw,
    "I4": i4_captured_is_what_the_receipt_says_and_was_authorised,
    "I5": i5_a_used_token_is_good_for_nothing,
    "I6": i6_a_connector_has_one_session_at_a_time,
    "I7": i7_a_connector_is_promised_to_one_person_at_a_time,
    "I8": i8_energy_never_falls,
    "I9": i9_the_audit_chain_is_whole,
    "I10": i10_the_cloud_sees_the_connectors_as_they_are,
}


async def every_invariant_holds(on: Evidence) -> None:
    """Raises AssertionError: one does not, and which."""
    for check in CHECKS.values():
        await check(on)
