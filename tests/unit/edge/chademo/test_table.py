"""The session table as a structure: what holds for every row, whatever the sequence."""

from __future__ import annotations

import pytest

from edge.chademo import faults, perform
from edge.chademo.conditions import CONDITIONS
from edge.chademo.phase import AFTER_D2, BEFORE_D2, ENDING, IDLE, LIVE, LOOKS, Phase
from edge.chademo.table import BY_PHASE, RULES, Code, Do, Rule, When
from edge.chademo.timing import K_TO_D2_S, TIMES, Time

ACTIVE = BEFORE_D2 | AFTER_D2


def rows(phase: Phase, when: When) -> list[Rule]:
    return [rule for rule in BY_PHASE[phase] if rule.when is when]


def test_every_row_and_every_time_names_its_source() -> None:
    assert [rule for rule in RULES if not rule.source.strip()] == []
    assert [time for time, limit in TIMES.items() if not limit.source.strip() or limit.seconds <= 0] == []
    assert [code for code, kind in faults.KINDS.items() if not kind.source.strip()] == []


def test_everything_that_the_table_names_has_a_meaning() -> None:
    assert set(CONDITIONS) == set(When)
    assert set(LOOKS) == set(Phase)
    assert set(TIMES) == set(Time)
    assert set(faults.KINDS) == set(Code)
    assert set(perform._ACTIONS) == set(Do)


def test_the_states_fall_into_four_groups() -> None:
    groups = [IDLE, BEFORE_D2, AFTER_D2, ENDING]
    assert sorted(phase for group in groups for phase in group) == sorted(Phase)


def test_every_state_can_be_reached_and_left() -> None:
    reached, fresh = {Phase.AVAILABLE}, {Phase.AVAILABLE}
    while fresh:
        fresh = {rule.to for phase in fresh for rule in BY_PHASE[phase]} - reached
        reached |= fresh
    assert reached == set(Phase)
    assert [phase for phase in Phase if all(rule.to is phase for rule in BY_PHASE[phase])] == []


@pytest.mark.parametrize("phase", Phase)
def test_a_fault_is_handled_first_in_every_state_and_opens_the_output(phase: Phase) -> None:
    first = BY_PHASE[phase][0]
    assert first.when is When.FAULT
    assert Do.TRIP in first.do
    expected = {**dict.fromkeys(IDLE, Phase.FAULTED), **dict.fromkeys(ACTIVE, Phase.TRIPPING)}
    assert first.to is expected.get(phase, phase)


def test_every_row_that_raises_a_fault_finds_or_makes_the_output_off() -> None:
    raising = [rule for rule in RULES if rule.fault is not None]
    assert raising
    assert [rule for rule in raising if Do.TRIP not in rule.do and rule.phase not in ENDING] == []


@pytest.mark.parametrize("phase", sorted(ACTIVE))
def test_a_pulled_plug_opens_everything_from_every_active_state(phase: Phase) -> None:
    (rule,) = rows(phase, When.UNPLUGGED)
    assert rule.to is Phase.TRIPPING
    assert rule.do == (Do.TRIP, Do.D2_OFF, Do.D1_OFF)


@pytest.mark.parametrize("phase", sorted(ACTIVE - {Phase.STOPPING}))
def test_a_stop_is_heard_in_every_active_state(phase: Phase) -> None:
    (rule,) = rows(phase, When.STOP)
    assert rule.to in {Phase.PARTING, Phase.OPENING, Phase.STOPPING}


@pytest.mark.parametrize("phase", Phase)
def test_a_state_has_a_time_limit_exactly_when_it_says_what_then(phase: Phase) -> None:
    limits = {rule.within for rule in RULES if rule.to is phase and rule.phase is not phase}
    assert len(limits) == (0 if phase is Phase.AVAILABLE and not limits else 1)
    answers = rows(phase, When.LATE)
    assert bool(answers) == (limits not in ({None}, set()))


def test_only_living_with_a_vehicle_may_take_for_ever() -> None:
    unlimited = {rule.to for rule in RULES if rule.within is None and rule.to is not rule.phase}
    assert unlimited == IDLE | LIVE | {Phase.STUCK}


def test_the_plug_is_released_only_when_it_is_safe_to_touch() -> None:
    assert {rule.when for rule in RULES if Do.UNLOCK in rule.do} == {When.SAFE}


def test_the_contactor_is_powered_only_with_an_empty_cable_after_the_test() -> None:
    (rule,) = [rule for rule in RULES if Do.D2_ON in rule.do]
    assert (rule.phase, rule.when) == (Phase.DISCHARGING, When.EMPTY)


def test_d2_never_falls_while_current_may_flow_except_after_a_trip() -> None:
    early = [rule for rule in RULES if Do.D2_OFF in rule.do and rule.phase in AFTER_D2]
    assert early
    assert all(rule.do.index(Do.TRIP) < rule.do.index(Do.D2_OFF) for rule in early)


def test_permission_to_d2_fits_what_vehicles_wait_for() -> None:
    total = sum(TIMES[time].seconds for time in (Time.LOCK, Time.TEST, Time.DISCHARGE))
    assert total <= K_TO_D2_S


def test_a_transaction_that_begins_can_only_end_through_its_end() -> None:
    over = {rule.phase for rule in RULES if Do.OVER in rule.do}
    for start in LIVE:
        assert _leads_through(start, over)


def _leads_through(start: Phase, over: set[Phase]) -> bool:
    """True when no way from `start` reaches an idle state around `over`."""
    seen, fresh = {start}, {start}
    while fresh:
        fresh = {rule.to for phase in fresh - over for rule in BY_PHASE[phase]} - seen
        seen |= fresh
    return not seen & IDLE
