"""The periods of a session, and the values that are kept for tariffs that ask for them."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cloud.domain import session as reducer
from cloud.domain.receipt import issue
from cloud.domain.session import Session
from cloud.domain.tariff import Component, Dimension, Element, Restrictions, Tariff
from cloud.domain.use import MOST_MARKS, Mark, noted, periods
from tests.unit.cloud.stories import LEFT, NOON, SESSION, STATION, TARIFF, at, began, over, reading

D = Decimal
EVENING = Tariff(
    "Evening",
    "EUR",
    D("0.30"),
    elements=(
        Element((Component(Dimension.ENERGY, D("0.60")),), Restrictions(start_time=time(12, 10), end_time=time(20))),
        Element((Component(Dimension.ENERGY, D("0.30")), Component(Dimension.PARKING_TIME, D("6.00")))),
    ),
)


def mark(minutes: float, energy_wh: int) -> Mark:
    return Mark(at(minutes), energy_wh, 12_000.0, 30.0)


def test_two_readings_are_enough_for_a_tariff_that_ignores_the_clock() -> None:
    session = reducer.started(Session(SESSION, STATION, LEFT), began(), TARIFF)
    assert reducer.marked(session, mark(5, 100)) == session


def test_energy_is_billed_at_the_price_of_its_time() -> None:
    session = reducer.started(Session(SESSION, STATION, LEFT), began(1_000, 0), EVENING)
    for minute in range(1, 20):
        session = reducer.marked(session, mark(minute, minute * 200))
    session = reducer.ended(session, over(reading(1_000, 0), reading(5_000, 20)), EVENING)
    receipt = issue(session, "r", location_name="", simulated=False, now=NOON)
    assert receipt is not None
    assert [(line.quantity, line.amount.amount) for line in receipt.lines] == [(D(2), D("0.6")), (D(2), D("1.2"))]
    assert len(session.marks) < 8


def test_idle_time_is_what_the_station_says_that_the_vehicle_idled() -> None:
    start, end = reading(1_000, 0), reading(3_000, 60)
    session = reducer.started(Session(SESSION, STATION, LEFT), began(1_000, 0), EVENING)
    session = reducer.ended(session, replace(over(start, end), idle_s=600), EVENING)
    receipt = issue(session, "r", location_name="", simulated=False, now=NOON)
    assert receipt is not None
    idle = next(line for line in receipt.lines if line.description == "Idle time")
    assert (idle.quantity, idle.amount.amount) == (D(10), D(1))


def test_a_session_that_was_held_back_by_the_grid_has_no_idle_time() -> None:
    session = reducer.started(Session(SESSION, STATION, LEFT), began(1_000, 0), EVENING)
    session = reducer.ended(session, over(reading(1_000, 0), reading(1_100, 600)), EVENING)
    receipt = issue(session, "r", location_name="", simulated=False, now=NOON)
    assert receipt is not None
    assert [line.description for line in receipt.lines] == ["Energy"]


def test_marks_that_contradict_the_readings_are_left_out() -> None:
    wrong = (mark(2, 900), mark(4, 300), mark(6, 5_000))
    made = periods(at(0), at(10), 1_000, timedelta(), wrong)
    assert [period.energy_wh for period in made] == [900, 100]


def test_marks_are_bounded() -> None:
    marks: tuple[Mark, ...] = ()
    power = Tariff(
        "P",
        "EUR",
        D(1),
        elements=(
            Element((Component(Dimension.ENERGY, D(1)),), Restrictions(max_power=D(16))),
            Element((Component(Dimension.ENERGY, D(2)),)),
        ),
    )
    for second in range(MOST_MARKS * 2):
        marks = noted(marks, Mark(at(second / 60), second, 32e3 * (second % 2), 1.0), power, at(0))
    assert len(marks) == MOST_MARKS


@given(st.lists(st.integers(1, 240), unique=True, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_change_what_is_billed(minutes: list[int], chance: random.Random) -> None:
    def periods_in(order: list[int]) -> list[tuple[object, int]]:
        marks: tuple[Mark, ...] = ()
        for minute in order:
            marks = noted(marks, mark(minute, minute * 10), EVENING, at(0))
        return [(each.start, each.energy_wh) for each in periods(at(0), at(241), 2_410, timedelta(), marks)]

    made = periods_in(sorted(minutes))
    assert sum(energy for _, energy in made) == 2_410
    shuffled = list(minutes)
    chance.shuffle(shuffled)
    assert sum(energy for _, energy in periods_in(shuffled)) == 2_410
