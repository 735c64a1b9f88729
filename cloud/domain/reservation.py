"""A connector kept for a driver: for a time window, with a power that the station has not promised twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cloud.domain.location import Connector, Station
from cloud.domain.pricing import Booking
from cloud.domain.refusal import Refusal, Why
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power

LONGEST: Final = timedelta(hours=4)
FURTHEST: Final = timedelta(days=14)
"""How far ahead a window may begin."""
GRACE: Final = timedelta(minutes=15)
"""After the window's beginning; a driver who has not come by then has lost the connector."""
MOST: Final = 3
"""Open reservations of one driver."""


class ReservationState(StrEnum):
    """Where a reservation is, in the words of OCPI's bookings."""

    RESERVED = "reserved"
    FULFILLED = "fulfilled"
    CANCELED = "canceled"
    NO_SHOW = "no_show"
    REFUSED = "refused"
    """The station cannot guarantee it."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A promise to one driver."""

    id: str
    user: str
    station: StationId
    connector: ConnectorId
    start_time: datetime
    end_time: datetime
    power: Power
    """Guaranteed at the connector, DC, unless the grid takes it away."""
    create_time: datetime
    state: ReservationState = ReservationState.RESERVED
    session: SessionId | None = None
    """That fulfilled it."""
    confirmed: bool = False
    """True: the station has taken power and window into its plan."""
    detail: str = ""
    """Why the station refused it."""
    dropped: bool = False
    """True: the station is to forget it before its window ends."""

    def covers(self, now: datetime) -> bool:
        """True while the connector is kept for the driver."""
        return self.state is ReservationState.RESERVED and self.start_time <= now < self.end_time

    @property
    def lapse_time(self) -> datetime:
        """When it ends if nobody comes."""
        return min(self.end_time, self.start_time + GRACE)


def require_possible(wanted: Reservation, station: Station, others: Iterable[Reservation], now: datetime) -> None:
    """Return when the promise can be given.

    Args:
        wanted: What a driver asks for.
        station: Where.
        others: Reservations at that station, and the driver's elsewhere, that are not over.
        now: Of the request.

    Raises:
        Refusal: It cannot.
    """
    connector = station.connector(wanted.connector)
    if connector is None:
        raise Refusal(Why.NOT_FOUND, "There is no such connector.")
    _require_window(wanted, now)
    held = [one for one in others if one.state is ReservationState.RESERVED]
    if sum(one.user == wanted.user for one in held) >= MOST:
        raise Refusal(Why.RESOURCE_EXHAUSTED, f"You have {MOST} reservations already.")
    meanwhile = [one for one in held if one.station == wanted.station and _overlap(one, wanted)]
    if any(one.connector == wanted.connector for one in meanwhile):
        raise Refusal(Why.FAILED_PRECONDITION, "The connector is reserved in that time.")
    _require_power(wanted, station, connector, meanwhile)


def require_free(reservation: Reservation | None, user: str, now: datetime) -> None:
    """Return when `user` may start on a connector whose present reservation is this. None: it has none.

    Raises:
        Refusal: FAILED_PRECONDITION: it is kept for somebody else.
    """
    if reservation is not None and reservation.covers(now) and reservation.user != user:
        raise Refusal(Why.FAILED_PRECONDITION, "This connector is reserved for somebody else at the moment.")


def fulfilled(reservation: Reservation, session: SessionId) -> Reservation:
    """The reservation once its driver has started a session."""
    return replace(reservation, state=ReservationState.FULFILLED, session=session)


def canceled(reservation: Reservation) -> Reservation:
    """The reservation once its driver has given it up.

    Raises:
        Refusal: FAILED_PRECONDITION: it is over.
    """
    if reservation.state is not ReservationState.RESERVED:
        raise Refusal(Why.FAILED_PRECONDITION, "This reservation is over.")
    return replace(reservation, state=ReservationState.CANCELED)


def lapsed(reservation: Reservation, now: datetime) -> Reservation:
    """The reservation at `now`: one whose driver did not come in time is over."""
    if reservation.state is ReservationState.RESERVED and now >= reservation.lapse_time:
        return replace(reservation, state=ReservationState.NO_SHOW)
    return reservation


def confirmed(reservation: Reservation) -> Reservation:
    """The reservation once the station has promised it."""
    return replace(reservation, confirmed=True)


def refused(reservation: Reservation, why: str) -> Reservation:
    """The reservation once the station has said that it cannot promise it; one that is over stays as it is."""
    if reservation.state is not ReservationState.RESERVED:
        return replace(reservation, detail=why)
    return replace(reservation, state=ReservationState.REFUSED, confirmed=False, detail=why)


def booking(reservation: Reservation, now: datetime) -> Booking:
    """What the reservation costs from: OCPI bills from when it was made to when charging begins."""
    return Booking(reservation.create_time, now, expired=reservation.state is ReservationState.NO_SHOW)


def promised(reservations: Iterable[Reservation], now: datetime) -> Power:
    """The power that is promised at `now`."""
    return Power(sum(one.power.w for one in reservations if one.covers(now)))


def _require_window(wanted: Reservation, now: datetime) -> None:
    if wanted.start_time >= wanted.end_time or wanted.end_time - wanted.start_time > LONGEST:
        raise Refusal(Why.INVALID_ARGUMENT, f"A reservation ends after it begins, and within {LONGEST}.")
    if wanted.start_time < now - timedelta(minutes=1) or wanted.start_time > now + FURTHEST:
        raise Refusal(Why.INVALID_ARGUMENT, f"A reservation begins now or within {FURTHEST.days} days.")


def _require_power(
    wanted: Reservation, station: Station, connector: Connector, meanwhile: Sequence[Reservation]
) -> None:
    if wanted.power <= Power(0.0) or (connector.max_power is not None and wanted.power > connector.max_power):
        raise Refusal(Why.INVALID_ARGUMENT, f"This connector gives up to {connector.max_power}.")
    given = _most_at_once(wanted, meanwhile)
    can = capacity(station)
    if can is not None and given + wanted.power > can:
        left = max(Power(0.0), can - given)
        raise Refusal(Why.FAILED_PRECONDITION, f"In that time the station can promise {left} more.")


def capacity(station: Station) -> Power | None:
    """What the station can give in all. None: it has not said."""
    rated = (
        [one.limit for one in station.limits.sources if one.source is LimitSource.HARDWARE] if station.limits else []
    )
    if rated:
        return min(rated)
    powers = [one.max_power for one in station.connectors if one.max_power is not None]
    return max(powers) if powers else None


def left(wanted: Reservation, station: Station, others: Iterable[Reservation]) -> Power:
    """The most power that can be promised for the window of `wanted`; zero: none."""
    connector = station.connector(wanted.connector)
    bounds = [] if connector is None or connector.max_power is None else [connector.max_power]
    if (can := capacity(station)) is not None:
        meanwhile = [one for one in others if one.station == wanted.station and _overlap(one, wanted)]
        bounds.append(can - _most_at_once(wanted, meanwhile))
    return max(Power(0.0), min(bounds, default=Power(0.0)))


def _most_at_once(wanted: Reservation, meanwhile: Sequence[Reservation]) -> Power:
    """The most that is promised at any instant of the window: it only grows where one begins."""
    instants = [wanted.start_time, *(one.start_time for one in meanwhile if one.start_time > wanted.start_time)]
    return max(promised(meanwhile, instant) for instant in instants)


def _overlap(one: Reservation, other: Reservation) -> bool:
    return one.start_time < other.end_time and other.start_time < one.end_time
