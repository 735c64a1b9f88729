"""The worked examples of OCPI's tariff module (mod_tariffs of the public specification) and our own decisions."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cloud.domain.pricing import Booking, Period, plain_periods, price_use
from cloud.domain.tariff import (
    Component,
    Dimension,
    Element,
    Price,
    PriceLimit,
    ReservationRestriction,
    Restrictions,
    Tariff,
)

D = Decimal
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
SATURDAY = datetime(2026, 1, 10, tzinfo=UTC)
WEEKDAYS = frozenset({"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"})


def tariff(*elements: Element, **rest: object) -> Tariff:
    return Tariff("Example", "EUR", D(0), tax_included=False, elements=elements, **rest)  # type: ignore[arg-type]


def element(*components: Component, **restrictions: object) -> Element:
    return Element(components, Restrictions(**restrictions))  # type: ignore[arg-type]


def energy(price: str, vat: str | None = None, step: int = 1) -> Component:
    return Component(Dimension.ENERGY, D(price), D(vat) if vat else None, step)


def flat(price: str, vat: str | None = None) -> Component:
    return Component(Dimension.FLAT, D(price), D(vat) if vat else None)


def hour(price: str, vat: str | None = None, step: int = 1) -> Component:
    return Component(Dimension.TIME, D(price), D(vat) if vat else None, step)


def parking(price: str, vat: str | None = None, step: int = 1) -> Component:
    return Component(Dimension.PARKING_TIME, D(price), D(vat) if vat else None, step)


def session(begin: datetime, minutes: float, kwh: float = 0, parked: float = 0) -> tuple[Period, ...]:
    end = begin + timedelta(minutes=minutes + parked)
    return plain_periods(begin, end, int(kwh * 1000), timedelta(minutes=parked))


def flowing(begin: datetime, minutes: float, parked: float, current: float) -> tuple[Period, ...]:
    turn = begin + timedelta(minutes=minutes)
    charging = Period(begin, turn, current_a=current)
    return charging, Period(turn, turn + timedelta(minutes=parked), parking=True)


def both(cost: Price) -> tuple[str, str]:
    assert cost.net is not None
    return f"{cost.net.amount:.2f}", f"{cost.total.amount:.2f}"


KWH_25 = energy("0.25", "10")
START_50 = flat("0.50", "20")
COMPLEX = tariff(
    element(flat("2.50", "15")),
    element(hour("1.00", "20", 900), max_current=D(32)),
    element(hour("2.00", "20", 600), min_current=D(32), day_of_week=WEEKDAYS),
    element(hour("1.25", "20", 600), min_current=D(32), day_of_week=frozenset({"SATURDAY", "SUNDAY"})),
    element(parking("5.00", "10", 300), start_time=time(9), end_time=time(18), day_of_week=WEEKDAYS),
    element(parking("6.00", "10", 300), start_time=time(10), end_time=time(17), day_of_week=frozenset({"SATURDAY"})),
)
RESERVATION = ReservationRestriction.RESERVATION
EXPIRES = ReservationRestriction.RESERVATION_EXPIRES


@pytest.mark.parametrize(
    ("example", "used", "net", "gross"),
    [
        (tariff(element(KWH_25)), session(MONDAY, 60, 20), "5.00", "5.50"),
        (tariff(element(START_50), element(KWH_25)), session(MONDAY, 60, 20), "5.50", "6.10"),
        (
            tariff(element(START_50), element(KWH_25), element(parking("2.00", "20", 900))),
            session(MONDAY, 60, 20, 40),
            "7.00",
            "7.90",
        ),
        (tariff(element(hour("2.00", "10", 60))), session(MONDAY, 150), "5.00", "5.50"),
        (
            tariff(element(hour("3.00", "10", 60)), element(parking("5.00", "20", 300))),
            session(MONDAY, 150, 0, 42),
            "11.25",
            "12.75",
        ),
        (tariff(element(hour("1.90", "5.2", 300))), session(MONDAY, 150), "4.75", "5.00"),
        (tariff(element(energy("0.22", "10", 100))), session(MONDAY, 60, 20.45), "4.51", "4.96"),
        (tariff(element(flat("0.00"))), session(MONDAY, 60, 20), "0.00", "0.00"),
        (
            tariff(element(energy("0.00"), max_kwh=D(1)), element(energy("0.20"), min_kwh=D(1))),
            session(MONDAY, 60, 20),
            "3.80",
            "3.80",
        ),
        (
            tariff(
                element(energy("0.00"), max_duration=1800),
                element(energy("0.25"), max_duration=3600),
                element(energy("0.40")),
            ),
            (
                Period(MONDAY, MONDAY + timedelta(minutes=30), 5_000),
                Period(MONDAY + timedelta(minutes=30), MONDAY + timedelta(minutes=40), 1_200),
            ),
            "0.30",
            "0.30",
        ),
        (
            tariff(
                element(energy("0.20"), max_power=D(16)),
                element(energy("0.35"), max_power=D(32)),
                element(energy("0.50")),
            ),
            (
                Period(MONDAY, MONDAY + timedelta(minutes=10), 1_000, power_w=6e3),
                Period(MONDAY + timedelta(minutes=10), MONDAY + timedelta(minutes=60), 40_000, power_w=48e3),
                Period(MONDAY + timedelta(minutes=60), MONDAY + timedelta(minutes=68), 500, power_w=4e3),
            ),
            "20.30",
            "20.30",
        ),
    ],
    ids=[
        "8 per kWh",
        "9 start fee",
        "10 start fee and parking",
        "1 per hour",
        "13 parking dearer",
        "2 alternative text",
        "3 per 0.1 kWh",
        "5 free of charge",
        "7 first kWh free",
        "max_duration",
        "max_power",
    ],
)
def test_a_worked_example_costs_what_the_specification_says(
    example: Tariff, used: tuple[Period, ...], net: str, gross: str
) -> None:
    assert both(price_use(example, used)) == (net, gross)


@pytest.mark.parametrize(("kwh", "net", "gross"), [(20, "5.00", "5.50"), (1.9, "0.50", "0.55")])
def test_a_minimum_price_holds_with_and_without_tax(kwh: float, net: str, gross: str) -> None:
    example = tariff(element(KWH_25), min_price=PriceLimit(D("0.50"), D("0.55")))
    assert both(price_use(example, session(MONDAY, 60, kwh))) == (net, gross)


@pytest.mark.parametrize(("kwh", "net", "gross"), [(50, "10.00", "11.00"), (30, "8.00", "8.85")])
def test_a_maximum_price_holds_with_and_without_tax(kwh: float, net: str, gross: str) -> None:
    example = tariff(element(START_50), element(KWH_25), max_price=PriceLimit(D(10), D(11)))
    assert both(price_use(example, session(MONDAY, 60, kwh))) == (net, gross)


def test_of_a_complex_tariff_the_element_that_holds_counts() -> None:
    """Where parking is billed, only parking is filled up to its step, as the rule since 2.2.1 says."""
    monday = flowing(MONDAY + timedelta(hours=9, minutes=30), 147, 42, 16)
    saturday = flowing(SATURDAY + timedelta(hours=13, minutes=30), 114, 71, 43)
    assert both(price_use(COMPLEX, monday)) == ("8.70", "9.94")
    assert both(price_use(COMPLEX, saturday)) == ("12.38", "13.98")


STEPS = tariff(
    element(hour("1.20", None, 1800), parking("1.00", None, 900), start_time=time(0), end_time=time(17)),
    element(hour("2.40", None, 900), parking("1.00", None, 900), start_time=time(17), end_time=time(20)),
    element(hour("2.40", None, 900), start_time=time(20), end_time=time(23, 59)),
)


@pytest.mark.parametrize(
    ("begin", "charging", "parked", "cost"),
    [(time(16, 55), 10, 2, "0.55"), (time(16, 35), 35, 0, "1.30"), (time(19, 40), 12, 20, "0.73")],
    ids=["parking fills up", "charging fills up", "parking becomes free"],
)
def test_a_step_is_filled_up_once_per_session(begin: time, charging: int, parked: int, cost: str) -> None:
    start = datetime.combine(MONDAY.date(), begin, UTC)
    assert both(price_use(STEPS, session(start, charging, 0, parked)))[0] == cost


@pytest.mark.parametrize(
    ("step", "watt_hours", "cost"),
    [(1, 116, "0.029"), (25, 101, "0.03125"), (25, 125, "0.03125"), (500, 1, "0.125"), (500, 500, "0.125")],
)
def test_energy_is_billed_in_whole_steps(step: int, watt_hours: int, cost: str) -> None:
    example = tariff(element(energy("0.25", None, step)))
    (line,) = price_use(example, session(MONDAY, 1, watt_hours / 1000)).lines
    assert line.amount.amount == D(cost)


def reserved(*elements: Element) -> Tariff:
    return tariff(*elements, element(START_50, KWH_25))


@pytest.mark.parametrize(
    ("example", "minutes", "expired", "net", "gross"),
    [
        (reserved(element(hour("5.00", "20", 60), reservation=RESERVATION)), 15, False, "6.75", "7.60"),
        (
            reserved(element(flat("2.00", "20"), hour("5.00", "20", 300), reservation=RESERVATION)),
            13,
            False,
            "8.75",
            "10.00",
        ),
        (
            reserved(
                element(flat("4.00", "20"), reservation=EXPIRES),
                element(hour("2.00", "20", 600), reservation=RESERVATION),
            ),
            22,
            False,
            "6.50",
            "7.30",
        ),
        (
            reserved(
                element(flat("4.00", "20"), reservation=EXPIRES),
                element(hour("2.00", "20", 600), reservation=RESERVATION),
            ),
            60,
            True,
            "6.00",
            "7.20",
        ),
        (
            reserved(
                element(hour("6.00", "20", 600), reservation=EXPIRES),
                element(hour("3.00", "20", 600), reservation=RESERVATION),
            ),
            22,
            False,
            "7.00",
            "7.90",
        ),
        (
            reserved(
                element(hour("6.00", "20", 600), reservation=EXPIRES),
                element(hour("3.00", "20", 600), reservation=RESERVATION),
            ),
            90,
            True,
            "9.00",
            "10.80",
        ),
    ],
    ids=["15", "16 with fee", "17 used", "17 expired", "18 used", "18 expired"],
)
def test_a_reservation_costs_what_the_specification_says(
    example: Tariff, minutes: int, expired: bool, net: str, gross: str
) -> None:
    made = MONDAY - timedelta(minutes=minutes)
    used = () if expired else session(MONDAY, 60, 20)
    assert both(price_use(example, used, Booking(made, MONDAY, expired))) == (net, gross)


def test_idle_time_is_free_without_a_component_for_it() -> None:
    per_hour = tariff(element(hour("2.00")))
    assert price_use(per_hour, session(MONDAY, 60, 5, 600)).total == price_use(per_hour, session(MONDAY, 60, 5)).total


def test_times_of_day_are_those_of_the_location() -> None:
    night = tariff(element(energy("0.10"), start_time=time(22), end_time=time(6)), element(energy("0.50")))
    helsinki = tariff(*night.elements, time_zone="Europe/Helsinki")
    used = session(MONDAY.replace(hour=20, minute=30), 10, 1)
    assert (both(price_use(night, used))[0], both(price_use(helsinki, used))[0]) == ("0.50", "0.10")


def test_energy_across_a_change_of_price_costs_the_lower_price() -> None:
    day = tariff(element(energy("0.60"), start_time=time(17), end_time=time(20)), element(energy("0.30")))
    across = session(MONDAY.replace(hour=16, minute=59), 2, 1)
    assert both(price_use(day, across))[0] == "0.30"


def test_tax_inside_the_price_is_shown_and_not_added() -> None:
    inside = Tariff("Example", "EUR", D("0.50"), tax_percent=D("25.5"))
    assert both(price_use(inside, session(MONDAY, 60, 10))) == ("3.98", "5.00")


def test_a_tariff_survives_the_database() -> None:
    adapter = TypeAdapter(Tariff)
    for one in (COMPLEX, STEPS, reserved(element(hour("6.00"), reservation=EXPIRES))):
        assert adapter.validate_python(adapter.dump_python(one, mode="json")) == one


spans = st.lists(st.tuples(st.integers(1, 7200), st.integers(0, 40_000), st.booleans()), min_size=1, max_size=6)


def periods(parts: list[tuple[int, int, bool]]) -> tuple[Period, ...]:
    made, now = [], MONDAY.replace(hour=15)
    for seconds, watt_hours, parked in parts:
        after = now + timedelta(seconds=seconds)
        made.append(Period(now, after, 0 if parked else watt_hours, parked, power_w=watt_hours / seconds * 3600))
        now = after
    return tuple(made)


@given(spans)
def test_no_second_and_no_watt_hour_is_billed_twice_or_lost(parts: list[tuple[int, int, bool]]) -> None:
    one = D(1)
    everything = (Component(dimension, one) for dimension in (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME))
    cut = element(*everything, start_time=time(15), end_time=time(16))
    rest = tuple(Component(dimension, one) for dimension in (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME))
    lines = price_use(tariff(cut, element(*rest)), periods(parts)).lines
    billed = {line.description: line.amount.amount for line in lines}
    seconds = {parked: sum(s for s, _, p in parts if p is parked) for parked in (True, False)}
    assert billed.get("Energy", D(0)) == D(sum(wh for _, wh, p in parts if not p)) / 1000
    assert abs(billed.get("Time", D(0)) - D(seconds[False]) / 3600) < D("1e-9")
    assert abs(billed.get("Idle time", D(0)) - D(seconds[True]) / 3600) < D("1e-9")


@given(spans)
def test_the_total_lies_within_the_tariffs_limits(parts: list[tuple[int, int, bool]]) -> None:
    limited = tariff(element(KWH_25, hour("1")), min_price=PriceLimit(D(1), D("1.1")), max_price=PriceLimit(D(5), D(6)))
    cost = price_use(limited, periods(parts))
    assert cost.net is not None
    assert D(1) <= cost.net.amount <= D(5)
    assert D("1.1") <= cost.total.amount <= D(6)
