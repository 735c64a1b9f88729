"""How a session takes a lower limit: what was commissioned, what the vehicle says, and what it has shown."""

from __future__ import annotations

from typing import Final

from edge.chademo.frames import Function, VehicleFlag
from edge.chademo.state import Session
from edge.chademo.timing import Time
from edge.chademo.version import Feature, has
from powerctl.core.session import Flexibility

PROMPT_S: Final = 1.0
"""Who begins to follow within this time is fast (captures: 76 ms; JLD505 kits 225 ms)."""


def flexibility(session: Session) -> Flexibility:
    """The session's class: firm only by rule or after a fault, otherwise by what was seen, then by what is said.

    Slow, where nothing speaks for more.
    """
    if session.firm:
        return Flexibility.FIRM
    if session.rule is not None and session.rule.flexibility is not None:
        return session.rule.flexibility
    seen = _seen(session)
    if seen is not None:
        return seen
    return Flexibility.FAST if _says_dynamic(session) else Flexibility.SLOW


def pause_s(session: Session) -> float:
    """For how long the vehicle is expected to stay without current, seconds; 0: a pause ends its session."""
    rule, lesson = session.rule, session.lesson
    if rule is not None and rule.pause_s is not None:
        return rule.pause_s
    if session.firm:
        return 0.0
    usual_s = session.config.seconds(Time.IDLE)
    return usual_s if lesson is None or lesson.pause_s is None else min(usual_s, lesson.pause_s)


def _seen(session: Session) -> Flexibility | None:
    follow = session.follow
    if follow.obeys is None:
        return None
    steep = follow.slope_a_s is None or follow.slope_a_s >= session.config.lower_a_s
    prompt = follow.reaction_s is None or follow.reaction_s <= PROMPT_S
    return Flexibility.FAST if follow.obeys and steep and prompt else Flexibility.SLOW


def _says_dynamic(session: Session) -> bool:
    """110.0.0 (1.1), or the bit of early Leafs that osx calls legacy dynamic control."""
    heard, pact = session.heard, session.pact
    number = 0 if pact is None else pact.protocol_number
    functions = heard.functions is not None and Function.DYNAMIC_CONTROL in heard.functions.functions
    legacy = heard.control is not None and VehicleFlag.LEGACY_DYNAMIC in heard.control.flags
    return legacy or (functions and has(number, Feature.EXTENDED))
