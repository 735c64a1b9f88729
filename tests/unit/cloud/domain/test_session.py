"""The life of a charging session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.domain import session as reducer
from cloud.domain.order import Order
from cloud.domain.session import RULES, Session, SessionState
from powerctl.core.record import MeterReading, SessionClosed, SessionOpened, TransactionEnded, TransactionStarted
from powerctl.core.units import Power
from tests.unit.cloud.stories import LEFT, SESSION, STATION, TARIFF, at, began, over, reading

Fact = tuple[SessionOpened | TransactionStarted | TransactionEnded | SessionClosed, datetime]


def new() -> Session:
    return Session(SESSION, STATION, LEFT, rated=Power(22_000.0))


def apply(session: Session, fact: Fact) -> Session:
    body, time = fact
    match body:
        case SessionOpened():
            return reducer.opened(session, time)
        case TransactionStarted():
            return reducer.started(session, body, TARIFF)
        case TransactionEnded():
            return reducer.ended(session, body, TARIFF)
        case SessionClosed():
            return reducer.closed(session, time)


def after(*facts: Fact, session: Session | None = None) -> Session:
    state = session or new()
    for fact in facts:
        state = apply(state, fact)
    return state


OPENED: Fact = (SessionOpened(SESSION, LEFT), at(0))
STARTED: Fact = (began(1_000, 1), at(1))
ENDED: Fact = (over(reading(1_000, 1), reading(3_500, 11)), at(11))
CLOSED: Fact = (SessionClosed(SESSION, LEFT), at(15))


def asked() -> Session:
    return reducer.start_asked(after(OPENED), "c1", "anna", TARIFF)


def test_a_plug_opens_a_session_that_nobody_has_started() -> None:
    session = after(OPENED)
    assert (session.state, session.plug_in_time, session.driver) == (SessionState.OPEN, at(0), None)


def test_the_driver_who_asks_for_the_start_owns_the_session_at_the_price_of_that_moment() -> None:
    session = asked()
    assert (session.state, session.driver, session.tariff) == (SessionState.PENDING, "anna", TARIFF)


def test_a_refused_start_leaves_the_session_open_and_says_why() -> None:
    session = reducer.refused(asked(), "c1", "The connector is locked.")
    assert (session.state, session.detail) == (SessionState.OPEN, "The connector is locked.")


def test_the_answer_to_an_older_command_changes_nothing() -> None:
    assert reducer.refused(asked(), "c0", "late") == asked()
    assert reducer.accepted(asked(), "c0", Order(1, 1)) == asked()


def test_a_session_that_runs_can_be_stopped_and_a_refused_stop_lets_it_run() -> None:
    session = reducer.stop_asked(after(STARTED, session=asked()), "c2")
    assert session.state is SessionState.STOPPING
    assert reducer.refused(session, "c2", "busy").state is SessionState.ACTIVE


def test_a_start_cannot_be_asked_for_while_another_drivers_session_runs() -> None:
    running = after(STARTED, session=asked())
    assert reducer.start_asked(running, "c9", "bert", TARIFF) == running


def test_a_start_that_fails_after_it_was_accepted_leaves_the_session_open() -> None:
    accepted = reducer.accepted(asked(), "c1", Order(1, 5))
    assert reducer.idle(accepted, Order(1, 4), "insulation").state is SessionState.PENDING
    assert reducer.idle(accepted, Order(1, 6), "insulation").detail == "insulation"
    assert reducer.idle(accepted, Order(1, 6), "").state is SessionState.OPEN


def test_an_idle_report_says_nothing_about_a_start_that_was_not_accepted_or_has_succeeded() -> None:
    assert reducer.idle(asked(), Order(1, 6), "").state is SessionState.PENDING
    running = after(STARTED, session=reducer.accepted(asked(), "c1", Order(1, 5)))
    assert reducer.idle(running, Order(1, 6), "").state is SessionState.ACTIVE


def test_a_stop_before_metering_began_ends_in_an_open_session() -> None:
    stopping = reducer.stop_asked(asked(), "c2")
    assert reducer.refused(stopping, "c2", "nothing charges").state is SessionState.OPEN


def test_energy_is_the_difference_of_the_two_readings() -> None:
    session = reducer.metered(after(OPENED, STARTED), 900.0)
    assert session.energy_wh == 900
    assert after(ENDED, session=session).energy_wh == 2_500


def test_a_live_value_that_arrives_late_does_not_lower_the_energy() -> None:
    session = reducer.metered(reducer.metered(after(STARTED), 900.0), 100.0)
    assert session.energy_wh == 900


def test_a_vehicle_that_leaves_uncharged_closes_the_session() -> None:
    assert after(OPENED, CLOSED).state is SessionState.CLOSED


def test_a_missing_end_needs_review_until_it_arrives() -> None:
    missing = after(OPENED, STARTED, CLOSED)
    assert missing.state is SessionState.NEEDS_REVIEW
    assert missing.energy_wh == 0
    assert after(ENDED, session=missing).state is SessionState.COMPLETED


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(None, reading(3_500, 11), id="start not measured"),
        pytest.param(reading(0, 1), reading(3_500, 11), id="placeholder zero"),
        pytest.param(reading(4_000, 1), reading(3_500, 11), id="register fell"),
        pytest.param(reading(1_000, 1), reading(3_500, 11, serial="M2"), id="meter swapped"),
        pytest.param(reading(1_000, 1), reading(3_500, 11, valid=False), id="invalid end"),
        pytest.param(reading(1_000, 1, valid=False), reading(3_500, 11), id="invalid start"),
        pytest.param(reading(1_000, 1), reading(911_000, 11), id="910 kWh in ten minutes"),
        pytest.param(reading(1_000, 11), reading(3_500, 1), id="time ran backwards"),
    ],
)
def test_doubtful_readings_go_to_review_and_never_to_a_bill(start: MeterReading | None, end: MeterReading) -> None:
    session = after(OPENED, (over(start, end), at(11)), CLOSED)
    assert session.state is SessionState.NEEDS_REVIEW
    assert session.detail
    assert session.energy_wh == 0


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_station_that_contradicts_itself_is_not_believed(order: tuple[int, ...]) -> None:
    facts = [STARTED, ENDED, (began(1_200, 1), at(1))]
    session = after(*(facts[index] for index in order))
    assert session.state is SessionState.NEEDS_REVIEW


ENDS = st.sampled_from(
    [
        ENDED,
        (over(None, reading(3_500, 11)), at(11)),
        (over(reading(0, 1), reading(3_500, 11)), at(11)),
        (over(reading(1_000, 1), reading(500, 11)), at(11)),
        (over(reading(1_000, 1), reading(3_500, 11, serial="M2")), at(11)),
        (over(reading(1_000, 1), reading(3_600, 12)), at(12)),
    ]
)
STARTS = st.sampled_from([STARTED, (began(1_200, 1), at(1)), (began(0, 1), at(1))])
FACTS = st.lists(st.one_of(st.just(OPENED), STARTS, ENDS, st.just(CLOSED)), max_size=6)


@given(FACTS, st.data())
def test_neither_order_nor_repetition_of_records_changes_where_a_session_ends(
    facts: list[Fact], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(facts + data.draw(st.lists(st.sampled_from(facts)) if facts else st.just([]))))
    one, other = after(*facts), after(*shuffled)
    assert _seen(one) == _seen(other)


def _seen(session: Session) -> tuple[object, ...]:
    return session.state, session.energy_wh, session.start_time, session.end_time, session.unplug_time, session.detail


@given(FACTS)
def test_only_two_readings_that_nothing_speaks_against_are_billed(facts: list[Fact]) -> None:
    session = after(*facts)
    if session.state is SessionState.COMPLETED:
        ends = {body for body, _ in facts if isinstance(body, TransactionEnded)}
        assert len(ends) == 1
        (end,) = ends
        assert end.start_reading is not None
        assert session.energy_wh == end.reading.register_wh - end.start_reading.register_wh


@given(FACTS)
def test_what_has_ended_stays_ended(facts: list[Fact]) -> None:
    session = after(*facts)
    commands: list[Callable[[Session], Session]] = [
        lambda s: reducer.start_asked(s, "c", "bert", TARIFF),
        lambda s: reducer.stop_asked(s, "c"),
        lambda s: reducer.refused(s, "c", "no"),
    ]
    if session.over:
        for command in commands:
            assert command(session).state is session.state


def test_every_state_is_reached_by_the_table() -> None:
    assert {*RULES.values()} == set(SessionState)


def test_no_row_leaves_a_completed_session_but_to_review() -> None:
    assert {to for (state, _), to in RULES.items() if state is SessionState.COMPLETED} <= {
        SessionState.COMPLETED,
        SessionState.NEEDS_REVIEW,
    }
