"""The current loop: what the power stage is told in each cycle."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from edge.chademo.conditions import released
from edge.chademo.effects import CommandOutput, Effect
from edge.chademo.phase import LIVE, Phase
from edge.chademo.ramp import output_a
from edge.chademo.state import Session
from edge.chademo.timing import PERIOD_S
from powerctl.core.units import Current, Voltage

_DRIVEN: Final = frozenset({*LIVE, Phase.STOPPING})


def driven(session: Session, *, tick: bool) -> tuple[Session, tuple[Effect, ...]]:
    """The session with its command to the power stage renewed.

    The command is never above request, 108.3 or the promise over the measured voltage. It falls at once, whatever
    the event, and rises on ticks only.
    """
    if session.phase not in _DRIVEN:
        return session, ()
    commanded_a = _wanted_a(session, tick)
    if commanded_a == session.commanded_a and not tick:
        return session, ()
    command = CommandOutput(Voltage(session.top_v), Current(commanded_a))
    return replace(session, commanded_a=commanded_a), (command,)


def _wanted_a(session: Session, tick: bool) -> float:
    most_a = output_a(session.ramp, session.bounds())
    if session.phase is Phase.STOPPING:
        if released(session):
            return 0.0
        return max(0.0, min(most_a, session.commanded_a - (session.config.stop_a_s * PERIOD_S if tick else 0.0)))
    rise_a = session.config.raise_a_s * PERIOD_S if tick else 0.0
    return min(most_a, session.commanded_a + rise_a)
