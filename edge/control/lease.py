"""What the energy manager allows a connector, and what holds when it falls silent (pure).

A setpoint is a lease. When it ends, the connector keeps the smaller of what it was granted and the share it was
commissioned with, and stays at zero after an emergency or a pause: nothing but a new lease ever raises it
(architecture, rule 2). Before the first lease the commissioned share holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.setpoint import Command, Lease, Limit, LimitSource, Setpoint
from powerctl.core.units import ZERO_POWER, Power

ZERO_AFTER: Final = frozenset({Command.EMERGENCY, Command.PAUSE})
"""Commands that leave nothing when their lease ends."""
NEVER_HEARD: Final = "The energy manager has not been heard yet: the commissioned share holds."
SILENT: Final = "The energy manager is silent: no more than the commissioned share holds."


@dataclass(frozen=True, slots=True)
class Decrease:
    """A lower limit that the output may still be on its way down to."""

    limit: Power
    settle_by: Monotonic


@dataclass(frozen=True, slots=True)
class Holding:
    """The lease of one connector and what it was commissioned with."""

    fallback: Power
    lease: Lease | None = None
    sequence: int = 0
    """Of the newest setpoint of this stream; 0: none."""
    decrease: Decrease | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What is allowed now."""

    limit: Power
    command: Command
    settle_by: Monotonic | None
    """When a decrease must have reached the power stage; None: at once."""
    reasons: tuple[Limit, ...]
    """Lowest first; the first binds. Never empty."""
    is_leased: bool
    """False: commissioned share or what is left of it."""


def taken(holding: Holding, setpoint: Setpoint, now: Monotonic, committed: Power) -> Holding | None:
    """The holding after `setpoint`; None when its sequence is not newer than the newest of this stream.

    Args:
        committed: What the output will not exceed from now on. A decrease that is still on its way to an earlier
            limit keeps the earlier deadline; renewing a lease never defers one.
    """
    if setpoint.sequence <= holding.sequence:
        return None
    lease = Lease(setpoint, now)
    return replace(
        holding, lease=lease, sequence=setpoint.sequence, decrease=_decrease(holding, setpoint, now, committed)
    )


def _decrease(holding: Holding, setpoint: Setpoint, now: Monotonic, committed: Power) -> Decrease | None:
    if setpoint.settle_s <= 0.0 or setpoint.command is Command.EMERGENCY:
        return None
    fresh = Decrease(setpoint.limit, after(now, setpoint.settle_s))
    pending = holding.decrease
    if pending is None or committed <= pending.limit:
        return fresh
    return Decrease(setpoint.limit, min(pending.settle_by, fresh.settle_by))


def new_stream(holding: Holding) -> Holding:
    """The holding when a new stream begins: sequences start again, the lease lives on."""
    return replace(holding, sequence=0)


def grant(holding: Holding, now: Monotonic) -> Grant:
    """What the connector may draw at `now`."""
    lease = holding.lease
    if lease is None:
        return Grant(holding.fallback, Command.RUN, None, (_fallback(holding.fallback, NEVER_HEARD),), False)
    if lease.holds(now):
        return _leased(holding, lease.setpoint)
    return _lapsed(holding, lease.setpoint)


def _leased(holding: Holding, setpoint: Setpoint) -> Grant:
    settle_by = holding.decrease.settle_by if holding.decrease else None
    reasons = setpoint.reasons or (Limit(LimitSource.PLAN, setpoint.limit, "Granted by the energy manager."),)
    return Grant(setpoint.limit, setpoint.command, settle_by, reasons, True)


def _lapsed(holding: Holding, last: Setpoint) -> Grant:
    limit = ZERO_POWER if last.command in ZERO_AFTER else min(last.limit, holding.fallback)
    return Grant(limit, last.command, None, (_fallback(limit, SILENT), *last.reasons), False)


def _fallback(limit: Power, detail: str) -> Limit:
    return Limit(LimitSource.FALLBACK, limit, detail)


def next_change(holding: Holding, now: Monotonic) -> Monotonic | None:
    """When the grant changes by itself. None: not without a new setpoint."""
    lease = holding.lease
    return lease.expires_at if lease is not None and lease.holds(now) else None


def refusal(holding: Holding, now: Monotonic, minimum: Power) -> str | None:
    """Why no transaction may start at `now`, as a sentence; None: it may.

    Args:
        minimum: The smallest power that the connector can hold.
    """
    present = grant(holding, now)
    if present.command is Command.EMERGENCY:
        return "The station is in emergency stop."
    if not present.is_leased and present.limit < minimum:
        return "The energy manager is silent, and the commissioned share is too small to charge with."
    return None
