"""Shed before you give, against receivers that hear late, seldom and in any order."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.ledger import (
    LEASE_MARGIN_S,
    LONGEST_SETTLE_S,
    Ledger,
    Room,
    closed,
    confirmed,
    granted,
    opened,
)
from powerctl.core.clock import Monotonic, after
from powerctl.core.ids import ConnectorId
from powerctl.core.setpoint import LEASE_SECONDS
from tests.unit.allocation.station import CURVE, LEFT, RIGHT, capability

START = Monotonic(50.0)
CONVERSION = Conversion(CURVE, auxiliary_w=150.0)
CAP_W = 22000.0
SETTLE_S = 2.0
USABLE_W = CONVERSION.usable_w(CAP_W)


def _ready(left_w: float = 0.0, right_w: float = 0.0) -> Ledger:
    ledger = opened(Ledger(), (capability(1), capability(2)), START)
    return confirmed(confirmed(ledger, LEFT, 0, left_w), RIGHT, 0, right_w)


def _grantable(ledger: Ledger, connector: ConnectorId, wish_w: float, now: Monotonic = START) -> float:
    return Room(ledger, CONVERSION, now).grantable_w(connector, wish_w, USABLE_W)


def test_a_connector_that_has_not_reported_counts_with_its_rating() -> None:
    ledger = opened(Ledger(), (capability(1), capability(2)), START)
    assert ledger.bound_w(LEFT, START) == 22000.0
    assert not ledger.reported(LEFT)


def test_silence_after_the_greeting_leaves_the_commissioned_share() -> None:
    ledger = opened(Ledger(), (capability(1, fallback_kw=5.0),), START)
    assert ledger.bound_w(LEFT, after(START, LEASE_SECONDS + LEASE_MARGIN_S + LONGEST_SETTLE_S)) == 5000.0


def test_power_is_given_only_when_the_other_has_confirmed() -> None:
    ledger = _ready(left_w=18000.0)
    ledger = granted(ledger, LEFT, 1, 5000.0, SETTLE_S)
    before_w = _grantable(ledger, RIGHT, 15000.0)
    ledger = confirmed(ledger, LEFT, 1, 9000.0)
    on_the_way_w = _grantable(ledger, RIGHT, 15000.0)
    ledger = confirmed(ledger, LEFT, 1, 5000.0)
    assert before_w < on_the_way_w < _grantable(ledger, RIGHT, 15000.0)


def test_a_decrease_is_never_held_back() -> None:
    assert _grantable(_ready(left_w=22000.0, right_w=22000.0), LEFT, 1000.0) == 1000.0


def test_a_report_from_before_the_grant_does_not_hide_it() -> None:
    ledger = granted(_ready(), LEFT, 1, 12000.0, SETTLE_S)
    ledger = confirmed(ledger, LEFT, 0, 0.0)
    assert ledger.bound_w(LEFT, START) == 12000.0


def test_an_old_report_after_a_newer_one_is_ignored() -> None:
    ledger = granted(granted(_ready(), LEFT, 1, 2000.0, SETTLE_S), LEFT, 2, 12000.0, SETTLE_S)
    ledger = confirmed(confirmed(ledger, LEFT, 2, 12000.0), LEFT, 1, 2000.0)
    assert ledger.bound_w(LEFT, START) == 12000.0


def test_a_sequence_of_another_stream_confirms_nothing() -> None:
    ledger = granted(_ready(), LEFT, 1000, 12000.0, SETTLE_S)
    ledger = confirmed(ledger, LEFT, 5000, 0.0)
    assert ledger.bound_w(LEFT, START) == 12000.0


def test_a_lost_stream_releases_what_is_above_the_commissioned_share_when_the_lease_has_ended() -> None:
    ledger = closed(granted(_ready(), LEFT, 1, 12000.0, SETTLE_S), (LEFT,), START)
    ends = after(START, LEASE_SECONDS + LEASE_MARGIN_S + LONGEST_SETTLE_S)
    assert ledger.bound_w(LEFT, Monotonic(ends - 0.01)) == 12000.0
    assert ledger.bound_w(LEFT, ends) == 5000.0


def test_unconfirmed_renewals_do_not_pile_up() -> None:
    ledger = _ready()
    for sequence in range(1, 500):
        ledger = granted(ledger, LEFT, sequence, 20000.0 - sequence, SETTLE_S)
    assert len(ledger.accounts[LEFT].in_flight) <= 16
    assert ledger.bound_w(LEFT, START) == 19999.0


@dataclass
class Receiver:
    """A connector by the letter of rule 2: what it may draw, on its own clock."""

    fallback_w: float
    slope_w_s: float
    sequence: int = 0
    lease_w: float = 0.0
    ends: float = math.inf
    drawn_w: float = 0.0
    at: float = START
    settle_by: float = START
    inbox: list[tuple[float, int, float]] = field(default_factory=list)
    """Arrival, sequence, limit."""

    def passes(self, now: float) -> None:
        for arrival, sequence, limit_w in sorted(self.inbox):
            if arrival <= now and sequence > self.sequence:
                self._until(arrival)
                self._may_draw(limit_w)
                self.sequence, self.ends = sequence, arrival + LEASE_SECONDS
        self.inbox = [message for message in self.inbox if message[0] > now]
        self._until(now)

    def _until(self, now: float) -> None:
        if now >= self.ends:
            self._falls(self.ends)
            self._may_draw(min(self.lease_w, self.fallback_w))
            self.ends = math.inf
        self._falls(now)

    def _falls(self, now: float) -> None:
        slope_w = self.drawn_w - self.slope_w_s * (now - self.at)
        self.drawn_w = self.lease_w if now >= self.settle_by else max(self.lease_w, slope_w)
        self.at = max(now, self.at)

    def _may_draw(self, limit_w: float) -> None:
        if limit_w < self.lease_w:
            self.settle_by = self.at + SETTLE_S
        self.lease_w, self.drawn_w = limit_w, max(limit_w, self.drawn_w)

    @property
    def committed_w(self) -> float:
        return self.drawn_w


class World:
    """The energy manager's ledger and two receivers behind bad lines."""

    def __init__(self, slopes: tuple[float, float]) -> None:
        self.receivers = {LEFT: Receiver(5000.0, slopes[0]), RIGHT: Receiver(5000.0, slopes[1])}
        self.ledger = _ready()
        self.reports: list[tuple[float, ConnectorId, int, float]] = []
        self.now = START
        self.sequence = 0
        self.highest_w = 0.0

    def step(self, seconds: float) -> None:
        self.now = after(self.now, seconds)
        for receiver in self.receivers.values():
            receiver.passes(self.now)
        for arrival, connector, sequence, committed_w in sorted(self.reports):
            if arrival <= self.now:
                self.ledger = confirmed(self.ledger, connector, sequence, committed_w)
        self.reports = [message for message in self.reports if message[0] > self.now]
        self.highest_w = max(self.highest_w, CONVERSION.station_w(r.drawn_w for r in self.receivers.values()))

    def send(self, connector: ConnectorId, wish_w: float, delay_s: float | None) -> None:
        limit_w = _grantable(self.ledger, connector, wish_w, self.now)
        self.sequence += 1
        self.ledger = granted(self.ledger, connector, self.sequence, limit_w, SETTLE_S)
        if delay_s is not None:
            self.receivers[connector].inbox.append((self.now + delay_s, self.sequence, limit_w))

    def report(self, connector: ConnectorId, delay_s: float | None) -> None:
        receiver = self.receivers[connector]
        if delay_s is not None:
            self.reports.append((self.now + delay_s, connector, receiver.sequence, receiver.committed_w))

    def break_line(self, connector: ConnectorId) -> None:
        self.receivers[connector].inbox.clear()
        self.reports = [message for message in self.reports if message[1] != connector]
        self.ledger = closed(self.ledger, (connector,), self.now)

    def mend_line(self, connector: ConnectorId) -> None:
        self.break_line(connector)
        self.receivers[connector].sequence = 0
        self.ledger = opened(self.ledger, (capability(connector),), self.now)


delays = st.one_of(st.none(), st.floats(0.0, 8.0))
connectors = st.sampled_from([LEFT, RIGHT])
actions = st.one_of(
    st.tuples(st.just("send"), connectors, st.floats(0, 24000), delays),
    st.tuples(st.just("report"), connectors, st.just(0.0), delays),
    st.tuples(st.just("break"), connectors, st.just(0.0), st.none()),
    st.tuples(st.just("mend"), connectors, st.just(0.0), st.none()),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(actions, st.floats(0.0, 2.0)), max_size=60),
    st.tuples(st.floats(200.0, 40000.0), st.floats(200.0, 40000.0)),
)
def test_what_is_drawn_never_exceeds_the_cap_whatever_is_lost_late_or_out_of_order(
    story: list[tuple[tuple[str, ConnectorId, float, float | None], float]], slopes: tuple[float, float]
) -> None:
    world = World(slopes)
    for (what, connector, wish_w, delay_s), pause_s in story:
        if what == "send":
            world.send(connector, wish_w, delay_s)
        elif what == "report":
            world.report(connector, delay_s)
        elif what == "break":
            world.break_line(connector)
        else:
            world.mend_line(connector)
        world.step(pause_s)
        assert world.highest_w <= CAP_W + 1e-4
        for number, receiver in world.receivers.items():
            assert receiver.drawn_w <= world.ledger.bound_w(number, world.now) + 1e-6
