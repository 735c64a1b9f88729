"""What a slot contributes to the station's cap, and the sentence that explains it."""

from __future__ import annotations

from typing import Final

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import ZERO_POWER, Power
from powerctl.signals import lpc
from powerctl.signals.arbitration import Contribution
from powerctl.signals.grid_signal import GridSignal, Kind
from powerctl.signals.mailbox import HOLDS, Mailbox

NAMES: Final = {
    LimitSource.DSO: "The grid operator",
    LimitSource.EMS: "The site's energy manager",
    LimitSource.AGGREGATOR: "The aggregator",
    LimitSource.OPERATOR: "The charging station's operator",
}
RANKS: Final = {LimitSource.DSO: 0, LimitSource.OPERATOR: 1, LimitSource.EMS: 2, LimitSource.AGGREGATOR: 3}
"""Whose set-point goes first."""


def contribution(box: Mailbox, now: Monotonic) -> Contribution:
    """What the slot asks for at this instant; without a cap while its source leaves the station free."""
    signal = box.active if box.active is not None and not box.active.ended(now) else None
    if (hold := _hold(box, signal)) is not None:
        return _stopped(box, hold, signal)
    if box.machine.state in lpc.FAILING:
        return _failsafe(box)
    if signal is None or box.machine.state is not lpc.State.LIMITED:
        return _free(box)
    return _limited(box, signal)


def _hold(box: Mailbox, signal: GridSignal | None) -> Command | None:
    """A pause or an emergency that is in force; it outlasts the source's silence, until autonomy begins."""
    if box.machine.state is lpc.State.UNLIMITED_AUTONOMOUS:
        return None
    if box.machine.state is lpc.State.INIT and box.held is not None:
        return box.held
    return HOLDS.get(signal.kind) if signal is not None else None


def _stopped(box: Mailbox, command: Command, signal: GridSignal | None) -> Contribution:
    who = NAMES[box.commission.source]
    emergency = command is Command.EMERGENCY
    return Contribution(
        LimitSource.EMERGENCY if emergency else box.commission.source,
        f"{who} ordered an emergency stop of all charging." if emergency else f"{who} pauses all charging.",
        cap=ZERO_POWER,
        command=command,
        settle_s=0.0 if emergency else box.commission.settle_s,
        ramp_up_w_s=_ramp_up(box),
        until=signal.ends_time if signal else None,
    )


def _failsafe(box: Mailbox) -> Contribution:
    who, cap = NAMES[box.commission.source], box.watts("FsW")
    waiting = f"The station has started and waits for {who.lower()}: {cap} until then."
    silent = f"{who} has fallen silent: the station keeps to {cap} as agreed for this case."
    return Contribution(
        LimitSource.FAILSAFE,
        waiting if box.machine.state is lpc.State.INIT else silent,
        cap=cap,
        settle_s=box.commission.settle_s,
        ramp_up_w_s=_ramp_up(box),
    )


def _free(box: Mailbox) -> Contribution:
    who = NAMES[box.commission.source]
    return Contribution(box.commission.source, f"{who} sets no limit.", ramp_up_w_s=_ramp_up(box))


def _limited(box: Mailbox, signal: GridSignal) -> Contribution:
    who, rating = NAMES[box.commission.source], box.commission.rating
    wanted = signal.import_cap if signal.import_cap is not None else signal.setpoint
    asked = min(rating if wanted is None else wanted, rating)
    is_setpoint = signal.kind is Kind.SETPOINT
    return Contribution(
        signal.source,
        f"{who} asks the station to draw {asked}." if is_setpoint else f"{who} limits the station to {asked}.",
        cap=None if is_setpoint else asked,
        setpoint=asked if is_setpoint else None,
        rank=(RANKS[signal.source], signal.priority),
        settle_s=box.commission.settle_s,
        ramp_up_w_s=_ramp_up(box),
        until=signal.ends_time,
    )


def _ramp_up(box: Mailbox) -> float | None:
    return float(box.registers["RmpUp"]) or None


def effective(contributed: Contribution, rating: Power) -> Power:
    """What 64300.EffW shows for the slot: its cap or set-point, at most the rating."""
    bound = contributed.cap if contributed.cap is not None else contributed.setpoint
    return rating if bound is None else min(bound, rating)
