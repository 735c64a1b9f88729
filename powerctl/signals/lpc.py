"""What a regulatory source's words and silence mean: the limitation state machine of EEBUS LPC 1.0.0.

The rules are a table; each row names the statement of the LPC High-Level Test Specification that it follows.
Time is an argument. The machine knows nothing of watts: whoever holds it decides what a state is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, IntEnum, StrEnum, auto
from typing import Final

from powerctl.core.clock import Monotonic, after

WAIT_S: Final = 120.0
"""Without the source's word for this long, autonomy is permitted (LPC-TS-022/1 and /2)."""
FRESH_S: Final = 60.0
"""A limit counts only within this time after a heartbeat (LPC-TS-036)."""


class State(IntEnum):
    """The values are those of 64300.St."""

    INIT = 0
    UNLIMITED_CONTROLLED = 1
    LIMITED = 2
    FAILSAFE = 3
    UNLIMITED_AUTONOMOUS = 4


CONTROLLED: Final = frozenset({State.UNLIMITED_CONTROLLED, State.LIMITED})
"""The source is in touch; elsewhere its word counts only after a heartbeat."""
FAILING: Final = frozenset({State.INIT, State.FAILSAFE})
"""The failsafe value holds."""


class Event(Enum):
    """What can happen to the machine."""

    LIMIT = auto()
    """An active limit was accepted."""
    NO_LIMIT = auto()
    """A deactivated limit was accepted."""
    REFUSED = auto()
    """A limit was understood, and cannot be applied."""
    EXPIRED = auto()
    """The limit's own duration ended."""
    SILENT = auto()
    """The heartbeat is overdue."""
    WAITED = auto()
    """`WAIT_S` passed without what the state waits for."""
    OUTLASTED = auto()
    """The failsafe lasted its minimum duration."""


class Autonomy(StrEnum):
    """What the installer permits where LPC says *may*."""

    NEVER = "never"
    AFTER_FAILSAFE_MIN = "after_failsafe_min"
    """Once the failsafe, or the wait at start, has lasted the failsafe's minimum duration."""
    AFTER_WAIT = "after_wait"
    """As early as LPC permits."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where an event leads."""

    to: State
    source: str
    needs_heartbeat: bool = False
    """True: the event counts only within `FRESH_S` after a heartbeat."""
    permitted_by: frozenset[Autonomy] = frozenset(Autonomy)
    """The row exists only under these permissions."""


_WAIT: Final = frozenset({Autonomy.AFTER_WAIT})
_ANY: Final = frozenset({Autonomy.AFTER_WAIT, Autonomy.AFTER_FAILSAFE_MIN})
_PATIENT: Final = frozenset({Autonomy.AFTER_FAILSAFE_MIN})


def _spoken_to(source: str) -> dict[Event, Rule]:
    return {
        Event.LIMIT: Rule(State.LIMITED, source, needs_heartbeat=True),
        Event.NO_LIMIT: Rule(State.UNLIMITED_CONTROLLED, source, needs_heartbeat=True),
        Event.REFUSED: Rule(State.UNLIMITED_CONTROLLED, "LPC-TS-018, 031, 036", needs_heartbeat=True),
    }


RULES: Final[Mapping[State, Mapping[Event, Rule]]] = {
    State.INIT: {
        **_spoken_to("LPC-TS-036"),
        Event.WAITED: Rule(State.UNLIMITED_AUTONOMOUS, "LPC-TS-022/1", permitted_by=_WAIT),
        Event.OUTLASTED: Rule(State.UNLIMITED_AUTONOMOUS, "LPC-TS-022/1, later", permitted_by=_PATIENT),
    },
    State.UNLIMITED_CONTROLLED: {
        Event.LIMIT: Rule(State.LIMITED, "LPC-TS-002"),
        Event.NO_LIMIT: Rule(State.UNLIMITED_CONTROLLED, "LPC-TS-004"),
        Event.REFUSED: Rule(State.UNLIMITED_CONTROLLED, "LPC-TS-024"),
        Event.SILENT: Rule(State.FAILSAFE, "LPC-TS-029"),
    },
    State.LIMITED: {
        Event.LIMIT: Rule(State.LIMITED, "LPC-TS-002"),
        Event.NO_LIMIT: Rule(State.UNLIMITED_CONTROLLED, "LPC-TS-004"),
        Event.REFUSED: Rule(State.LIMITED, "LPC-TS-023"),
        Event.EXPIRED: Rule(State.UNLIMITED_CONTROLLED, "LPC-TS-008, 025"),
        Event.SILENT: Rule(State.FAILSAFE, "LPC-TS-028"),
    },
    State.FAILSAFE: {
        **_spoken_to("LPC-TS-031 to 033"),
        Event.WAITED: Rule(State.UNLIMITED_AUTONOMOUS, "LPC-TS-022/2", permitted_by=_WAIT),
        Event.OUTLASTED: Rule(State.UNLIMITED_AUTONOMOUS, "LPC-TS-022/3", permitted_by=_ANY),
    },
    State.UNLIMITED_AUTONOMOUS: _spoken_to("LPC-TS-036"),
}


@dataclass(frozen=True, slots=True)
class Timing:
    """What is commissioned for one source."""

    heartbeat_timeout_s: float
    """0: silence means nothing."""
    failsafe_min_s: float
    autonomy: Autonomy = Autonomy.AFTER_FAILSAFE_MIN


@dataclass(frozen=True, slots=True)
class Machine:
    """One source's state. A new one starts limited (LPC-TS-017)."""

    timing: Timing
    entered_at: Monotonic
    state: State = State.INIT
    heartbeat_at: Monotonic | None = None
    """The newest heartbeat. None: none yet."""
    heard_at: Monotonic | None = None
    """The first heartbeat since the state was entered. None: none yet."""


def heartbeat(machine: Machine, now: Monotonic) -> Machine:
    """The machine after a sign of life. Never changes the state (LPC-TS-031: a limit must follow)."""
    return replace(machine, heartbeat_at=now, heard_at=machine.heard_at if machine.heard_at is not None else now)


def counts(machine: Machine, now: Monotonic) -> bool:
    """True if a limit would count now: the source is in touch, or a heartbeat is fresh (LPC-TS-036).

    A heartbeat from before the failsafe is none: its end was the failsafe's cause.
    """
    if machine.state in CONTROLLED:
        return True
    if machine.state is State.FAILSAFE and machine.heard_at is None:
        return False
    return machine.heartbeat_at is not None and now - machine.heartbeat_at <= FRESH_S


def advance(machine: Machine, event: Event, now: Monotonic) -> Machine:
    """Apply one event. An event with no rule in this state changes nothing."""
    rule = RULES[machine.state].get(event)
    if rule is None or machine.timing.autonomy not in rule.permitted_by:
        return machine
    if rule.needs_heartbeat and not counts(machine, now):
        return machine
    if rule.to is machine.state:
        return machine
    return replace(machine, state=rule.to, entered_at=now, heard_at=None)


def due(machine: Machine) -> tuple[Monotonic, Event] | None:
    """The timer that ends first, and what it brings. None: no timer runs."""
    timers = [(at, event) for at, event in _timers(machine) if _has_rule(machine, event)]
    return min(timers, key=lambda timer: timer[0], default=None)


def _has_rule(machine: Machine, event: Event) -> bool:
    rule = RULES[machine.state].get(event)
    return rule is not None and machine.timing.autonomy in rule.permitted_by


def _timers(machine: Machine) -> list[tuple[Monotonic, Event]]:
    timing = machine.timing
    timers = [(after(machine.entered_at, timing.failsafe_min_s), Event.OUTLASTED)]
    if timing.heartbeat_timeout_s > 0:
        newest = machine.entered_at if machine.heartbeat_at is None else machine.heartbeat_at
        timers.append((after(newest, timing.heartbeat_timeout_s), Event.SILENT))
    if machine.state is State.INIT:
        timers.append((after(machine.entered_at, WAIT_S), Event.WAITED))
    elif machine.heard_at is not None:
        timers.append((after(machine.heard_at, WAIT_S), Event.WAITED))
    return timers


def expire(machine: Machine, now: Monotonic) -> Machine:
    """The machine after every timer that has ended by `now`."""
    while (timer := due(machine)) is not None and timer[0] <= now:
        machine = advance(machine, timer[1], timer[0])
    return machine
