"""Computes what a session costs by a tariff: exactly, in whole Wh and seconds, rounding once at the end.

The rules are those of OCPI 2.3.0 (mod_tariffs): per dimension the first element that holds; `step_size` once per
session for energy, and once for time, where it counts for the total of parking when parking was billed, and else for
charging. What OCPI leaves open is decided here: a total is rounded half up to the minor unit with tax in it, and energy
that was metered across a change of price is billed at the lower of the prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final

from cloud.domain.money import Money, payable
from cloud.domain.tariff import (
    Component,
    Dimension,
    Element,
    Moment,
    Price,
    PriceLine,
    ReservationRestriction,
    Tariff,
    component_at,
)

RULE: Final = "half-up-total-incl-tax/1"
"""Name of the rounding rule, kept on every receipt."""


@dataclass(frozen=True, slots=True)
class Period:
    """A part of a session in which one thing was done."""

    start: datetime
    end: datetime
    energy_wh: int = 0
    parking: bool = False
    """True: the vehicle asked for nothing although it was offered power."""
    power_w: float | None = None
    current_a: float | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """How long a connector was kept for somebody."""

    start: datetime
    """When the reservation was made."""
    end: datetime
    """When charging began, or when it expired."""
    expired: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """An amount that has one price."""

    component: Component
    quantity: int
    """Wh, seconds, or 1."""
    booking: bool = False

    @property
    def cost(self) -> Fraction:
        return Fraction(self.component.price) * self.quantity / _PER_PRICE[self.component.dimension]


_PER_PRICE: Final = {Dimension.ENERGY: 1000, Dimension.TIME: 3600, Dimension.PARKING_TIME: 3600, Dimension.FLAT: 1}


def price(tariff: Tariff, energy_wh: int, duration: timedelta, idle: timedelta = timedelta()) -> Price:
    """What `energy_wh` taken in `duration` costs when the clock and the power do not matter.

    Args:
        tariff: As frozen at the start of the session.
        energy_wh: Difference of two register readings; not negative.
        duration: Between the two readings; below zero counts as zero.
        idle: The part of it in which the vehicle asked for nothing.
    """
    start = datetime(2000, 1, 1, tzinfo=UTC)
    return price_use(tariff, plain_periods(start, start + duration, energy_wh, idle))


def plain_periods(start: datetime, end: datetime, energy_wh: int, idle: timedelta) -> tuple[Period, ...]:
    """Charging, then idling for `idle` at the end."""
    end = max(start, end)
    turn = max(start, end - max(idle, timedelta()))
    charging = Period(start, turn, energy_wh)
    return (charging, Period(turn, end, parking=True)) if turn < end else (charging,)


def price_use(tariff: Tariff, periods: Sequence[Period], booking: Booking | None = None) -> Price:
    """What a session costs, and the reservation that led to it. No periods: only the reservation."""
    used = _stepped([*_energy(tariff, periods), *_times(tariff, periods)])
    pieces = [*used, *_flat(tariff, periods), *_stepped(list(_booked(tariff, booking)))]
    return _total(tariff, list(_merged(pieces)))


def _energy(tariff: Tariff, periods: Sequence[Period]) -> Iterator[_Piece]:
    taken = 0
    for period in periods:
        moments = [_moment(tariff, periods[0].start, span, taken) for span in _spans(tariff, periods[0].start, period)]
        if period.energy_wh > 0:
            cheapest = min(moments, key=lambda m: _rate(component_at(tariff.parts, Dimension.ENERGY, m)))
            yield from _by_energy(tariff, cheapest, period.energy_wh)
        taken += period.energy_wh


def _by_energy(tariff: Tariff, moment: Moment, energy_wh: int) -> Iterator[_Piece]:
    """Energy cut where the amount that was taken changes the price."""
    limits = (bound for e in tariff.parts for bound in (e.restrictions.min_kwh, e.restrictions.max_kwh))
    marks = {int(bound * 1000) for bound in limits if bound is not None}
    first, last = moment.energy_wh, moment.energy_wh + energy_wh
    for low, high in pairwise([first, *sorted(mark for mark in marks if first < mark < last), last]):
        component = component_at(tariff.parts, Dimension.ENERGY, replace(moment, energy_wh=low))
        if component is not None:
            yield _Piece(component, high - low)


def _times(tariff: Tariff, periods: Sequence[Period]) -> Iterator[_Piece]:
    taken = 0
    for period in periods:
        dimension = Dimension.PARKING_TIME if period.parking else Dimension.TIME
        for span in _spans(tariff, periods[0].start, period):
            moment = _moment(tariff, periods[0].start, span, taken)
            component = component_at(tariff.parts, dimension, moment)
            seconds = _seconds(periods[0].start, span.end) - moment.elapsed_s
            if component is not None and seconds > 0:
                yield _Piece(component, seconds)
        taken += period.energy_wh


def _flat(tariff: Tariff, periods: Sequence[Period]) -> Iterator[_Piece]:
    if not periods:
        return
    first = periods[0]
    component = component_at(tariff.parts, Dimension.FLAT, _moment(tariff, first.start, first, 0))
    if component is not None:
        yield _Piece(component, 1)


def _booked(tariff: Tariff, booking: Booking | None) -> Iterator[_Piece]:
    if booking is None:
        return
    kinds = [ReservationRestriction.RESERVATION]
    if booking.expired:
        kinds.insert(0, ReservationRestriction.RESERVATION_EXPIRES)
    seconds = max(0, int((booking.end - booking.start).total_seconds()))
    for dimension, quantity in ((Dimension.TIME, seconds), (Dimension.FLAT, 1)):
        priced = (_reserved(tariff.parts, dimension, kind) for kind in kinds)
        if (component := next(filter(None, priced), None)) is not None:
            yield _Piece(component, quantity, booking=True)


def _reserved(elements: Iterable[Element], dimension: Dimension, kind: ReservationRestriction) -> Component | None:
    found = (one.component(dimension) for one in elements if one.restrictions.reservation is kind)
    return next(filter(None, found), None)


def _stepped(pieces: list[_Piece]) -> list[_Piece]:
    """Energy and time filled up to whole steps of the last price of their kind."""
    parked = any(piece.component.dimension is Dimension.PARKING_TIME for piece in pieces)
    for dimension in (Dimension.ENERGY, Dimension.PARKING_TIME if parked else Dimension.TIME):
        ours = [place for place, piece in enumerate(pieces) if piece.component.dimension is dimension]
        if not ours:
            continue
        last = pieces[ours[-1]]
        missing = -sum(pieces[place].quantity for place in ours) % max(1, last.component.step_size)
        pieces[ours[-1]] = replace(last, quantity=last.quantity + missing)
    return pieces


def _merged(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """One piece per price, in the order kWh, minute, session, other in which drivers compare (AFIR, article 5)."""
    sums: dict[tuple[bool, int, Decimal, Decimal | None], _Piece] = {}
    for piece in pieces:
        component = piece.component
        key = (piece.booking, _ORDER.index(component.dimension), component.price, component.vat)
        known = sums.get(key)
        sums[key] = replace(piece, quantity=piece.quantity + known.quantity) if known else piece
    yield from (sums[key] for key in sorted(sums, key=lambda k: k[:2]))


_ORDER: Final = (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME, Dimension.FLAT)


def _total(tariff: Tariff, pieces: Sequence[_Piece]) -> Price:
    rates = [Fraction(_vat(tariff, piece)) / 100 for piece in pieces]
    costs = [piece.cost for piece in pieces]
    lines = [_line(tariff, piece) for piece in pieces]
    if tariff.tax_included:
        gross = sum(costs, Fraction())
        net = sum((cost / (1 + rate) for cost, rate in zip(costs, rates, strict=True)), Fraction())
    else:
        net = sum(costs, Fraction())
        gross = net + sum((cost * rate for cost, rate in zip(costs, rates, strict=True)), Fraction())
        lines += _tax_lines(tariff, pieces)
    bound_net, bound_gross, name = _bounded(tariff, net, gross)
    if bound_gross != gross:
        lines.append(_adjustment(tariff, name, bound_gross - gross))
    return Price(tuple(lines), _payable(tariff, bound_gross), _payable(tariff, bound_net))


def _bounded(tariff: Tariff, net: Fraction, gross: Fraction) -> tuple[Fraction, Fraction, str]:
    """Net and gross within the tariff's limits, which hold for both, and the name of the one that binds."""
    for limit, bound, name in ((tariff.min_price, max, "Minimum price"), (tariff.max_price, min, "Maximum price")):
        if limit is None:
            continue
        after = limit.before_taxes if limit.after_taxes is None else limit.after_taxes
        bounded = bound(net, Fraction(limit.before_taxes)), bound(gross, Fraction(after))
        if bounded != (net, gross):
            return *bounded, name
    return net, gross, ""


def _tax_lines(tariff: Tariff, pieces: Sequence[_Piece]) -> Iterator[PriceLine]:
    for percent in sorted({_vat(tariff, piece) for piece in pieces}):
        base = sum((piece.cost for piece in pieces if _vat(tariff, piece) == percent), Fraction())
        if tariff.tax_percent or percent:
            yield _plain_line(tariff, "Tax", percent, "%", base / 100, base * Fraction(percent) / 100)


def _vat(tariff: Tariff, piece: _Piece) -> Decimal:
    return tariff.tax_percent if piece.component.vat is None else piece.component.vat


_NAMES: Final = {
    (Dimension.ENERGY, False): "Energy",
    (Dimension.TIME, False): "Time",
    (Dimension.PARKING_TIME, False): "Idle time",
    (Dimension.FLAT, False): "Session",
    (Dimension.TIME, True): "Reservation",
    (Dimension.FLAT, True): "Reservation fee",
}
_UNITS: Final = {Dimension.ENERGY: ("kWh", 1000), Dimension.FLAT: ("session", 1)}


def _line(tariff: Tariff, piece: _Piece) -> PriceLine:
    dimension = piece.component.dimension
    unit, per = _UNITS.get(dimension, ("min", 60))
    each = Fraction(piece.component.price) * per / _PER_PRICE[dimension]
    quantity = Fraction(piece.quantity, per)
    line = _plain_line(tariff, _NAMES[dimension, piece.booking], _decimal(quantity, 4), unit, each, piece.cost)
    return replace(line, tax_percent=_vat(tariff, piece))


def _adjustment(tariff: Tariff, name: str, amount: Fraction) -> PriceLine:
    return _plain_line(tariff, name, Decimal(1), "session", amount, amount)


def _plain_line(tariff: Tariff, name: str, quantity: Decimal, unit: str, each: Fraction, amount: Fraction) -> PriceLine:
    unit_price, cost = (Money(tariff.currency, _decimal(value, 12)) for value in (each, amount))
    return PriceLine(name, quantity, unit, unit_price, cost)


def _payable(tariff: Tariff, amount: Fraction) -> Money:
    # More digits than are shown keep a half of the minor unit apart from its neighbours.
    return payable(Money(tariff.currency, _decimal(amount, 18)))


def _decimal(value: Fraction, digits: int) -> Decimal:
    scaled = value * 10**digits
    whole = (abs(scaled) * 2 + 1) // 2
    return Decimal(int(whole if scaled >= 0 else -whole)).scaleb(-digits).normalize() + Decimal(0)


def _rate(component: Component | None) -> Decimal:
    return component.price if component is not None else Decimal(0)


def _moment(tariff: Tariff, begin: datetime, span: Period, energy_wh: int) -> Moment:
    local = span.start.astimezone(tariff.zone)
    return Moment(local, _seconds(begin, span.start), energy_wh, span.power_w, span.current_a)


def _seconds(begin: datetime, instant: datetime) -> int:
    return max(0, int((instant - begin).total_seconds()))


def _spans(tariff: Tariff, begin: datetime, period: Period) -> list[Period]:
    """The period cut where the clock changes a price."""
    cuts = sorted(cut for cut in set(_cuts(tariff, begin, period)) if period.start < cut < period.end)
    return [replace(period, start=low, end=high) for low, high in pairwise([period.start, *cuts, period.end])]


def _cuts(tariff: Tariff, begin: datetime, period: Period) -> Iterator[datetime]:
    for element in tariff.elements:
        restrictions = element.restrictions
        for seconds in (restrictions.min_duration, restrictions.max_duration):
            if seconds is not None:
                yield begin + timedelta(seconds=seconds)
        if restrictions.by_clock:
            yield from _local_cuts(tariff, period, {restrictions.start_time, restrictions.end_time, time.min})


def _local_cuts(tariff: Tariff, period: Period, times: Iterable[time | None]) -> Iterator[datetime]:
    zone = tariff.zone
    day, last = period.start.astimezone(zone).date(), period.end.astimezone(zone).date()
    while day <= last:
        yield from (datetime.combine(day, each, zone).astimezone(UTC) for each in times if each is not None)
        day += timedelta(days=1)
