"""Reserving connectors: one transaction decides what can be promised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from cloud.api.charging import require_request_id
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
from powerctl.core.units import Power
from powerctl.runtime import log

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

    store: Store
    new_id: Callable[[], str]
    """Makes a random id."""

    async def create(self, window: Window, request_id: str, caller: Principal) -> Reservation:
        """A promise to `caller`.

        Raises:
            Refusal: It cannot be given, or the request id is not a new one.
        """
        require_request_id(request_id)
        request = f"reserve {window}"[:300]
        async with self.store.write() as writing:
            known = await reservations.asked(writing.connection, caller.user, request_id)
            if known is not None:
                return _same(known, request)
            made = await self._decide(writing, window, caller)
            await reservations.add(writing.connection, made, request_id, request)
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
            id=self.new_id(),
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
        async with self.store.write() as writing:
            found = await reservations.load(writing.connection, reservation)
            if found is None or not caller.owns_or_operates(found.user):
                raise Refusal(Why.NOT_FOUND, "There is no such reservation.")
            after = canceled(found)
            await _tell(writing, after, holding=False)
        return after

    async def tick(self) -> None:
        """Keep connectors whose windows begin; give those to others for which nobody came."""
        async with self.store.database.read() as connection:
            due = await reservations.changing(connection, self.store.clock.utc())
        if not any(_moves(one, known, self.store.clock.utc()) for one, known in due):
            return
        async with self.store.write() as writing:
            for one, known in await reservations.changing(writing.connection, writing.now):
                if _moves(one, known, writing.now):
                    after = lapsed(one, writing.now)
                    await _tell(writing, after, holding=after.covers(writing.now))


def _moves(reservation: Reservation, known: bool, now: datetime) -> bool:
    after = lapsed(reservation, now)
    return after != reservation or after.covers(now) != known


async def _tell(writing: Writing, reservation: Reservation, *, holding: bool) -> None:
    await reservations.save(writing.connection, reservation, holding=holding)
    writing.changed.append(Changed("location", reservation.station))
    if reservation.state is not ReservationState.RESERVED:
        _log.info("reservation_over", reservation=reservation.id, state=reservation.state.value)


def _same(known: tuple[Reservation, str], request: str) -> Reservation:
    if known[1] != request:
        raise Refusal(Why.ALREADY_EXISTS, "This request_id was used for another request; make a new one.")
    return known[0]
