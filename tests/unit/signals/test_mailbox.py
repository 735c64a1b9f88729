"""One source's slot: what it writes, what its silence means, what the station makes of it."""

from __future__ import annotations

import pytest

from powerctl.core.setpoint import Command
from powerctl.signals.lpc import Autonomy, State
from powerctl.signals.mailbox import Mode, Result
from tests.unit.signals.slot_story import EPOCH, SlotStory


def test_a_slot_starts_limited_to_its_failsafe_value_with_no_command_in_force() -> None:
    SlotStory().caps(4200).is_in(State.INIT).shows(Ena=0).says("waits for the grid operator")


def test_a_limit_counts_from_the_write_on() -> None:
    SlotStory().limits(9000).caps(9000).is_in(State.LIMITED).answers(Result.ACCEPTED).says(
        "limits the station to 9.0 kW"
    )


def test_two_single_writes_dim_the_station_and_the_first_one_changes_nothing() -> None:
    SlotStory().writes(LimW=9000).caps(4200).writes(Ena=1).caps(9000)


def test_a_lower_value_alone_dims_while_the_slot_is_enabled() -> None:
    SlotStory().limits(9000).writes(LimW=4200).caps(4200)


def test_releasing_leaves_the_station_free_and_controlled() -> None:
    SlotStory().limits(9000).releases().caps(None).is_in(State.UNLIMITED_CONTROLLED)


def test_a_limit_above_the_rating_is_taken_as_the_rating_and_says_so() -> None:
    SlotStory().limits(30000).caps(22000).answers(Result.CLAMPED).shows(LimW=30000)


def test_zero_is_a_legal_cap_and_no_pause() -> None:
    SlotStory().limits(0).caps(0, Command.RUN).answers(Result.ACCEPTED)


@pytest.mark.parametrize(("mode", "command"), [(Mode.PAUSE, Command.PAUSE), (Mode.EMERGENCY, Command.EMERGENCY)])
def test_a_stop_is_a_command_of_its_own(mode: Mode, command: Command) -> None:
    SlotStory().writes(Mode=mode, Ena=1).caps(0, command)


def test_a_set_point_draws_and_does_not_cap() -> None:
    SlotStory().writes(SetW=-7000, Mode=Mode.SETPOINT, Ena=1).caps(None).draws(7000)


def test_silence_starts_the_failsafe_exactly_when_the_timeout_ends() -> None:
    SlotStory().limits(22000).passes(59.9).caps(22000).passes(0.1).caps(4200).is_in(State.FAILSAFE).says("silent")


def test_an_unlimited_source_that_falls_silent_starts_the_failsafe_too() -> None:
    SlotStory().limits(9000).releases().passes(60).caps(4200)


def test_a_moving_heartbeat_keeps_a_constant_limit_alive() -> None:
    SlotStory().limits(9000).passes(1000, beating=True).caps(9000)


def test_a_heartbeat_that_does_not_change_is_none() -> None:
    story = SlotStory().limits(9000).beats()
    for _ in range(5):
        story.passes(11.9).writes(Hb=1)
    story.caps(9000).passes(0.5).caps(4200)


def test_a_replayed_sequence_is_no_heartbeat() -> None:
    story = SlotStory().limits(9000, Seq=5)
    story.passes(30).limits(9000, Seq=5).passes(30).caps(4200)


def test_a_new_sequence_is_a_heartbeat() -> None:
    SlotStory().limits(9000, Seq=5).passes(30).limits(9000, Seq=6).passes(30).caps(9000)


def test_a_block_with_a_new_sequence_counts_though_its_heartbeat_stands_still() -> None:
    SlotStory().limits(9000, Seq=1, Hb=0).passes(30).limits(9000, Seq=2, Hb=0).passes(30).caps(9000)


def test_a_heartbeat_alone_does_not_end_the_failsafe() -> None:
    SlotStory().limits(9000).passes(60).beats().caps(4200).passes(50).is_in(State.FAILSAFE)


def test_a_limit_after_a_heartbeat_ends_the_failsafe() -> None:
    SlotStory().limits(9000).passes(60).beats().limits(15000).caps(15000).is_in(State.LIMITED)


def test_a_write_is_a_heartbeat_itself() -> None:
    SlotStory().limits(9000).passes(60).limits(15000).caps(15000)


def test_a_replayed_command_does_not_end_the_failsafe() -> None:
    story = SlotStory().limits(9000, Seq=5).passes(120.1)
    story.limits(15000, Seq=5).caps(4200).answers(Result.NO_HEARTBEAT)


def test_the_failsafe_ends_after_its_minimum_duration() -> None:
    SlotStory().limits(9000).passes(60 + 7199).caps(4200).passes(1).caps(None).is_in(State.UNLIMITED_AUTONOMOUS)


def test_a_station_that_may_not_go_on_alone_stays_in_failsafe() -> None:
    SlotStory(autonomy=Autonomy.NEVER).limits(9000).passes(1e6).caps(4200)


@pytest.mark.parametrize("mode", [Mode.PAUSE, Mode.EMERGENCY])
def test_silence_never_lifts_a_stop(mode: Mode) -> None:
    story = SlotStory().writes(Mode=mode, Ena=1).passes(60).is_in(State.FAILSAFE)
    story.caps(0, Command[mode.name]).passes(600).caps(0, Command[mode.name])


def test_a_stop_from_before_the_restart_holds_until_the_source_commands_anew() -> None:
    SlotStory(held=Command.EMERGENCY).caps(0, Command.EMERGENCY).beats().caps(0, Command.EMERGENCY).limits(9000).caps(
        9000
    )


def test_a_stop_from_before_the_restart_can_be_released() -> None:
    SlotStory(held=Command.PAUSE).releases().caps(None)


def test_a_duration_ends_the_limit_and_the_slot_disables_itself() -> None:
    story = SlotStory().limits(9000, DurTms=50).passes(49.9).caps(9000)
    story.passes(0.1).caps(None).shows(Ena=0).is_in(State.UNLIMITED_CONTROLLED)


def test_no_duration_means_until_revoked() -> None:
    SlotStory(heartbeat_timeout_s=0).limits(9000, DurTms=0).passes(1e7).caps(9000)


def test_a_later_start_takes_over_from_the_limit_in_force() -> None:
    story = SlotStory().limits(9000)
    story.limits(6000, StrTms=story.utc_in(30)).caps(9000).passes(29.9).caps(9000).passes(0.1).caps(6000)


def test_a_later_start_with_a_duration_comes_and_goes() -> None:
    story = SlotStory().limits(9000).releases()
    story.limits(6000, StrTms=story.utc_in(20), DurTms=20).caps(None)
    story.passes(20).caps(6000).passes(20).caps(None).shows(Ena=0)


def test_a_command_that_is_over_already_is_expired_and_changes_nothing() -> None:
    story = SlotStory().limits(9000)
    story.limits(1000, StrTms=story.utc_in(-60), DurTms=30).answers(Result.EXPIRED).caps(9000).is_in(State.LIMITED)


def test_a_start_in_the_past_counts_from_then() -> None:
    story = SlotStory()
    story.limits(9000, StrTms=story.utc_in(-20), DurTms=30).caps(9000).passes(10).caps(None)


def test_nobody_renewing_reverts_to_the_value_that_was_left_for_it() -> None:
    story = SlotStory().limits(4000, RvrtW=12000, RvrtEna=1, RvrtTms=30)
    story.passes(29.9).caps(4000).passes(0.1).caps(12000).shows(LimW=12000, Ena=1)


def test_a_reversion_may_release() -> None:
    SlotStory().limits(4000, RvrtEna=0, RvrtTms=30).passes(30).caps(None).shows(Ena=0)


def test_a_write_to_the_function_re_arms_the_reversion_and_a_heartbeat_does_not() -> None:
    SlotStory().limits(4000, RvrtTms=30).passes(20).writes(LimW=4100).passes(20).caps(4100)
    SlotStory().limits(4000, RvrtTms=30).passes(20).beats().passes(10).caps(None)


def test_writing_zero_cancels_the_reversion() -> None:
    SlotStory().limits(4000, RvrtTms=30).writes(RvrtTms=0).passes(31).caps(4000)


def test_a_reversion_never_ends_a_failsafe() -> None:
    SlotStory().limits(4000, RvrtW=20000, RvrtEna=1, RvrtTms=90).passes(100).caps(4200).is_in(State.FAILSAFE)


def test_the_source_may_change_its_failsafe_value_and_its_timeout() -> None:
    SlotStory().limits(22000, FsW=6000, HbTms=5).passes(5).caps(6000)


def test_no_timeout_means_that_silence_means_nothing() -> None:
    SlotStory().limits(9000, HbTms=0).passes(1e6).caps(9000)


def test_the_acknowledgement_names_the_command_and_its_time() -> None:
    box = SlotStory().limits(9000, Seq=77).box
    assert (box.acknowledged_sequence, box.acknowledged, box.commands) == (77, EPOCH, 1)
