"""A utility's remote terminal that only serves registers: what is read there commands a slot of ours. Pure.

The slot's limitation machine decides what the terminal's silence means. A heartbeat is a change of the terminal's
heartbeat register; where it has none, every answer counts as one, and a terminal that is frozen cannot be told from a
patient one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from powerctl.core.errors import RemoteError
from powerctl.signals.lpc import CONTROLLED, State
from powerctl.signals.mailbox import ENABLED, Mode

WORDS: Final = 0x10000
MOST: Final = 0xFFFE
"""The largest value of a register that is not *not implemented*."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the terminal's registers said at one instant."""

    limit_w: float
    enabled: bool
    heartbeat: int | None
    """None: it has no such register."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What is known about the terminal."""

    heartbeat: int | None = None
    """As last seen. None: not seen yet."""
    beats: int = 0
    """Signs of life so far: the value of our slot's own heartbeat."""
    command: tuple[tuple[str, int], ...] = ()
    """As last taken by the slot."""


@dataclass(frozen=True, slots=True)
class Writes:
    """What is to be written to the slot, in this order."""

    heartbeat: dict[str, int]
    """Empty: no sign of life."""
    command: dict[str, int]


def answered(terminal: Terminal, answer: Answer, unit: float) -> tuple[Terminal, Writes]:
    """What an answer means for the slot. The command counts only if it is new, see `is_due`.

    Args:
        unit: Watts per unit of the slot's power registers.

    Raises:
        RemoteError: The limit is negative or no number: neither a command nor a sign of life.
    """
    if not math.isfinite(answer.limit_w) or answer.limit_w < 0:
        raise RemoteError(f"a limit of {answer.limit_w} W")
    raw = min(round(answer.limit_w / unit), MOST)
    alive = answer.heartbeat is None or answer.heartbeat != terminal.heartbeat
    beats = (terminal.beats + 1) % WORDS if alive else terminal.beats
    beats = 1 if beats >= MOST else beats
    command = {"LimW": raw, "Mode": int(Mode.CAP), "Ena": ENABLED if answer.enabled else 0}
    moved = replace(terminal, heartbeat=answer.heartbeat, beats=beats)
    return moved, Writes({"Hb": beats} if alive else {}, command)


def is_due(terminal: Terminal, command: dict[str, int], state: State) -> bool:
    """True if the command is another one, or the slot needs one to leave its failsafe (LPC-TS-031)."""
    return tuple(command.items()) != terminal.command or state not in CONTROLLED


def taken(terminal: Terminal, command: dict[str, int]) -> Terminal:
    """The terminal after the slot has taken its command."""
    return replace(terminal, command=tuple(command.items()))
