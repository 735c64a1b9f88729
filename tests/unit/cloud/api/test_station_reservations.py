"""A reservation is the station's promise too: it is told, it answers, and it is told when nobody needs it any more."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from cloud.api.ordering import Ordering
from cloud.api.reserving import ASK_AGAIN, Reserving, Window
from cloud.domain.reservation import GRACE, Reservation, ReservationState
from cloud.store import reservations
from powerctl.core.order import DropReservation, KeepReservation, StationAction
from powerctl.core.record import CommandOutcome, CommandResult
from powerctl.core.units import Power
from tests.unit.cloud.api_world import Cloud, cloud, random_id
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import (
    ANNA,
    BERT,
    LEFT,
    NOON,
    STATION,
    began,
    describes,
    over,
    plugged,
    reading,
    unplugged,
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("reserving"))


@pytest.fixture
async def api(files: SqliteFiles) -> AsyncIterator[Cloud]:
    async with cloud(await files.new()) as running:
        await running.world.reports(describes())
        yield running


@pytest.fixture
def reserving(api: Cloud) -> Reserving:
    return Reserving(Ordering(api.world.store, api.notebook, random_id))


async def made(reserving: Reserving, begin_min: float = 60) -> Reservation:
    start = NOON + timedelta(minutes=begin_min)
    window = Window(STATION, LEFT, start, start + timedelta(hours=1), Power(11_000.0))
    return await reserving.create(window, str(uuid.uuid4()), ANNA)


async def known(api: Cloud, reservation: Reservation) -> Reservation:
    async with api.world.store.database.read() as connection:
        found = await reservations.load(connection, reservation.id)
    assert found is not None
    return found


def told(api: Cloud) -> list[StationAction]:
    return [command.action for _, command in api.notebook.sent]


async def answers(api: Cloud, outcome: CommandOutcome, detail: str = "") -> None:
    """The station answers the last command."""
    command = api.notebook.sent[-1][1]
    await api.world.reports(CommandResult(command.command_id, outcome, detail))


async def test_the_station_is_told_and_its_promise_is_shown(api: Cloud, reserving: Reserving) -> None:
    reservation = await made(reserving)
    start = reservation.start_time
    assert told(api) == [KeepReservation(reservation.id, LEFT, start, start + timedelta(hours=1), Power(11_000.0))]
    assert not (await known(api, reservation)).confirmed
    await answers(api, CommandOutcome.ACCEPTED)
    assert (await known(api, reservation)).confirmed
    api.world.clock.advance(ASK_AGAIN.total_seconds() + 1)
    await reserving.tick()
    assert len(told(api)) == 1


async def test_what_the_station_cannot_guarantee_is_refused_with_its_reason(api: Cloud, reserving: Reserving) -> None:
    reservation = await made(reserving)
    await answers(api, CommandOutcome.REJECTED, "At 13:00 UTC the station can guarantee 4.2 kW more.")
    after = await known(api, reservation)
    assert (after.state, after.detail[:12]) == (ReservationState.REFUSED, "At 13:00 UTC")
    again = await made(reserving)
    assert again.id != reservation.id


async def test_a_station_that_does_not_answer_is_told_again(api: Cloud, reserving: Reserving) -> None:
    await made(reserving)
    await reserving.tick()
    assert len(told(api)) == 1
    api.world.clock.advance(ASK_AGAIN.total_seconds() + 1)
    await reserving.tick()
    assert [type(action) for action in told(api)] == [KeepReservation, KeepReservation]
    await answers(api, CommandOutcome.EXPIRED)
    api.world.clock.advance(ASK_AGAIN.total_seconds() + 1)
    await reserving.tick()
    assert len(told(api)) == 3


async def test_one_that_is_given_up_is_dropped_at_the_station(api: Cloud, reserving: Reserving) -> None:
    reservation = await made(reserving)
    await answers(api, CommandOutcome.ACCEPTED)
    await reserving.cancel(reservation.id, ANNA)
    assert told(api)[-1] == DropReservation(reservation.id)
    await answers(api, CommandOutcome.ACCEPTED)
    api.world.clock.advance(ASK_AGAIN.total_seconds() + 1)
    await reserving.tick()
    assert len(told(api)) == 2


async def test_a_late_answer_to_the_keeping_does_not_revive_it(api: Cloud, reserving: Reserving) -> None:
    reservation = await made(reserving)
    keep = api.notebook.sent[-1][1]
    await reserving.cancel(reservation.id, ANNA)
    await api.world.reports(CommandResult(keep.command_id, CommandOutcome.ACCEPTED, ""))
    after = await known(api, reservation)
    assert (after.state, after.confirmed) == (ReservationState.CANCELED, False)


async def test_one_that_nobody_came_for_is_dropped(api: Cloud, reserving: Reserving) -> None:
    reservation = await made(reserving, begin_min=1)
    await answers(api, CommandOutcome.ACCEPTED)
    api.world.clock.advance(60 + GRACE.total_seconds() + 1)
    await reserving.tick()
    await reserving.tick()
    assert told(api)[-1] == DropReservation(reservation.id)
    assert (await known(api, reservation)).state is ReservationState.NO_SHOW


async def test_one_whose_session_is_over_is_dropped_before_its_window_ends(api: Cloud, reserving: Reserving) -> None:
    reservation = await made(reserving, begin_min=0)
    await answers(api, CommandOutcome.ACCEPTED)
    await api.world.reports(*plugged())
    await api.charging.start(STATION, LEFT, str(uuid.uuid4()), ANNA)
    await reserving.tick()
    assert not [action for action in told(api) if isinstance(action, DropReservation)]
    await api.world.reports(began(), over(reading(1_000, 1), reading(3_500, 10)), *unplugged())
    await reserving.tick()
    assert told(api)[-1] == DropReservation(reservation.id)
    count = len(told(api))
    await reserving.tick()
    assert len(told(api)) == count


async def test_anothers_reservation_is_not_there_to_be_cancelled(api: Cloud, reserving: Reserving) -> None:
    reservation = await made(reserving)
    with pytest.raises(Exception, match="no such reservation"):
        await reserving.cancel(reservation.id, BERT)
