"""The vehicle's maximum charging time, asked for anew: a bit of 0x118 that is dropped for a moment.

A station that announces the bit may drop it for a second; a vehicle that agrees states its times again within 6 s
(A.11.5.3.1.3 as osx has it). Where the bit lies is not public, so without `ConnectorConfig.reset_time_bit` it is never
sent and charging ends when the time is over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from edge.chademo.frames import ChargingTime, Function
from edge.chademo.state import Session
from edge.chademo.timing import Time
from powerctl.core.clock import Monotonic

ASK_BEFORE_S: Final = 30.0
"""Remaining time at which the station asks: room for the answer before 109 says zero."""


def asked(session: Session, now: Monotonic) -> Session:
    """The session that drops the bit from now on, when its time is nearly over and the vehicle wants more."""
    if session.config.reset_time_bit is None or session.reset_at is not None or not session.live:
        return session
    nearly_over = session.remaining_s is not None and session.remaining_s <= ASK_BEFORE_S
    return replace(session, reset_at=now) if nearly_over and session.heard.request_a > 0 else session


def answered(session: Session, stated: ChargingTime, now: Monotonic) -> Session:
    """The session whose time begins anew, when the vehicle states another 0x101 than before in time.

    A vehicle repeats 0x101 ten times a second: only a new one is an answer.
    """
    if session.reset_at is None or not session.live or stated == session.heard.time or stated.max_s is None:
        return session
    if now - session.reset_at > session.config.seconds(Time.RESET_ANSWER):
        return session
    return replace(session, remaining_s=float(stated.max_s), reset_at=None)


def bit(session: Session) -> Function:
    """What 0x118 carries of it now."""
    place, dropped_at, now = session.config.reset_time_bit, session.reset_at, session.ticked_at
    if place is None:
        return Function(0)
    is_dropped = dropped_at is not None and now is not None and now - dropped_at < session.config.seconds(Time.RESET)
    return Function(0) if is_dropped else Function(1 << place)
