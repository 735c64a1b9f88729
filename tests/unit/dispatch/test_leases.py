from __future__ import annotations

from powerctl.core.clock import Monotonic
from powerctl.core.ids import ConnectorId
from powerctl.core.setpoint import LEASE_SECONDS, Command, Limit, LimitSource, Setpoint
from powerctl.core.units import Power
from powerctl.dispatch.leases import LeaseBook, forgotten, issue

LEFT, RIGHT = ConnectorId(1), ConnectorId(2)
SHARE = (Limit(LimitSource.SHARE, Power(9000.0), "Shared."),)


def _issue(
    book: LeaseBook,
    now: float,
    *,
    connector: ConnectorId = LEFT,
    command: Command = Command.RUN,
    watts: float = 9000.0,
    reasons: tuple[Limit, ...] = SHARE,
) -> tuple[LeaseBook, Setpoint | None]:
    return issue(book, connector, command, Power(watts), settle_s=2.0, reasons=reasons, now=Monotonic(now))


def test_the_first_decision_is_sent_with_the_duration_of_a_lease() -> None:
    _, setpoint = _issue(LeaseBook(7), 0.0)
    assert setpoint is not None
    assert (setpoint.sequence, setpoint.duration_s, setpoint.settle_s) == (7, LEASE_SECONDS, 2.0)


def test_the_same_decision_is_sent_again_after_a_second_and_not_before() -> None:
    book, _ = _issue(LeaseBook(1), 0.0)
    assert book.renew_at == Monotonic(1.0)
    assert _issue(book, 0.99)[1] is None
    assert _issue(book, 1.0)[1] is not None


def test_a_change_is_sent_at_once() -> None:
    book, _ = _issue(LeaseBook(1), 0.0)
    by_the_grid = (Limit(LimitSource.DSO, Power(9000.0), "The grid."),)
    assert _issue(book, 0.1, watts=8999.0)[1] is not None
    assert _issue(book, 0.1, command=Command.HOLD_MIN)[1] is not None
    assert _issue(book, 0.1, reasons=by_the_grid)[1] is not None


def test_sequences_rise_and_are_never_taken_again() -> None:
    book, first = _issue(LeaseBook(1), 0.0)
    book, second = _issue(book, 0.0, connector=RIGHT)
    book, third = _issue(forgotten(book), 0.0)
    assert [s.sequence for s in (first, second, third) if s is not None] == [1, 2, 3]


def test_a_new_stream_starts_with_nothing_issued() -> None:
    book, _ = _issue(LeaseBook(1), 0.0)
    assert forgotten(book).renew_at is None
