"""What a tariff says, in sentences and as the few prices that fit on one line. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from cloud.domain.tariff import (
    DAYS,
    Component,
    Dimension,
    Element,
    ReservationRestriction,
    Restrictions,
    Tariff,
)

_UNIT: Final = {
    Dimension.ENERGY: "per kWh",
    Dimension.TIME: "per hour of charging",
    Dimension.PARKING_TIME: "per hour plugged in while the vehicle asks for nothing",
    Dimension.FLAT: "per session",
}
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Headline:
    """The prices without restrictions; zero: there is none."""

    session_fee: Decimal
    time_per_hour: Decimal
    idle_per_hour: Decimal
    reservation_per_hour: Decimal


def headline(tariff: Tariff) -> Headline:
    """The prices that hold whatever the clock and the power are."""
    return Headline(
        _plain(tariff, Dimension.FLAT),
        _plain(tariff, Dimension.TIME),
        _plain(tariff, Dimension.PARKING_TIME),
        _plain(tariff, Dimension.TIME, ReservationRestriction.RESERVATION),
    )


def sentences(tariff: Tariff) -> tuple[str, ...]:
    """One sentence per price, then what bounds the total, then what costs nothing."""
    return (*_prices(tariff), *_bounds(tariff), *_free(tariff))


def _prices(tariff: Tariff) -> Iterator[str]:
    for element in tariff.parts:
        for component in element.components:
            if component.price:
                yield f"{_amount(component, tariff)} {_what(component, element)}{_when(element.restrictions)}."


def _what(component: Component, element: Element) -> str:
    kept = element.restrictions.reservation
    if kept is None:
        return _UNIT[component.dimension]
    per = "per hour" if component.dimension is Dimension.TIME else "once"
    if kept is ReservationRestriction.RESERVATION_EXPIRES:
        return f"{per} for a reservation that nobody comes for"
    return f"{per} from reserving to the start"


def _bounds(tariff: Tariff) -> Iterator[str]:
    for word, limit in (("least", tariff.min_price), ("most", tariff.max_price)):
        if limit is not None:
            amount = limit.after_taxes if limit.after_taxes is not None else limit.before_taxes
            yield f"A session costs at {word} {_cents(amount)} {tariff.currency}."


def _free(tariff: Tariff) -> Iterator[str]:
    priced = {one.dimension for element in tariff.parts for one in element.components if one.price}
    if Dimension.PARKING_TIME in priced or Dimension.TIME in priced:
        yield "Time in which the grid or the other vehicle holds power back is never billed as idle."
    if Dimension.PARKING_TIME not in priced:
        yield "Staying plugged in after charging costs nothing."
    booked = any(element.restrictions.reservation is not None for element in tariff.parts)
    if not booked:
        yield "Reserving costs nothing."
    if tariff.tax_percent:
        yield f"Prices {'include' if tariff.tax_included else 'are without'} {tariff.tax_percent:f} % tax."


def _when(bounds: Restrictions) -> str:
    parts = []
    if bounds.day_of_week:
        parts.append("on " + ", ".join(day.capitalize() for day in DAYS if day in bounds.day_of_week))
    if bounds.start_time is not None or bounds.end_time is not None:
        start, end = bounds.start_time, bounds.end_time
        parts.append(f"from {start:%H:%M}" if start is not None else "")
        parts.append(f"until {end:%H:%M}" if end is not None else "")
    parts += _range("above", "below", bounds.min_power, bounds.max_power, "kW")
    parts += _range("beyond", "up to", bounds.min_kwh, bounds.max_kwh, "kWh")
    parts += _range("after", "in the first", _minutes(bounds.min_duration), _minutes(bounds.max_duration), "minutes")
    parts += _range("above", "below", bounds.min_current, bounds.max_current, "A")
    said = [part for part in parts if part]
    return " " + " ".join(said) if said else ""


def _minutes(seconds: int | None) -> Decimal | None:
    return None if seconds is None else Decimal(seconds) / 60


def _range(low_word: str, high_word: str, low: Decimal | None, high: Decimal | None, unit: str) -> list[str]:
    lower = f"{low_word} {low.normalize():f} {unit}" if low is not None else ""
    upper = f"{high_word} {high.normalize():f} {unit}" if high is not None else ""
    return [lower, upper]


def _plain(tariff: Tariff, dimension: Dimension, kept: ReservationRestriction | None = None) -> Decimal:
    wanted = Restrictions(reservation=kept)
    found = (one.component(dimension) for one in tariff.parts if one.restrictions == wanted)
    return next((component.price for component in found if component is not None), Decimal(0))


def _amount(component: Component, tariff: Tariff) -> str:
    return f"{_cents(component.price)} {tariff.currency}"


def _cents(amount: Decimal) -> str:
    return f"{amount.quantize(_CENT, rounding=ROUND_HALF_UP):f}" if amount == round(amount, 2) else f"{amount:f}"
