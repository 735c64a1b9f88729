"""Silence is a decision made in advance: it never raises power."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from hypothesis import given
from hypothesis import strategies as st

from edge.control.lease import Grant, Holding, grant, new_stream, next_change, refusal, taken
from powerctl.core.clock import Monotonic, after
from powerctl.core.ids import ConnectorId
from powerctl.core.setpoint import Command, Limit, LimitSource, Setpoint
from powerctl.core.units import Power

FALLBACK = Power(6000.0)
MORNING = Monotonic(100.0)
NOTHING = Power(0.0)


def setpoint(
    sequence: int,
    limit_w: float,
    *,
    command: Command = Command.RUN,
    duration_s: float = 3.0,
    settle_s: float = 2.0,
) -> Setpoint:
    reasons = (Limit(LimitSource.DSO, Power(limit_w), "The grid operator limits the station."),)
    return Setpoint(ConnectorId(1), sequence, command, Power(limit_w), duration_s, settle_s, reasons)


@dataclass
class LeaseStory:
    """A connector that hears from its energy manager, or does not."""

    holding: Holding = field(default_factory=lambda: Holding(FALLBACK))
    now: Monotonic = MORNING
    sequence: int = 0
    committed: Power = NOTHING

    def grants(self, limit_w: float, *, command: Command = Command.RUN, settle_s: float = 2.0) -> Self:
        self.sequence += 1
        fresh = setpoint(self.sequence, limit_w, command=command, settle_s=settle_s)
        holding = taken(self.holding, fresh, self.now, self.committed)
        assert holding is not None
        self.holding = holding
        return self

    def output_is_at(self, watts: float) -> Self:
        self.committed = Power(watts)
        return self

    def passes(self, seconds: float) -> Self:
        self.now = after(self.now, seconds)
        return self

    def may_draw(self, watts: float, *, because: LimitSource) -> Self:
        assert self.grant.limit == Power(watts)
        assert self.grant.reasons[0].source is because
        return self

    def must_have_settled_after(self, seconds: float | None) -> Self:
        left = None if self.grant.settle_by is None else round(self.grant.settle_by - self.now, 6)
        assert left == seconds
        return self

    @property
    def grant(self) -> Grant:
        return grant(self.holding, self.now)


def test_before_the_first_lease_the_commissioned_share_holds() -> None:
    LeaseStory().may_draw(6000, because=LimitSource.FALLBACK)


def test_a_lost_manager_falls_back_when_the_lease_ends_and_not_before() -> None:
    (
        LeaseStory()
        .grants(20_000)
        .passes(2.99)
        .may_draw(20_000, because=LimitSource.DSO)
        .passes(0.01)
        .may_draw(6000, because=LimitSource.FALLBACK)
    )


def test_a_lower_lease_stays_when_it_ends() -> None:
    LeaseStory().grants(2000).passes(10).may_draw(2000, because=LimitSource.FALLBACK)


def test_zero_remains_after_an_emergency_and_after_a_pause() -> None:
    for command in (Command.EMERGENCY, Command.PAUSE):
        story = LeaseStory().grants(20_000).grants(5000, command=command).passes(1000)
        story.may_draw(0, because=LimitSource.FALLBACK)
        assert story.grant.command is command
        story.grants(8000).may_draw(8000, because=LimitSource.DSO)


def test_a_lease_that_ended_is_clamped_at_once() -> None:
    LeaseStory().grants(20_000).passes(3).must_have_settled_after(None)


def test_a_decrease_settles_within_its_time() -> None:
    LeaseStory().grants(20_000).output_is_at(20_000).passes(1).grants(4000).must_have_settled_after(2)


def test_renewing_a_decrease_does_not_defer_it() -> None:
    story = LeaseStory().grants(20_000).output_is_at(20_000).grants(4000).passes(1).output_is_at(12_000)
    story.grants(4000).must_have_settled_after(1)


def test_a_decrease_that_has_settled_does_not_hasten_the_next() -> None:
    story = LeaseStory().grants(20_000).output_is_at(20_000).grants(19_900).passes(1).output_is_at(19_900)
    story.grants(4000).must_have_settled_after(2)


def test_no_settle_time_and_an_emergency_mean_at_once() -> None:
    LeaseStory().grants(4000, settle_s=0).must_have_settled_after(None)
    LeaseStory().grants(0, command=Command.EMERGENCY, settle_s=5).must_have_settled_after(None)


def test_an_old_sequence_changes_nothing() -> None:
    story = LeaseStory().grants(8000)
    for sequence in (0, 1):
        assert taken(story.holding, setpoint(sequence, 1.0), story.now, Power(0.0)) is None


def test_a_new_stream_starts_again_without_dropping_the_lease() -> None:
    story = LeaseStory().grants(8000).grants(9000)
    story.holding = new_stream(story.holding)
    story.may_draw(9000, because=LimitSource.DSO)
    assert taken(story.holding, setpoint(1, 5000), story.now, Power(0.0)) is not None


def test_the_next_change_is_the_end_of_the_lease() -> None:
    story = LeaseStory()
    assert next_change(story.holding, story.now) is None
    story.grants(8000)
    assert next_change(story.holding, story.now) == after(story.now, 3)
    story.passes(3)
    assert next_change(story.holding, story.now) is None


def test_a_transaction_starts_on_the_share_only_if_the_share_is_enough() -> None:
    story = LeaseStory()
    assert refusal(story.holding, story.now, Power(2000.0)) is None
    assert "too small" in (refusal(story.holding, story.now, Power(7000.0)) or "")
    story.grants(0.0)
    assert refusal(story.holding, story.now, Power(7000.0)) is None
    story.grants(0.0, command=Command.EMERGENCY)
    assert "emergency" in (refusal(story.holding, story.now, Power(2000.0)) or "")


happenings = st.lists(
    st.one_of(
        st.floats(0.0, 10.0),
        st.tuples(st.integers(0, 20), st.floats(0, 22_000), st.sampled_from(list(Command)), st.floats(0.1, 60)),
    ),
    max_size=40,
)


@given(happenings)
def test_power_never_rises_without_a_new_lease(story: list[float | tuple[int, float, Command, float]]) -> None:
    holding, now = Holding(FALLBACK), Monotonic(0.0)
    for step in story:
        before = grant(holding, now)
        if isinstance(step, float):
            now = after(now, step)
            assert grant(holding, now).limit <= before.limit
            continue
        sequence, limit_w, command, duration_s = step
        fresh = taken(holding, setpoint(sequence, limit_w, command=command, duration_s=duration_s), now, Power(0.0))
        if fresh is None:
            assert grant(holding, now) == before
        else:
            holding = fresh


@given(st.floats(0, 22_000), st.sampled_from(list(Command)), st.floats(0.1, 60), st.floats(0, 1000))
def test_an_ended_lease_leaves_no_more_than_itself_and_the_share(
    limit_w: float, command: Command, duration_s: float, extra_s: float
) -> None:
    now = Monotonic(0.0)
    holding = taken(Holding(FALLBACK), setpoint(1, limit_w, command=command, duration_s=duration_s), now, Power(0.0))
    assert holding is not None
    left = grant(holding, after(now, duration_s + extra_s))
    assert left.limit <= min(Power(limit_w), FALLBACK)
    assert left.reasons
    assert not left.is_leased
