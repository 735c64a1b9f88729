"""The effective cap is a minimum."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from powerctl.signals.arbitration import Contribution, arbitrate

RATING = Power(22_000)
POWERS = st.floats(-1e3, 1e5).map(Power)
SOURCES = st.sampled_from([LimitSource.DSO, LimitSource.EMS, LimitSource.AGGREGATOR, LimitSource.FAILSAFE])
CONTRIBUTIONS = st.builds(
    Contribution,
    SOURCES,
    st.just("Somebody says something."),
    cap=st.none() | POWERS,
    setpoint=st.none() | POWERS,
    rank=st.tuples(st.integers(0, 3), st.integers(0, 9)),
    command=st.sampled_from([Command.RUN, Command.RUN, Command.PAUSE, Command.EMERGENCY]),
    settle_s=st.floats(0, 60),
    ramp_up_w_s=st.none() | st.floats(1, 5000),
)


def dso(cap: float, **changes: object) -> Contribution:
    base = Contribution(LimitSource.DSO, "The grid operator limits the station.", cap=Power(cap), settle_s=2.0)
    return replace(base, **changes)  # type: ignore[arg-type]


def ems(cap: float) -> Contribution:
    return Contribution(LimitSource.EMS, "The site limits the station.", cap=Power(cap), settle_s=5.0)


@given(st.lists(CONTRIBUTIONS, max_size=8))
def test_the_cap_is_never_above_the_rating_or_any_live_cap(contributions: list[Contribution]) -> None:
    state = arbitrate(RATING, contributions)
    assert Power(0) <= state.cap <= RATING
    for contribution in contributions:
        if contribution.cap is not None:
            assert state.cap <= max(contribution.cap, Power(0))
        if contribution.command is not Command.RUN:
            assert state.cap == Power(0)


@given(st.lists(CONTRIBUTIONS, min_size=1, max_size=6), POWERS)
def test_lowering_one_cap_never_raises_the_outcome(contributions: list[Contribution], lower: Power) -> None:
    first = contributions[0]
    lowered = replace(first, cap=lower if first.cap is None else min(first.cap, lower))
    before = arbitrate(RATING, contributions)
    assert arbitrate(RATING, [lowered, *contributions[1:]]).cap <= before.cap


@given(st.lists(CONTRIBUTIONS.map(lambda c: replace(c, setpoint=None)), max_size=6), CONTRIBUTIONS)
def test_a_further_source_never_lifts_the_cap(contributions: list[Contribution], further: Contribution) -> None:
    assert arbitrate(RATING, [*contributions, further]).cap <= arbitrate(RATING, contributions).cap


@given(st.lists(CONTRIBUTIONS, max_size=6), st.randoms())
def test_the_order_of_the_sources_does_not_matter_to_the_cap(
    contributions: list[Contribution], shuffler: object
) -> None:
    shuffled = list(contributions)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    ours, theirs = arbitrate(RATING, contributions), arbitrate(RATING, shuffled)
    assert (ours.command, ours.ramp_up_w_s) == (theirs.command, theirs.ramp_up_w_s)


@given(st.lists(CONTRIBUTIONS, max_size=6))
def test_the_sources_are_listed_lowest_first_and_the_first_binds(contributions: list[Contribution]) -> None:
    state = arbitrate(RATING, contributions)
    limits = [limit.limit for limit in state.sources]
    assert limits == sorted(limits)
    assert (state.sources[0].limit, state.sources[0].source) == (state.cap, state.source)


def test_nobody_speaking_leaves_the_rating() -> None:
    state = arbitrate(RATING, [])
    assert (state.cap, state.source, state.command) == (RATING, LimitSource.HARDWARE, Command.RUN)
    assert state.detail == "The station is built for 22.0 kW."


def test_the_lower_of_two_sources_binds_with_its_own_settle_time() -> None:
    state = arbitrate(RATING, [dso(8000), ems(5000)])
    assert (state.cap, state.source, state.settle_s) == (Power(5000), LimitSource.EMS, 5.0)


def test_of_two_equal_caps_the_more_hurried_settle_time_holds() -> None:
    assert arbitrate(RATING, [ems(5000), dso(5000)]).settle_s == 2.0


def test_an_emergency_beats_a_pause_and_settles_at_once() -> None:
    pause = dso(0, command=Command.PAUSE)
    emergency = replace(ems(0), source=LimitSource.EMERGENCY, command=Command.EMERGENCY, settle_s=0.0)
    state = arbitrate(RATING, [pause, emergency])
    assert (state.command, state.source, state.settle_s) == (Command.EMERGENCY, LimitSource.EMERGENCY, 0.0)


def test_the_set_point_of_the_best_rank_counts_and_never_lifts_a_cap() -> None:
    low = Contribution(LimitSource.AGGREGATOR, "Draw little.", setpoint=Power(3000), rank=(3, 0))
    high = Contribution(LimitSource.DSO, "Draw much.", setpoint=Power(9000), rank=(0, 0))
    assert arbitrate(RATING, [low, high]).cap == Power(9000)
    assert arbitrate(RATING, [low, high, ems(5000)]).cap == Power(5000)


def test_the_slowest_return_of_any_source_holds() -> None:
    assert arbitrate(RATING, [dso(8000, ramp_up_w_s=500.0), ems(9000)]).ramp_up_w_s == 500.0
