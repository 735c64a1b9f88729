"""Reserving connectors: one transaction decides what can be promised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from cloud.api.charging import require_request_id
from cloud.api.ordering import Batch, Ordering
from cloud.domain.principal import Principal
from cloud.domain.refusal import Refusal, Why
from cloud.domain.reservation import (
    Reservation,
    ReservationState,
    canceled,
    lapsed,
    left,
    require_possible,
)
from cloud.store import locations, reservations
from cloud.store.changes import Changed
from cloud.store.store import Store
from cloud.store.writing import Writing
from powerctl.core.ids import ConnectorId, StationId
from powerctl.core.order import DropReservation, KeepReservation, StationAction
from powerctl.core.units import Power
from powerctl.runtime import log

ASK_AGAIN: Final = timedelta(minutes=1)
"""A station that has not answered is told again after so long."""
AT_ONCE: Final = 100
"""Stations that are told in one round."""

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Window:
    """What a driver asks for."""

    station: StationId
    connector: ConnectorId
    start_time: datetime
    end_time: datetime
    power: Power
    """Zero: whatever is left."""


@dataclass(frozen=True, slots=True)
class Reserving:
    """Makes, keeps and ends reservations."""

    ordering: Ordering

    @property
    def store(self) -> Store:
        """Where reservations are."""
        return self.ordering.store

    async def create(self, window: Window, request_id: str, caller: Principal) -> Reservation:
        """A promise to `caller`.

        Raises:
            Refusal: It cannot be given, or the request id is not a new one.
        """
        require_request_id(request_id)
        request = f"reserve {window}"[:300]
        async with self.ordering.batch() as batch:
            writing = batch.writing
            known = await reservations.asked(writing.connection, caller.user, request_id)
            if known is not None:
                return _same(known, request)
            made = await self._decide(writing, window, caller)
            await reservations.add(writing.connection, made, request_id, request)
            await _tell_station(batch, made)
            if made.covers(writing.now):
                await _tell(writing, made, holding=True)
        _log.info("connector_reserved", reservation=made.id, station=made.station, connector=made.connector)
        return made

    async def _decide(self, writing: Writing, window: Window, caller: Principal) -> Reservation:
        station = await locations.load(writing.connection, window.station)
        if station is None:
            raise Refusal(Why.NOT_FOUND, "There is no such connector.")
        now = writing.now
        others = await reservations.waiting(writing.connection, station.id, caller.user, now)
        wanted = Reservation(
            id=self.ordering.new_id(),
            user=caller.user,
            station=window.station,
            connector=window.connector,
            start_time=window.start_time,
            end_time=window.end_time,
            power=window.power,
            create_time=now,
        )
        if wanted.power == Power(0.0):
            wanted = replace(wanted, power=left(wanted, station, others))
        require_possible(wanted, station, others, now)
        return wanted

    async def cancel(self, reservation: str, caller: Principal) -> Reservation:
        """Give a reservation up.

        Raises:
            Refusal: It is over, or not the caller's.
        """
        async with self.ordering.batch() as batch:
            found = await reservations.load(batch.writing.connection, reservation)
            if found is None or not caller.owns_or_operates(found.user):
                raise Refusal(Why.NOT_FOUND, "There is no such reservation.")
            after = replace(canceled(found), dropped=True)
            await _tell(batch.writing, after, holding=False)
            await _tell_station(batch, after)
        return after

    async def tick(self) -> None:
        """Keep connectors whose windows begin; give those to others for which nobody came."""
        await self._tell_stations()
        async with self.store.database.read() as connection:
            due = await reservations.changing(connection, self.store.clock.utc())
        if not any(_moves(one, known, self.store.clock.utc()) for one, known in due):
            return
        async with self.store.write() as writing:
            for one, known in await reservations.changing(writing.connection, writing.now):
                if _moves(one, known, writing.now):
                    after = lapsed(one, writing.now)
                    await _tell(writing, after, holding=after.covers(writing.now))
                    if after.state is not one.state:
                        await _drop(writing, after)

    async def _tell_stations(self) -> None:
        """Tell stations again what they have not answered, and what is over before its window."""
        now = self.store.clock.utc()
        async with self.store.database.read() as connection:
            over = await reservations.used_up(connection, now)
            untold = await reservations.untold(connection, now, AT_ONCE)
        if not over and not untold:
            return
        async with self.ordering.batch() as batch:
            for one in over:
                await _drop(batch.writing, one)
            for one in await reservations.untold(batch.writing.connection, batch.writing.now, AT_ONCE):
                await _tell_station(batch, one)


def _moves(reservation: Reservation, known: bool, now: datetime) -> bool:
    after = lapsed(reservation, now)
    return after != reservation or after.covers(now) != known


async def _drop(writing: Writing, reservation: Reservation) -> None:
    """Have the station forget it: its window goes on, but nobody needs it any more."""
    await reservations.save(writing.connection, replace(reservation, dropped=True), holding=False)
    await reservations.ask_at(writing.connection, reservation.id, writing.now)


async def _tell_station(batch: Batch, reservation: Reservation) -> None:
    """Send the station what it is to do about a reservation; again in a while, until it has answered."""
    now = batch.writing.now
    if reservation.end_time <= now or (reservation.dropped and reservation.state is ReservationState.REFUSED):
        await reservations.ask_at(batch.writing.connection, reservation.id, None)
        return
    action: StationAction = DropReservation(reservation.id)
    if not reservation.dropped:
        window = reservation.start_time, reservation.end_time
        action = KeepReservation(reservation.id, reservation.connector, *window, reservation.power)
    await batch.give(reservation.station, action)
    await reservations.ask_at(batch.writing.connection, reservation.id, now + ASK_AGAIN)


async def _tell(writing: Writing, reservation: Reservation, *, holding: bool) -> None:
    await reservations.save(writing.connection, reservation, holding=holding)
    writing.changed.append(Changed("location", reservation.station))
    if reservation.state is not ReservationState.RESERVED:
        _log.info("reservation_over", reservation=reservation.id, state=reservation.state.value)


def _same(known: tuple[Reservation, str], request: str) -> Reservation:
    if known[1] != request:
        raise Refusal(Why.ALREADY_EXISTS, "This request_id was used for another request; make a new one.")
    return known[0]
