"""A terminal's registers as writes to a slot."""

from __future__ import annotations

import math

import pytest

from powerctl.core.errors import RemoteError
from powerctl.signals.lpc import State
from powerctl.signals.sources.polled_utility import Answer, Terminal, Writes, answered, is_due, taken

LIMITED = Answer(9_000, True, 7)


def test_a_new_heartbeat_is_a_sign_of_life_and_an_old_one_is_none() -> None:
    terminal, writes = answered(Terminal(), LIMITED, 1.0)
    assert writes == Writes({"Hb": 1}, {"LimW": 9_000, "Mode": 0, "Ena": 1})
    terminal, writes = answered(terminal, LIMITED, 1.0)
    assert writes.heartbeat == {}
    _, writes = answered(terminal, Answer(9_000, True, 8), 1.0)
    assert writes.heartbeat == {"Hb": 2}


def test_without_a_heartbeat_register_every_answer_is_a_sign_of_life() -> None:
    terminal, beats = Terminal(), []
    for _ in range(3):
        terminal, writes = answered(terminal, Answer(9_000, True, None), 1.0)
        beats.append(writes.heartbeat["Hb"])
    assert beats == [1, 2, 3]


def test_our_heartbeat_never_takes_the_value_that_is_not_implemented() -> None:
    _, writes = answered(Terminal(heartbeat=1, beats=0xFFFD), LIMITED, 1.0)
    assert writes.heartbeat == {"Hb": 1}


def test_a_limit_that_does_not_hold_is_withdrawn() -> None:
    assert answered(Terminal(), Answer(9_000, False, None), 1.0)[1].command["Ena"] == 0


@pytest.mark.parametrize(("limit_w", "unit", "raw"), [(9_000, 10, 900), (1e9, 1, 0xFFFE), (0, 1, 0)])
def test_a_limit_fits_its_register(limit_w: float, unit: float, raw: int) -> None:
    assert answered(Terminal(), Answer(limit_w, True, None), unit)[1].command["LimW"] == raw


@pytest.mark.parametrize("limit_w", [-1, math.nan, math.inf])
def test_an_absurd_limit_is_neither_a_command_nor_a_sign_of_life(limit_w: float) -> None:
    with pytest.raises(RemoteError):
        answered(Terminal(), Answer(limit_w, True, 1), 1.0)


@pytest.mark.parametrize(
    ("state", "due"),
    [
        (State.LIMITED, False),
        (State.UNLIMITED_CONTROLLED, False),
        (State.INIT, True),
        (State.FAILSAFE, True),
        (State.UNLIMITED_AUTONOMOUS, True),
    ],
)
def test_a_command_is_repeated_only_to_leave_a_failsafe(state: State, due: bool) -> None:
    terminal, writes = answered(Terminal(), LIMITED, 1.0)
    assert is_due(terminal, writes.command, State.LIMITED)
    assert is_due(taken(terminal, writes.command), writes.command, state) is due
