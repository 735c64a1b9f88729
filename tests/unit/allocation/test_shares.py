from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from powerctl.allocation.demand import Demand
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.shares import shares
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.session import Flexibility
from powerctl.core.setpoint import Command
from tests.unit.allocation.station import CURVE, LEFT, NOON, RIGHT


def demand(
    connector: int,
    want_w: float = 22000.0,
    *,
    min_w: float = 2400.0,
    flexibility: Flexibility = Flexibility.FAST,
    minute: float = 0.0,
    weight: float = 1.0,
    priority: int = 0,
    may_run: bool = True,
) -> Demand:
    return Demand(
        ConnectorId(connector),
        SessionId(f"s{connector}"),
        min_w,
        want_w,
        flexibility,
        NOON + timedelta(minutes=minute),
        priority,
        weight,
        may_run,
    )


LOSSLESS = Conversion()


def test_two_minimums_that_do_not_fit_pause_the_later_one() -> None:
    given_ = shares([demand(1, minute=5), demand(2, minute=0)], 4000.0, LOSSLESS)
    assert (given_[LEFT].command, given_[LEFT].limit_w) == (Command.PAUSE, 0.0)
    assert (given_[RIGHT].command, given_[RIGHT].limit_w) == (Command.RUN, 4000.0)


def test_a_firm_session_is_served_before_a_flexible_one_that_came_first() -> None:
    given_ = shares([demand(1), demand(2, flexibility=Flexibility.FIRM, minute=5)], 4000.0, LOSSLESS)
    assert given_[LEFT].command is Command.PAUSE
    assert given_[RIGHT].command is Command.RUN


def test_a_firm_session_stops_last() -> None:
    given_ = shares([demand(1), demand(2, flexibility=Flexibility.FIRM)], 2000.0, LOSSLESS)
    assert (given_[LEFT].command, given_[RIGHT].command) == (Command.PAUSE, Command.STOP)


def test_a_session_that_a_pause_would_end_is_served_first_and_stops_last() -> None:
    fragile = replace(demand(1, minute=5), survives_pause=False)
    given_ = shares([fragile, demand(2)], 4000.0, LOSSLESS)
    assert (given_[LEFT].command, given_[RIGHT].command) == (Command.RUN, Command.PAUSE)
    assert shares([fragile], 100.0, LOSSLESS)[LEFT].command is Command.STOP


def test_a_higher_priority_is_served_first() -> None:
    given_ = shares([demand(1, priority=2), demand(2, priority=1, minute=60)], 4000.0, LOSSLESS)
    assert given_[RIGHT].command is Command.RUN


def test_at_the_floor_is_hold_min_and_not_zero() -> None:
    given_ = shares([demand(1), demand(2)], 4800.0, LOSSLESS)
    assert {(share.command, share.limit_w) for share in given_.values()} == {(Command.HOLD_MIN, 2400.0)}


def test_a_session_that_waits_leaves_its_power_to_the_other() -> None:
    given_ = shares([demand(1, may_run=False), demand(2)], 22000.0, LOSSLESS)
    assert (given_[LEFT].limit_w, given_[RIGHT].limit_w) == (0.0, 22000.0)


demands = st.builds(
    lambda raw: [
        demand(
            number,
            min_w + extra_w,
            min_w=min_w,
            weight=weight,
            flexibility=flexibility,
            minute=minute,
            priority=priority,
        )
        for number, (min_w, extra_w, weight, flexibility, minute, priority) in enumerate(raw, 1)
    ],
    st.lists(
        st.tuples(
            st.floats(0, 5000),
            st.floats(0, 30000),
            st.floats(0.05, 20),
            st.sampled_from(Flexibility),
            st.integers(0, 3),
            st.integers(0, 2),
        ),
        max_size=6,
    ),
)


@given(demands, st.floats(0, 60000), st.floats(0.97, 1.1))
def test_inputs_fit_and_no_one_runs_below_the_minimum(some: list[Demand], usable_w: float, factor: float) -> None:
    conversion = Conversion(CURVE, factor=factor)
    given_ = shares(some, usable_w, conversion)
    assert sum(conversion.ac_w(share.limit_w) for share in given_.values()) <= usable_w + 1e-5
    for one in some:
        share = given_[one.connector]
        runs = share.command in (Command.RUN, Command.HOLD_MIN)
        assert (one.min_w <= share.limit_w <= one.want_w) if runs else share.limit_w == 0.0


@given(demands, st.floats(0, 60000), st.randoms())
def test_the_order_of_the_demands_changes_nothing(some: list[Demand], usable_w: float, order: Random) -> None:
    shuffled = list(some)
    order.shuffle(shuffled)
    conversion = Conversion(CURVE)
    assert shares(shuffled, usable_w, conversion) == shares(some, usable_w, conversion)


@given(demands, st.floats(0, 60000))
def test_a_flexible_session_waits_before_a_firm_one_that_fits_ends(some: list[Demand], usable_w: float) -> None:
    given_ = shares(some, usable_w, Conversion())
    served_flexible = sum(
        one.min_w
        for one in some
        if one.flexibility is not Flexibility.FIRM and given_[one.connector].command in (Command.RUN, Command.HOLD_MIN)
    )
    firm_w = sum(one.min_w for one in some if one.flexibility is Flexibility.FIRM)
    if served_flexible and firm_w <= usable_w:
        assert all(share.command is not Command.STOP for share in given_.values())
