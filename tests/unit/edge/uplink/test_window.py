"""A record is on its way until the cloud has confirmed it, and is sent again meanwhile."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.uplink.window import RESEND_CAP_S, SIZE, TELEMETRY_SIZE, Window
from powerctl.core.clock import Monotonic
from powerctl.core.record import Lane
from powerctl.runtime.outbox import Entry


def at(seconds: float) -> Monotonic:
    return Monotonic(seconds)


def entries(*sequences: int, lane: Lane = Lane.BILLING) -> list[Entry]:
    return [Entry(sequence, lane, b"x") for sequence in sequences]


def sent(*sequences: int, lane: Lane = Lane.BILLING) -> Window:
    window = Window()
    window.sent(entries(*sequences, lane=lane), at(0.0))
    return window


def test_an_unconfirmed_record_is_sent_again_after_five_seconds() -> None:
    window = sent(1)
    assert window.due(at(4.9)) == []
    assert window.due(at(5.0)) == entries(1)


def test_each_wait_is_twice_the_last_up_to_thirty_seconds() -> None:
    window, now, waits = sent(1), 0.0, []
    for _ in range(6):
        wait = next(wait for wait in range(1, 100) if window.due(at(now + wait)))
        waits.append(wait)
        now += wait
        window.sent(entries(1), at(now))
    assert waits == [5, 10, 20, RESEND_CAP_S, RESEND_CAP_S, RESEND_CAP_S]


def test_a_confirmed_record_is_not_sent_again() -> None:
    window = sent(1, 2, 3)
    assert window.confirmed([(2, 3)]) == [2, 3]
    assert window.due(at(100.0)) == entries(1)


def test_what_was_never_sent_is_not_confirmed() -> None:
    window = sent(5)
    assert window.confirmed([(1, 2**63 - 1)]) == [5]
    assert window.confirmed([(1, 2**63 - 1)]) == []


def test_a_new_connection_makes_everything_due_at_once_and_begins_the_waits_anew() -> None:
    window = sent(1)
    window.sent(entries(1), at(5.0))
    window.reconnected(at(6.0))
    assert window.due(at(6.0)) == entries(1)
    window.sent(entries(1), at(6.0))
    assert window.due(at(11.0)) == entries(1)


def test_what_must_not_wait_goes_first() -> None:
    window = Window()
    window.sent([Entry(1, Lane.TELEMETRY, b""), Entry(3, Lane.BILLING, b""), Entry(2, Lane.BILLING, b"")], at(0.0))
    assert [entry.sequence for entry in window.due(at(5.0))] == [2, 3, 1]


def test_telemetry_leaves_room_for_what_must_not_wait() -> None:
    window = Window()
    live = window.admit(entries(*range(1, 400), lane=Lane.TELEMETRY))
    assert len(live) == TELEMETRY_SIZE
    window.sent(live, at(0.0))
    assert len(window.admit(entries(*range(1000, 1400)))) == SIZE - TELEMETRY_SIZE
    assert window.admit(entries(2000, lane=Lane.TELEMETRY)) == []


@given(st.lists(st.tuples(st.integers(1, 300), st.sampled_from(Lane)), unique_by=lambda pair: pair[0]))
def test_no_more_than_the_window_is_ever_on_its_way(pairs: list[tuple[int, Lane]]) -> None:
    window = Window()
    for start in range(0, len(pairs), 7):
        offered = [Entry(sequence, lane, b"") for sequence, lane in pairs[start : start + 7]]
        window.sent(window.admit(offered), at(0.0))
        assert window.room >= 0
        assert len(window.sequences) == SIZE - window.room
