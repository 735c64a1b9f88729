"""What a driver is told about a session, once per kind. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from cloud.domain.session import Session, SessionState
from powerctl.core.ids import SessionId
from powerctl.core.session import StopReason
from powerctl.core.setpoint import Limit, LimitSource


class NoticeKind(StrEnum):
    """Which of the driver's wishes it serves."""

    FINISHED = "finished"
    STOPPED = "stopped"
    """By the station, the grid, an operator or a fault; not by the driver or the vehicle."""
    SLOWED = "slowed"
    """By a limit of the grid."""


class Notice(NamedTuple):
    """What to tell whom."""

    user: str
    session: SessionId
    kind: NoticeKind
    text: str


_OWN_WILL: Final = frozenset({StopReason.DRIVER, StopReason.VEHICLE, StopReason.UNPLUGGED, StopReason.TIME})
_OVER: Final = frozenset({SessionState.COMPLETED, SessionState.NEEDS_REVIEW})
_GRID: Final = frozenset(
    {
        LimitSource.DSO,
        LimitSource.EMS,
        LimitSource.AGGREGATOR,
        LimitSource.OPERATOR,
        LimitSource.LOCAL_CONTACT,
        LimitSource.FREQUENCY,
        LimitSource.SCHEDULE,
        LimitSource.FAILSAFE,
        LimitSource.EMERGENCY,
    }
)


def of_step(before: Session, after: Session) -> Notice | None:
    """What the driver is told of a step of their session. None: nothing."""
    end = after.ended
    if after.driver is None or end is None or after.state not in _OVER or before.state in _OVER:
        return None
    energy = f"{after.energy_wh / 1000:.1f} kWh"
    if end.stop_reason in _OWN_WILL:
        return Notice(after.driver, after.id, NoticeKind.FINISHED, f"Charging has finished: {energy}.")
    why = f" {end.detail}" if end.detail else ""
    return Notice(after.driver, after.id, NoticeKind.STOPPED, f"Charging was stopped after {energy}.{why}")


def of_limit(session: Session, reasons: Sequence[Limit], target_w: float) -> Notice | None:
    """What the driver is told of the limit in force. None: the grid does not slow the session."""
    if session.driver is None or session.ended is not None or not reasons or reasons[0].source not in _GRID:
        return None
    if reasons[0].limit.w >= target_w:
        return None
    return Notice(session.driver, session.id, NoticeKind.SLOWED, f"Charging is slower now. {reasons[0].detail}")
