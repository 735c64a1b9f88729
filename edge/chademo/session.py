"""The session core: `idle` makes one, `advance` takes an event, `frames_due` and `status` look at it.

Pure: the same session, event and time give the same result. A shell calls `advance` for every event, carries the
effects out in order and at once, and sends `frames_due` after each `Tick`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from edge.chademo.absorb import absorb
from edge.chademo.announce import frames_due
from edge.chademo.conditions import CONDITIONS
from edge.chademo.config import ConnectorConfig
from edge.chademo.drive import driven
from edge.chademo.effects import Effect, FaultGone, FaultSeen, LessonsLearnt, StateChanged
from edge.chademo.events import Event, Tick
from edge.chademo.faults import seen
from edge.chademo.glance import detail_of, status
from edge.chademo.perform import perform
from edge.chademo.phase import IDLE, LOOKS
from edge.chademo.state import Session
from edge.chademo.table import BY_PHASE, Rule
from edge.chademo.vehicles import Lesson
from powerctl.core.clock import Monotonic
from powerctl.core.fault import Fault

__all__ = ["Session", "advance", "frames_due", "idle", "status"]

_ASKED: Final = {phase: tuple((CONDITIONS[rule.when], rule) for rule in rows) for phase, rows in BY_PHASE.items()}
_MOST_STEPS: Final = 8
"""Rows in one advance; a longer chain would be an error in the table, and a test looks for it."""


def idle(config: ConnectorConfig, latched: Iterable[Fault] = (), lessons: Iterable[Lesson] = ()) -> Session:
    """A connector with nothing plugged in.

    Args:
        config: What it was commissioned with.
        latched: Faults that hold from before a restart.
        lessons: What vehicles have shown before it, the latest first.
    """
    return Session(config, faults=tuple(latched), lessons=tuple(lessons))


def advance(session: Session, event: Event, now: Monotonic) -> tuple[Session, tuple[Effect, ...]]:
    """The session after `event`, and what must be done. An event that means nothing in a state changes nothing."""
    before = session
    session = _supervised(absorb(session, event, now), now)
    effects: tuple[Effect, ...] = ()
    for _ in range(_MOST_STEPS):
        rule = _rule(session, now)
        if rule is None:
            break
        session, more = perform(session, rule, now)
        session = _supervised(session, now)
        effects += more
    session, commands = driven(session, tick=isinstance(event, Tick))
    return session, (*effects, *commands, *_news(before, session))


def _rule(session: Session, now: Monotonic) -> Rule | None:
    for holds, rule in _ASKED[session.phase]:
        if holds(session, now):
            return rule
    return None


def _supervised(session: Session, now: Monotonic) -> Session:
    """The session with the faults that stand now: a fault of a running session stays until that has ended."""
    holding = list(seen(session, now))
    if not holding and not session.faults:
        return session
    codes = {fault.code for fault in holding}
    kept = [fault for fault in session.faults if fault.latched or fault.code in codes or session.phase not in IDLE]
    known = {fault.code for fault in kept}
    fresh = [fault for fault in holding if fault.code not in known]
    if not fresh and len(kept) == len(session.faults):
        return session
    return replace(session, faults=(*kept, *fresh), tripped=session.tripped and not fresh)


def _news(before: Session, session: Session) -> tuple[Effect, ...]:
    if before.faults is session.faults and before.phase is session.phase:
        return ()  # lessons are learnt at the end of charging only
    old, new = {fault.code for fault in before.faults}, {fault.code for fault in session.faults}
    news: list[Effect] = [FaultSeen(fault) for fault in session.faults if fault.code not in old]
    news += [FaultGone(fault.code) for fault in before.faults if fault.code not in new]
    state, detail = LOOKS[session.phase].state, detail_of(session)
    if (state, detail) != (LOOKS[before.phase].state, detail_of(before)):
        news.append(StateChanged(state, detail))
    if session.lessons is not before.lessons:
        news.append(LessonsLearnt(session.lessons))
    return tuple(news)
