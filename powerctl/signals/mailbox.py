"""One source's slot of model 64300 as a pure state machine: what was written, what it means, what it contributes.

Registers are raw words by point name; the slot's power points carry the scale factor of the model. Time is an
argument. A decrease, a pause and an emergency count from the write on; silence is the limitation machine's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from powerctl.signals import lpc
from powerctl.signals.grid_signal import Authority, GridSignal, Kind, Reversion

COMMAND_POINTS: Final = frozenset({"LimW", "SetW", "Mode", "Ena", "StrTms", "DurTms"})
"""A write to one of these is a new command, if it enables or the slot is enabled."""
REVERSION_POINTS: Final = COMMAND_POINTS | {"RvrtW", "RvrtEna", "RvrtTms"}
"""A write to one of these re-arms the reversion timer."""
ENABLED: Final = 1
CONTROLLER_HB: Final = "ControllerHb"
"""Where `Mailbox.seen` keeps the newest value of 715.ControllerHb."""


class Mode(IntEnum):
    """The values of 64300.Mode."""

    CAP = 0
    SETPOINT = 1
    PAUSE = 2
    EMERGENCY = 3


class Result(IntEnum):
    """The values of 64300.AckRslt."""

    NONE = 0
    ACCEPTED = 1
    CLAMPED = 2
    RANGE = 3
    AUTHORITY = 4
    EXPIRED = 5
    SUPERSEDED = 6
    NO_HEARTBEAT = 7


KINDS: Final = {
    Mode.CAP: Kind.CAP,
    Mode.SETPOINT: Kind.SETPOINT,
    Mode.PAUSE: Kind.PAUSE,
    Mode.EMERGENCY: Kind.EMERGENCY,
}
HOLDS: Final = {Kind.PAUSE: Command.PAUSE, Kind.EMERGENCY: Command.EMERGENCY}
"""What stays at zero when the source falls silent."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """One instant on both clocks."""

    now: Monotonic
    utc: datetime
    trusted: bool = True
    """False: `utc` may be any time of day."""


@dataclass(frozen=True, slots=True)
class Commission:
    """What is settled about a source before it speaks."""

    source: LimitSource
    rating: Power
    scale: int
    """Scale factor of the slot's power points."""
    settle_s: float
    autonomy: lpc.Autonomy


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A slot at one instant."""

    commission: Commission
    registers: Mapping[str, int]
    """The writable points, raw."""
    machine: lpc.Machine
    active: GridSignal | None = None
    """In force while the source is in touch. None: no limit."""
    pending: GridSignal | None = None
    """Takes over from `active` when it starts."""
    held: Command | None = None
    """A pause or an emergency from before the restart: stays until the source commands anew."""
    revert_at: Monotonic | None = None
    result: Result = Result.NONE
    acknowledged: datetime | None = None
    acknowledged_sequence: int = 0
    commands: int = 0
    """Commands taken since start."""
    untimed: Authority | None = None
    """Who gave the command in force, if it has a start that the clock cannot tell: until then it holds at once."""
    seen: Mapping[str, int] = field(default_factory=dict)
    """`Hb`, `Seq` and 715.ControllerHb as last written by the source; empty until then."""

    def watts(self, name: str) -> Power:
        """The value of a power point."""
        return Power(self.registers[name] * 10.0**self.commission.scale)


def open_mailbox(
    commission: Commission, timing: lpc.Timing, failsafe: Power, now: Monotonic, *, held: Command | None = None
) -> Mailbox:
    """A commissioned slot at start: limited to its failsafe value, no command in force (LPC-TS-017, 009/2)."""
    unit = 10.0**commission.scale
    registers = dict.fromkeys(
        ("ExpLimW", "SetW", "Pri", "RmpUp", "RmpDn", "StrTms", "DurTms", "RvrtEna", "RvrtTms"), 0
    ) | {
        "LimW": round(commission.rating.w / unit),
        "RvrtW": round(commission.rating.w / unit),
        "FsW": round(failsafe.w / unit),
        "HbTms": round(timing.heartbeat_timeout_s),
        "FsTms": round(timing.failsafe_min_s),
        **dict.fromkeys(("EvtId", "Mode", "Ena", "Seq", "Hb"), 0),
    }
    return Mailbox(commission, registers, lpc.Machine(timing, entered_at=now), held=held)


def write(
    box: Mailbox, values: Mapping[str, int], authority: Authority, stamp: Stamp, *, on_seq: bool = False
) -> Mailbox:
    """The slot after a write that was accepted as a whole.

    Args:
        values: Raw values by point name; each acceptable to its point.
        authority: Who wrote, and was entitled to.
        on_seq: True: a command takes effect when `Seq` gets another value, with everything written until then.
    """
    alive = _is_heartbeat(box, values)
    commits = _commits(box, values) if on_seq else _commands(box, values)
    arms = commits if on_seq else bool(values.keys() & REVERSION_POINTS)
    box = replace(
        box,
        registers={**box.registers, **values},
        seen={**box.seen, **{name: values[name] for name in ("Hb", "Seq") if name in values}},
        machine=lpc.heartbeat(box.machine, stamp.now) if alive else box.machine,
    )
    box = _retime(box)
    if commits:
        box = _command(box, authority, stamp)
    return _arm_reversion(box, stamp.now) if arms else box


def _commands(box: Mailbox, values: Mapping[str, int]) -> bool:
    enabled = "Ena" in values or box.registers["Ena"] == ENABLED
    return enabled and bool(values.keys() & COMMAND_POINTS)


def _commits(box: Mailbox, values: Mapping[str, int]) -> bool:
    return "Seq" in values and values["Seq"] != box.seen.get("Seq")


def beat(box: Mailbox, value: int, stamp: Stamp) -> Mailbox:
    """The slot after its source wrote 715.ControllerHb: a sign of life if the value is another one."""
    if value == box.seen.get(CONTROLLER_HB):
        return box
    seen = {**box.seen, CONTROLLER_HB: value}
    return replace(box, seen=seen, machine=lpc.heartbeat(box.machine, stamp.now))


def spoken(box: Mailbox, stamp: Stamp) -> Mailbox:
    """The slot after its source commanded through SunSpec's own controls: it is in touch, and this slot has no limit.

    A limit, a pause or an emergency of the slot stays until the slot is written.
    """
    machine = lpc.heartbeat(box.machine, stamp.now)
    if box.active is None and box.pending is None and box.held is None:
        machine = lpc.advance(machine, lpc.Event.NO_LIMIT, stamp.now)
    return replace(box, machine=machine)


def _is_heartbeat(box: Mailbox, values: Mapping[str, int]) -> bool:
    """True unless the write carries Hb or Seq and moves neither: a frozen or replayed source is lost."""
    signs = values.keys() & {"Hb", "Seq"}
    return not signs or any(values[sign] != box.seen.get(sign) for sign in signs)


def _retime(box: Mailbox) -> Mailbox:
    timing = lpc.Timing(box.registers["HbTms"], box.registers["FsTms"], box.commission.autonomy)
    return replace(box, machine=replace(box.machine, timing=timing))


def _command(box: Mailbox, authority: Authority, stamp: Stamp) -> Mailbox:
    box = replace(
        box,
        acknowledged=stamp.utc,
        acknowledged_sequence=box.registers["Seq"],
        commands=box.commands + 1,
    )
    if not lpc.counts(box.machine, stamp.now):
        return replace(box, result=Result.NO_HEARTBEAT)
    box = replace(box, untimed=None)
    if box.registers["Ena"] != ENABLED:
        return _released(replace(box, result=Result.ACCEPTED, held=None), lpc.Event.NO_LIMIT, stamp.now)
    if box.registers["StrTms"] and not stamp.trusted:
        box = replace(box, untimed=authority)
    signal = _signal(box, authority, stamp)
    if signal.ended(stamp.now):
        return _refused(replace(box, result=Result.EXPIRED), stamp.now)
    result = Result.CLAMPED if _above_rating(signal, box.commission.rating) else Result.ACCEPTED
    return _taken(replace(box, result=result, held=None), signal, stamp.now)


def _taken(box: Mailbox, signal: GridSignal, now: Monotonic) -> Mailbox:
    if signal.started(now):
        return replace(box, active=signal, pending=None, machine=lpc.advance(box.machine, lpc.Event.LIMIT, now))
    event = lpc.Event.NO_LIMIT if box.active is None else lpc.Event.LIMIT
    return replace(box, pending=signal, machine=lpc.advance(box.machine, event, now))


def _released(box: Mailbox, event: lpc.Event, now: Monotonic) -> Mailbox:
    return replace(box, active=None, pending=None, machine=lpc.advance(box.machine, event, now))


def _refused(box: Mailbox, now: Monotonic) -> Mailbox:
    """A limit in force stays (LPC-TS-023); elsewhere none comes into force (LPC-TS-018)."""
    machine = lpc.advance(box.machine, lpc.Event.REFUSED, now)
    active = box.active if machine.state is lpc.State.LIMITED else None
    return replace(box, machine=machine, active=active, held=None)


def _above_rating(signal: GridSignal, rating: Power) -> bool:
    asked = signal.import_cap if signal.import_cap is not None else signal.setpoint
    return asked is not None and asked > rating


def _signal(box: Mailbox, authority: Authority, stamp: Stamp) -> GridSignal:
    registers, commission = box.registers, box.commission
    kind = KINDS[Mode(registers["Mode"])]
    begins = _instant(registers["StrTms"], stamp)
    ends = after(begins, registers["DurTms"]) if registers["DurTms"] and box.untimed is None else None
    return GridSignal(
        source=commission.source,
        authority=authority,
        kind=kind,
        received_at=stamp.now,
        received_time=stamp.utc,
        event_id=registers["EvtId"],
        sequence=registers["Seq"],
        import_cap=box.watts("LimW") if kind is Kind.CAP else None,
        export_cap=box.watts("ExpLimW"),
        setpoint=-box.watts("SetW") if kind is Kind.SETPOINT else None,
        starts_at=begins,
        ends_at=ends,
        ends_time=None if ends is None else stamp.utc + timedelta(seconds=ends - stamp.now),
        ramp_up_w_s=registers["RmpUp"] or None,
        ramp_down_w_s=registers["RmpDn"] or None,
        priority=registers["Pri"],
        heartbeat_timeout_s=registers["HbTms"],
        failsafe=box.watts("FsW"),
        failsafe_min_s=registers["FsTms"],
        reversion=_reversion(box),
    )


def _instant(utc_s: int, stamp: Stamp) -> Monotonic:
    """A register's time of day on the monotonic clock; 0 is now, and so is all that a clock without trust says."""
    if utc_s == 0 or not stamp.trusted:
        return stamp.now
    return after(stamp.now, (datetime.fromtimestamp(utc_s, UTC) - stamp.utc).total_seconds())


def _reversion(box: Mailbox) -> Reversion | None:
    if not box.registers["RvrtTms"]:
        return None
    return Reversion(box.registers["RvrtTms"], box.watts("RvrtW"), box.registers["RvrtEna"] == ENABLED)


def _arm_reversion(box: Mailbox, now: Monotonic) -> Mailbox:
    seconds = box.registers["RvrtTms"] if box.registers["Ena"] == ENABLED else 0
    return replace(box, revert_at=after(now, seconds) if seconds else None)


def deadline(box: Mailbox) -> Monotonic | None:
    """When `expire` must be called at the latest. None: nothing runs."""
    timer = lpc.due(box.machine)
    candidates = (
        timer[0] if timer else None,
        box.active.ends_at if box.active else None,
        box.pending.starts_at if box.pending else None,
        box.revert_at,
    )
    return min((at for at in candidates if at is not None), default=None)


def expire(box: Mailbox, stamp: Stamp) -> Mailbox:
    """The slot after every timer that has ended by now."""
    now = stamp.now
    if box.untimed is not None and stamp.trusted:
        box = _timed(box, box.untimed, stamp)
    if box.active is not None and box.active.ended(now):
        box = _ended(box, now)
    if box.pending is not None and box.pending.started(now):
        box = _begun(box, box.pending, now)
    if box.revert_at is not None and now >= box.revert_at:
        box = _reverted(box, stamp)
    return replace(box, machine=lpc.expire(box.machine, now))


def _timed(box: Mailbox, authority: Authority, stamp: Stamp) -> Mailbox:
    """The clock can be trusted now: the command holds from its start on, which may be over or yet to come."""
    box = replace(box, untimed=None)
    if box.active is None:
        return box
    signal = _signal(box, authority, stamp)
    if signal.started(stamp.now):
        return replace(box, active=signal)
    machine = _unless_failing(box.machine, lpc.Event.NO_LIMIT, stamp.now)
    return replace(box, active=None, pending=signal, machine=machine)


def _ended(box: Mailbox, now: Monotonic) -> Mailbox:
    """The limit's duration is over: the slot deactivates by itself (LPC-TS-008)."""
    if box.pending is not None:
        return replace(box, active=None, machine=lpc.advance(box.machine, lpc.Event.EXPIRED, now))
    disabled = replace(box, registers={**box.registers, "Ena": 0}, revert_at=None)
    return _released(disabled, lpc.Event.EXPIRED, now)


def _begun(box: Mailbox, signal: GridSignal, now: Monotonic) -> Mailbox:
    if signal.ended(now):
        return _ended(replace(box, pending=None), now)
    return replace(box, active=signal, pending=None, machine=_unless_failing(box.machine, lpc.Event.LIMIT, now))


def _reverted(box: Mailbox, stamp: Stamp) -> Mailbox:
    """Nobody renewed the limit: the slot takes the value and the enable that were left for this case."""
    enabled = box.registers["RvrtEna"]
    registers = {**box.registers, "LimW": box.registers["RvrtW"], "Ena": enabled, "Mode": int(Mode.CAP), "DurTms": 0}
    active = box.active
    box = replace(box, registers=registers, revert_at=None, pending=None, untimed=None)
    if not enabled or active is None:
        machine = _unless_failing(box.machine, lpc.Event.NO_LIMIT, stamp.now)
        return replace(box, active=None, machine=machine)
    reverted = replace(
        active, kind=Kind.CAP, import_cap=box.watts("LimW"), setpoint=None, ends_at=None, ends_time=None, reversion=None
    )
    return replace(box, active=reverted, machine=_unless_failing(box.machine, lpc.Event.LIMIT, stamp.now))


def _unless_failing(machine: lpc.Machine, event: lpc.Event, now: Monotonic) -> lpc.Machine:
    """A timer is not the source's word: it never ends a failsafe."""
    return lpc.advance(machine, event, now) if machine.state in lpc.CONTROLLED else machine
