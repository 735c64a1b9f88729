"""The effective cap: the minimum over the hardware and every live source.

Precedence decides only between set-points. Nothing lifts another's cap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.units import ZERO_POWER, Power

_SEVERITY: Final = {Command.EMERGENCY: 0, Command.PAUSE: 1}
"""Lower binds first among equal caps; every other command comes after."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one live source asks for now. Power is AC at the grid connection."""

    source: LimitSource
    detail: str
    """One sentence for a person: who, what, why."""
    cap: Power | None = None
    """None: no cap. Negative is taken as zero."""
    setpoint: Power | None = None
    """What the source wants to be drawn. Of several, only that of the best `rank` counts, as one more cap."""
    rank: tuple[int, int] = (0, 0)
    """Precedence of the set-point: authority, then the priority it gave; lower goes first."""
    command: Command = Command.RUN
    settle_s: float = 0.0
    """Within this time a decrease must have reached the power stage; 0: at once."""
    ramp_up_w_s: float | None = None
    """How fast power may return after this source's limit, watts per second. None: no rule."""
    until: datetime | None = None
    """None: until revoked."""
    eager: bool = False
    """True: the source wants as much drawn as every cap allows, now."""


@dataclass(frozen=True, slots=True)
class GridState:
    """The effective cap of the station, AC at the grid connection, and everything that a person may ask about it."""

    cap: Power
    """Finite, never negative."""
    source: LimitSource
    """The source that binds."""
    detail: str
    """One sentence for a person: who limits the station, to what, why."""
    until: datetime | None
    settle_s: float
    """Within this time a decrease must have reached the power stage; 0: at once."""
    command: Command
    """RUN, PAUSE or EMERGENCY."""
    ramp_up_w_s: float | None
    """The slowest return that a live source asks for, watts per second. None: no rule."""
    sources: tuple[Limit, ...]
    """The cap of every live source and of the hardware, lowest first."""
    eager: bool = False
    """True: the plan must not hold back what the cap allows."""
    next_change: Monotonic | None = None
    """When the state must be computed again, at the latest. None: only when a source speaks."""


def arbitrate(
    rating: Power, contributions: Sequence[Contribution], *, next_change: Monotonic | None = None
) -> GridState:
    """The minimum of `rating` and every live cap, with the source that binds.

    Adding a contribution never raises the cap, and lowering one never raises it either.

    Args:
        rating: What the hardware carries.
        contributions: One per live source, in any order.
        next_change: Passed on.
    """
    hardware = Contribution(LimitSource.HARDWARE, f"The station is built for {rating}.", cap=rating)
    bounds = sorted(_bounds([hardware, *contributions]), key=_binding_order)
    first, cap = bounds[0]
    return GridState(
        cap=cap,
        source=first.source,
        detail=first.detail,
        until=first.until,
        settle_s=min(bound.settle_s for bound, value in bounds if value == cap),
        command=min((c.command for c in contributions), key=_severity, default=Command.RUN),
        ramp_up_w_s=min((c.ramp_up_w_s for c in contributions if c.ramp_up_w_s is not None), default=None),
        sources=tuple(Limit(bound.source, value, bound.detail, bound.until) for bound, value in bounds),
        eager=any(c.eager for c in contributions),
        next_change=next_change,
    )


def _bounds(contributions: Iterable[Contribution]) -> list[tuple[Contribution, Power]]:
    live = tuple(contributions)
    wishes = [c for c in live if c.setpoint is not None]
    winner = min(wishes, key=lambda c: c.rank, default=None)
    bounds = [(c, bound) for c in live if (bound := _cap_of(c)) is not None]
    if winner is not None and winner.setpoint is not None:
        bounds.append((winner, max(ZERO_POWER, winner.setpoint)))
    return bounds


def _cap_of(contribution: Contribution) -> Power | None:
    if contribution.command in _SEVERITY:
        return ZERO_POWER
    return None if contribution.cap is None else max(ZERO_POWER, contribution.cap)


def _severity(command: Command) -> int:
    return _SEVERITY.get(command, len(_SEVERITY))


def _binding_order(bound: tuple[Contribution, Power]) -> tuple[Power, int]:
    contribution, value = bound
    return value, _severity(contribution.command)
