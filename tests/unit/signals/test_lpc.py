"""The limitation state machine, statement by statement of the LPC High-Level Test Specification."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.clock import Monotonic, after
from powerctl.signals.lpc import (
    FAILING,
    RULES,
    Autonomy,
    Event,
    Machine,
    State,
    Timing,
    advance,
    counts,
    due,
    expire,
    heartbeat,
)

T0 = Monotonic(1000.0)
LPC = Timing(heartbeat_timeout_s=120, failsafe_min_s=7200, autonomy=Autonomy.AFTER_WAIT)
PATIENT = replace(LPC, autonomy=Autonomy.AFTER_FAILSAFE_MIN)
NEVER = replace(LPC, autonomy=Autonomy.NEVER)


def at(seconds: float) -> Monotonic:
    return after(T0, seconds)


def started(timing: Timing = LPC) -> Machine:
    return Machine(timing, entered_at=T0)


def limited(timing: Timing = LPC) -> Machine:
    return advance(heartbeat(started(timing), T0), Event.LIMIT, T0)


def failed(timing: Timing = LPC) -> Machine:
    """In failsafe since second 120."""
    machine = expire(limited(timing), at(120))
    assert machine.state is State.FAILSAFE
    return machine


def autonomous() -> Machine:
    machine = expire(started(), at(120))
    assert machine.state is State.UNLIMITED_AUTONOMOUS
    return machine


def test_002_an_accepted_limit_limits() -> None:
    assert limited().state is State.LIMITED


def test_004_a_deactivated_limit_leaves_the_station_controlled() -> None:
    assert advance(limited(), Event.NO_LIMIT, at(1)).state is State.UNLIMITED_CONTROLLED


def test_008_and_025_a_limit_that_expires_leaves_the_station_controlled() -> None:
    assert advance(limited(), Event.EXPIRED, at(1)).state is State.UNLIMITED_CONTROLLED


def test_017_a_start_is_limited() -> None:
    assert started().state in FAILING


@pytest.mark.parametrize("state", [State.INIT, State.FAILSAFE, State.UNLIMITED_AUTONOMOUS])
def test_018_and_031_a_refused_limit_brings_control_without_a_limit(state: State) -> None:
    machine = heartbeat(replace(started(), state=state), T0)
    assert advance(machine, Event.REFUSED, at(1)).state is State.UNLIMITED_CONTROLLED


def test_022_1_a_start_without_a_word_may_go_autonomous_after_120_s_and_not_before() -> None:
    assert expire(started(), at(119.9)).state is State.INIT
    assert expire(started(), at(120)).state is State.UNLIMITED_AUTONOMOUS


def test_022_2_a_heartbeat_without_a_limit_for_120_s_may_end_the_failsafe() -> None:
    heard = heartbeat(failed(), at(200))
    heard = heartbeat(heard, at(260))
    assert expire(heard, at(319.9)).state is State.FAILSAFE
    assert expire(heard, at(320)).state is State.UNLIMITED_AUTONOMOUS


def test_022_3_the_failsafe_may_end_after_its_minimum_duration() -> None:
    assert expire(failed(), at(120 + 7199.9)).state is State.FAILSAFE
    assert expire(failed(), at(120 + 7200)).state is State.UNLIMITED_AUTONOMOUS


def test_023_a_refused_limit_leaves_a_limit_in_force() -> None:
    assert advance(limited(), Event.REFUSED, at(1)).state is State.LIMITED


def test_024_a_refused_limit_leaves_an_unlimited_station_controlled() -> None:
    free = advance(limited(), Event.NO_LIMIT, at(1))
    assert advance(free, Event.REFUSED, at(2)).state is State.UNLIMITED_CONTROLLED


def test_028_a_missing_heartbeat_ends_the_limited_state_after_120_s_and_not_before() -> None:
    assert expire(limited(), at(119.9)).state is State.LIMITED
    assert expire(limited(), at(120)).state is State.FAILSAFE


def test_029_a_missing_heartbeat_ends_the_unlimited_controlled_state() -> None:
    free = advance(limited(), Event.NO_LIMIT, at(1))
    assert expire(free, at(120)).state is State.FAILSAFE


def test_031_a_heartbeat_alone_does_not_end_the_failsafe() -> None:
    assert heartbeat(failed(), at(130)).state is State.FAILSAFE


def test_032_a_limit_after_a_heartbeat_ends_the_failsafe() -> None:
    assert advance(heartbeat(failed(), at(130)), Event.LIMIT, at(131)).state is State.LIMITED


def test_033_a_deactivated_limit_after_a_heartbeat_ends_the_failsafe() -> None:
    heard = heartbeat(failed(), at(130))
    assert advance(heard, Event.NO_LIMIT, at(131)).state is State.UNLIMITED_CONTROLLED


@pytest.mark.parametrize("machine", [started(), failed(), autonomous()], ids=["init", "failsafe", "autonomous"])
def test_036_a_limit_counts_only_within_60_s_after_a_heartbeat(machine: Machine) -> None:
    heard = heartbeat(machine, at(200))
    assert advance(heard, Event.LIMIT, at(260)).state is State.LIMITED
    assert advance(heard, Event.LIMIT, at(260.1)).state is machine.state


def test_036_a_limit_without_any_heartbeat_does_not_count() -> None:
    assert not counts(started(), T0)
    assert advance(started(), Event.LIMIT, at(1)).state is State.INIT


def test_a_moving_heartbeat_keeps_a_constant_limit_alive() -> None:
    machine = limited()
    for second in range(60, 3600, 60):
        machine = expire(heartbeat(machine, at(second)), at(second))
    assert machine.state is State.LIMITED


def test_a_source_without_a_timeout_is_never_lost() -> None:
    assert expire(limited(replace(LPC, heartbeat_timeout_s=0)), at(1e6)).state is State.LIMITED


def test_a_patient_station_waits_for_the_minimum_duration_at_start_and_in_failsafe() -> None:
    assert expire(started(PATIENT), at(7199)).state is State.INIT
    assert expire(started(PATIENT), at(7200)).state is State.UNLIMITED_AUTONOMOUS
    assert expire(heartbeat(failed(PATIENT), at(200)), at(7000)).state is State.FAILSAFE
    assert expire(failed(PATIENT), at(7320)).state is State.UNLIMITED_AUTONOMOUS


def test_a_station_that_may_never_go_on_alone_does_not() -> None:
    assert expire(started(NEVER), at(1e6)).state is State.INIT
    assert expire(failed(NEVER), at(1e6)).state is State.FAILSAFE
    assert due(started(NEVER)) is None


def test_one_late_look_finds_every_timer_that_ended() -> None:
    assert expire(limited(), at(120 + 7200)).state is State.UNLIMITED_AUTONOMOUS


def test_every_rule_names_its_statement() -> None:
    assert [rule for rules in RULES.values() for rule in rules.values() if not rule.source.startswith("LPC-TS-")] == []


def test_every_state_has_rules_and_can_be_reached() -> None:
    reached = {rule.to for rules in RULES.values() for rule in rules.values()} | {State.INIT}
    assert reached == set(State) == set(RULES)


EVENTS = st.one_of(st.sampled_from(Event), st.just(None))


@given(st.lists(st.tuples(st.floats(0, 500), EVENTS), max_size=30), st.sampled_from(Autonomy))
def test_failsafe_is_left_only_by_a_word_after_a_heartbeat_or_by_time_that_is_permitted(
    story: list[tuple[float, Event | None]], autonomy: Autonomy
) -> None:
    machine, now = started(replace(LPC, autonomy=autonomy)), T0
    for wait, event in story:
        now = after(now, wait)
        machine = expire(machine, now)
        before = machine
        machine = heartbeat(machine, now) if event is None else machine
        if event in (Event.LIMIT, Event.NO_LIMIT, Event.REFUSED):
            machine = advance(machine, event, now)
            if before.state in FAILING and machine.state not in FAILING:
                assert before.heartbeat_at is not None
                assert now - before.heartbeat_at <= 60
    if autonomy is Autonomy.NEVER:
        assert machine.state is not State.UNLIMITED_AUTONOMOUS


def test_a_heartbeat_from_before_the_failsafe_does_not_let_a_limit_end_it() -> None:
    machine = heartbeat(Machine(replace(PATIENT, heartbeat_timeout_s=5), T0), T0)
    machine = expire(advance(machine, Event.LIMIT, T0), after(T0, 6))
    assert machine.state is State.FAILSAFE
    assert not counts(machine, after(T0, 7))
    assert advance(machine, Event.LIMIT, after(T0, 7)).state is State.FAILSAFE
    again = heartbeat(machine, after(T0, 8))
    assert advance(again, Event.LIMIT, after(T0, 8)).state is State.LIMITED
