"""A cap and a priority for one connector alone."""

from __future__ import annotations

import pytest

from powerctl.core.session import Flexibility
from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.units import Power
from tests.unit.allocation.station import LEFT, RIGHT, Bench, dso, report

SENTENCE = "The grid operator limits this connector."


def cap(kw: float) -> Limit:
    return Limit(LimitSource.DSO, Power.from_kw(kw), SENTENCE)


def test_a_capped_connector_leaves_the_rest_to_the_other() -> None:
    bench = Bench(report(1), report(2))
    bench.caps[LEFT] = cap(5)
    decisions = bench.settle()
    assert decisions[LEFT].limit.w == pytest.approx(5000, abs=1)
    assert decisions[RIGHT].limit.kw > 11
    assert decisions[LEFT].reasons[0].detail == SENTENCE


def test_a_cap_below_the_minimum_power_pauses_and_says_why() -> None:
    bench = Bench(report(1, min_kw=2.4))
    bench.caps[LEFT] = cap(1)
    decision = bench.settle()[LEFT]
    assert (decision.command, decision.limit.w) == (Command.PAUSE, 0)
    assert decision.reasons[0].detail == SENTENCE


def test_a_lifted_cap_gives_the_power_back() -> None:
    bench = Bench(report(1))
    bench.caps[LEFT] = cap(5)
    bench.settle()
    bench.caps.clear()
    bench.passes(60)
    assert bench.settle()[LEFT].limit.kw > 5


def test_a_cap_that_does_not_bind_is_not_named_first() -> None:
    bench = Bench(report(1), report(2), budget=dso(10))
    bench.caps[LEFT] = cap(20)
    assert (
        bench.settle()[LEFT].reasons[0].detail
        == "The grid operator limits the station to 10.0 kW, shared by 2 vehicles."
    )


def test_the_lower_number_is_served_first_when_only_one_fits() -> None:
    bench = Bench(report(1), report(2), budget=dso(4))
    bench.priorities.update({LEFT: 9, RIGHT: 1})
    decisions = bench.settle()
    assert decisions[LEFT].command is Command.PAUSE
    assert decisions[RIGHT].command in (Command.RUN, Command.HOLD_MIN)
    other = Bench(report(1), report(2), budget=dso(4))
    other.priorities.update({LEFT: 1, RIGHT: 9})
    assert other.settle()[RIGHT].command is Command.PAUSE


def test_a_firm_session_that_its_cap_forbids_stops() -> None:
    bench = Bench(report(1, flexibility=Flexibility.FIRM))
    bench.caps[LEFT] = cap(1)
    assert bench.settle()[LEFT].command is Command.STOP
