"""Live values and the states that others tell of connectors, in whatever order they come; on both databases."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from cloud.domain.location import SILENCE
from cloud.ingest.ports import StoredRecord
from cloud.store.live import report_of
from cloud.store.tables import CONNECTORS, SESSIONS
from powerctl.core.ids import ConnectorId
from powerctl.core.record import ConnectorStatusChanged, Telemetry
from powerctl.core.session import ConnectorState
from tests.unit.cloud.stories import LEFT, RIGHT, SESSION, STATION, began, describes, live, plugged, says, telemetry
from tests.unit.cloud.world import World

FREE, BUSY = ConnectorState.AVAILABLE, ConnectorState.CHARGING


def _random_entry(here: World, dice: random.Random, sequence: int) -> StoredRecord:
    if dice.random() < 0.3:
        connector, state = dice.choice((LEFT, RIGHT)), dice.choice((FREE, BUSY, ConnectorState.FAULTED))
        return here.entry(says(state, connector=connector, session=None), sequence)
    inside = dice.choice(((LEFT, RIGHT), (LEFT, RIGHT), (LEFT,)))
    return here.entry(telemetry(*(live(at, session=None, state=dice.choice((FREE, BUSY))) for at in inside)), sequence)


class Told:
    """What is to be believed: of reports the newest only, as a whole; of a connector the newest record of these."""

    def __init__(self) -> None:
        self.states: dict[ConnectorId, tuple[int, ConnectorState]] = {}
        self._newest = 0

    def take(self, entries: Sequence[StoredRecord]) -> None:
        """Hear what comes in one transaction."""
        for entry in sorted(entries, key=lambda one: -one.sequence):
            body = entry.record.body
            if isinstance(body, ConnectorStatusChanged):
                self._state(body.connector, entry.sequence, body.state)
            elif isinstance(body, Telemetry) and entry.sequence > self._newest:
                self._newest = entry.sequence
                for one in body.connectors:
                    self._state(one.connector, entry.sequence, one.state)

    def _state(self, connector: ConnectorId, sequence: int, state: ConnectorState) -> None:
        if connector not in self.states or self.states[connector][0] < sequence:
            self.states[connector] = sequence, state


async def _states(here: World) -> Mapping[ConnectorId, ConnectorState | None]:
    return {one.id: one.state for one in (await here.station()).connectors}


@pytest.mark.parametrize("seed", range(8))
async def test_a_connector_is_as_the_newest_record_says_in_whatever_order_they_come(here: World, seed: int) -> None:
    dice = random.Random(seed)
    entries = [_random_entry(here, dice, sequence) for sequence in range(2, 32)]
    dice.shuffle(entries)
    await here.commits([here.entry(describes(), 1)])
    told = Told()
    while entries:
        some, entries = entries[: (size := dice.randint(1, 3))], entries[size:]
        await here.commits(some)
        told.take(some)
        states = await _states(here)
        assert {one: states[one] for one in told.states} == {one: state for one, (_, state) in told.states.items()}


async def _row_sequence(here: World) -> int | None:
    query = select(CONNECTORS.c.sequence).where(CONNECTORS.c.station == STATION, CONNECTORS.c.connector == LEFT)
    async with here.store.database.read() as connection:
        found: int | None = (await connection.execute(query)).scalar_one()
        return found


async def test_connectors_are_written_only_when_a_report_says_something_else_of_them(here: World) -> None:
    await here.commits([here.entry(describes(), 1), here.entry(telemetry(live(session=None, state=FREE)), 2)])
    await here.commits([here.entry(telemetry(live(kw=3.0, session=None, state=FREE)), 3)])
    values = (await here.station()).connectors[0].live
    assert values is not None
    assert (values.power.w, await _row_sequence(here)) == (3000.0, 2)
    await here.commits([here.entry(telemetry(live(session=None, state=BUSY)), 4)])
    assert await _row_sequence(here) == 4


async def test_of_a_connector_that_reports_leave_out_the_last_one_that_had_it_counts(here: World) -> None:
    both = telemetry(live(session=None, state=FREE), live(RIGHT, session=None, state=FREE))
    await here.commits([here.entry(describes(), 1), here.entry(both, 2)])
    await here.commits([here.entry(both, 5)])
    await here.commits([here.entry(telemetry(live(session=None, state=BUSY)), 9)])
    await here.commits([here.entry(says(ConnectorState.FAULTED, connector=RIGHT, session=None), 3)])
    assert await _states(here) == {LEFT: BUSY, RIGHT: FREE}


async def test_live_values_do_not_write_a_sessions_document(here: World) -> None:
    async def document() -> str:
        async with here.store.database.read() as connection:
            return str((await connection.execute(select(SESSIONS.c.document))).scalar_one())

    await here.reports(describes(), *plugged(), began())
    before, told = await document(), (await here.session()).update_time
    here.clock.advance(60)
    await here.reports(telemetry(live(wh=812.0)))
    session = await here.session()
    assert (await document(), session.live_energy_wh, session.update_time) == (before, 812, here.clock.utc())
    assert session.update_time != told
    await here.reports(telemetry(live(wh=500.0)))
    assert (await here.session()).live_energy_wh == 812, "a register does not fall"


async def test_a_session_that_changes_with_its_live_values_has_both(here: World) -> None:
    await here.reports(describes(), *plugged(), began(), telemetry(live(wh=40.0)))
    assert (await here.session()).live_energy_wh == 40
    await here.reports(telemetry(live(wh=90.0)), says(ConnectorState.OCCUPIED, detail="Asks for nothing."))
    session = await here.session()
    assert (session.live_energy_wh, session.id) == (90, SESSION)


async def test_a_station_is_heard_even_when_it_says_nothing_new(here: World) -> None:
    entry = here.entry(telemetry(live(session=None)))
    await here.commits([here.entry(describes()), entry])
    here.clock.advance((SILENCE + timedelta(seconds=1)).total_seconds())
    await here.store.expire()
    assert not (await here.station()).online
    await here.commits([entry])
    station = await here.station()
    assert (station.online, station.last_seen) == (True, here.clock.utc())


def test_a_report_that_this_program_cannot_read_is_none() -> None:
    assert report_of(None) is None
    assert report_of(b"\x12\x00") is None
