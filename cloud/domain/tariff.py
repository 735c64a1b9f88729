"""What charging costs, in the words of OCPI 2.3.0. A tariff is frozen when a session starts and does not change in it.

A tariff is either three plain prices, or `elements`: lists of price components with restrictions on when they hold.
`pricing.py` computes with both alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from cloud.domain.money import Money

_ZERO = Decimal(0)
DAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
"""OCPI's names, in the order of `datetime.weekday`."""


class Dimension(StrEnum):
    """What a component prices."""

    ENERGY = "ENERGY"
    """Per kilowatt hour; steps of 1 Wh."""
    TIME = "TIME"
    """Per hour of charging, or of a reservation; steps of 1 s."""
    PARKING_TIME = "PARKING_TIME"
    """Per hour in which the vehicle asks for nothing (OCPI 2.3.0, mod_cdrs); never while we withhold power."""
    FLAT = "FLAT"
    """Once."""


class ReservationRestriction(StrEnum):
    """Which reservations an element prices."""

    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"
    """Only those that no session followed."""


@dataclass(frozen=True, slots=True)
class Component:
    """A price per unit of one dimension."""

    dimension: Dimension
    price: Decimal
    """Per kWh, per hour, or once."""
    vat: Decimal | None = None
    """Percent. None: the tariff's."""
    step_size: int = 1
    """What is used is billed in whole blocks of so many Wh or seconds."""


@dataclass(frozen=True, slots=True)
class Restrictions:
    """When an element holds: all of these together. None or empty: no restriction."""

    start_time: time | None = None
    """Local time of day, inclusive."""
    end_time: time | None = None
    """Local time of day, exclusive; before `start_time`: on the next day."""
    start_date: date | None = None
    end_date: date | None = None
    """Exclusive."""
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    min_power: Decimal | None = None
    """Kilowatts."""
    max_power: Decimal | None = None
    min_duration: int | None = None
    """Seconds since the session began, inclusive."""
    max_duration: int | None = None
    day_of_week: frozenset[str] = frozenset()
    reservation: ReservationRestriction | None = None

    @property
    def by_power(self) -> bool:
        """True when it depends on what flows now."""
        return any(bound is not None for bound in (self.min_current, self.max_current, self.min_power, self.max_power))

    @property
    def by_clock(self) -> bool:
        """True when it depends on the time of day, the date or the duration."""
        bounds = (self.start_time, self.end_time, self.start_date, self.end_date, self.min_duration, self.max_duration)
        return bool(self.day_of_week) or any(bound is not None for bound in bounds)


UNRESTRICTED: Final = Restrictions()


@dataclass(frozen=True, slots=True)
class Element:
    """Components that hold together. Per dimension the first element that holds counts."""

    components: tuple[Component, ...]
    restrictions: Restrictions = UNRESTRICTED

    def component(self, dimension: Dimension) -> Component | None:
        """Its component of this dimension. None: it has none."""
        return next((one for one in self.components if one.dimension is dimension), None)


@dataclass(frozen=True, slots=True)
class PriceLimit:
    """A bound on what a session costs."""

    before_taxes: Decimal
    after_taxes: Decimal | None = None
    """None: follows from the other."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices in one currency. With `elements` the three plain prices are only what is shown in one line."""

    name: str
    currency: str
    """ISO 4217."""
    energy_price_per_kwh: Decimal
    session_fee: Decimal = _ZERO
    price_per_minute: Decimal = _ZERO
    """Of charging and of idling alike."""
    tax_percent: Decimal = _ZERO
    tax_included: bool = True
    """False: tax is a line of its own."""
    description: str = ""
    elements: tuple[Element, ...] = ()
    """Empty: the plain prices count."""
    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    time_zone: str = "UTC"
    """IANA name of the zone of the location, in which restrictions name times of day."""
    preauthorize_amount: Decimal = _ZERO
    """Held on the driver's card before a session begins."""

    @property
    def zone(self) -> tzinfo:
        """The zone in which restrictions name times of day."""
        return ZoneInfo(self.time_zone)

    @property
    def parts(self) -> tuple[Element, ...]:
        """What is computed with: the elements, or the plain prices as one."""
        return self.elements or (_plain(self),)

    @property
    def prices_time(self) -> frozenset[Dimension]:
        """The dimensions of time in a session that cost something."""
        parts = [part for part in self.parts if part.restrictions.reservation is None]
        priced = {one.dimension for part in parts for one in part.components if one.price}
        return frozenset(priced & {Dimension.TIME, Dimension.PARKING_TIME})

    @property
    def follows_clock(self) -> bool:
        """True when the time of day, the date or the duration decides about a price."""
        bounds = (element.restrictions for element in self.elements)
        return any(bound.by_clock and bound.reservation is None for bound in bounds)

    @property
    def follows_power(self) -> bool:
        """True when it matters when the energy flowed, or how fast."""
        return any(element.restrictions.by_power or element.restrictions.by_clock for element in self.elements)


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of a price; its amount is not rounded to the minor unit."""

    description: str
    quantity: Decimal
    unit: str
    unit_price: Money
    amount: Money
    tax_percent: Decimal | None = None
    """None: not known, or the line is about tax itself."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a session costs, line by line."""

    lines: tuple[PriceLine, ...]
    total: Money
    """Sum of the lines, rounded half up to the minor unit; tax is in it."""
    net: Money | None = None
    """The total without tax, rounded alike. None: written before it was kept."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What restrictions are asked about."""

    local: datetime
    """Time at the location."""
    elapsed_s: int
    """Since the session began."""
    energy_wh: int
    """Taken before."""
    power_w: float | None = None
    """None: not measured; restrictions on it do not hold."""
    current_a: float | None = None


def component_at(elements: Sequence[Element], dimension: Dimension, moment: Moment) -> Component | None:
    """The price of `dimension` at `moment`: of the first element that has one and holds. None: it is free."""
    for element in elements:
        component = element.component(dimension)
        if component is not None and element.restrictions.reservation is None and holds(element.restrictions, moment):
            return component
    return None


def holds(restrictions: Restrictions, moment: Moment) -> bool:
    """True when all of `restrictions` hold at `moment`."""
    return (
        _clock_holds(restrictions, moment.local)
        and _within(restrictions.min_duration, moment.elapsed_s, restrictions.max_duration)
        and _within(restrictions.min_kwh, Decimal(moment.energy_wh) / 1000, restrictions.max_kwh)
        and _flow_holds(restrictions.min_power, moment.power_w, restrictions.max_power, per=1000)
        and _flow_holds(restrictions.min_current, moment.current_a, restrictions.max_current, per=1)
    )


def _clock_holds(restrictions: Restrictions, local: datetime) -> bool:
    if restrictions.day_of_week and DAYS[local.weekday()] not in restrictions.day_of_week:
        return False
    if not _within(restrictions.start_date, local.date(), restrictions.end_date):
        return False
    start, end = restrictions.start_time or time.min, restrictions.end_time
    now = local.time()
    if end is None or end == time.min:
        return now >= start
    return start <= now < end if start < end else now >= start or now < end


def _flow_holds(low: Decimal | None, value: float | None, high: Decimal | None, *, per: int) -> bool:
    if low is None and high is None:
        return True
    return value is not None and _within(low, Decimal(value) / per, high)


def _within(low: Decimal | date | int | None, value: Decimal | date | int, high: Decimal | date | int | None) -> bool:
    return (low is None or value >= low) and (high is None or value < high)  # type: ignore[operator]


def _plain(tariff: Tariff) -> Element:
    hourly = tariff.price_per_minute * 60
    priced = (
        (Dimension.ENERGY, tariff.energy_price_per_kwh),
        (Dimension.FLAT, tariff.session_fee),
        (Dimension.TIME, hourly),
        (Dimension.PARKING_TIME, hourly),
    )
    return Element(tuple(Component(dimension, each) for dimension, each in priced if each or dimension in _SHOWN))


_SHOWN: Final = (Dimension.ENERGY,)
"""Also at a price of zero: a receipt says how much energy there was."""
