"""Every commissioned slot, and what each of its steps means for the evidence. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from powerctl.core.clock import Monotonic
from powerctl.core.record import GridEvent, GridEventKind
from powerctl.core.setpoint import Command
from powerctl.core.units import Power
from powerctl.signals import lpc
from powerctl.signals.arbitration import Contribution
from powerctl.signals.contribution import NAMES, contribution, effective
from powerctl.signals.grid_signal import Authority
from powerctl.signals.mailbox import ENABLED, Mailbox, Result, Stamp, beat, deadline, expire, spoken, write

_FREE: Final = frozenset({lpc.State.UNLIMITED_CONTROLLED, lpc.State.UNLIMITED_AUTONOMOUS})
_TAKEN: Final = frozenset({Result.ACCEPTED, Result.CLAMPED})


@dataclass(frozen=True, slots=True)
class Step:
    """One slot before and after something happened to it."""

    index: int
    before: Mailbox
    after: Mailbox

    @property
    def commanded(self) -> bool:
        """True if the source gave a command."""
        return self.after.commands != self.before.commands

    @property
    def fell_silent(self) -> bool:
        """True if the failsafe began."""
        return self._entered({lpc.State.FAILSAFE})

    @property
    def released(self) -> bool:
        """True if a limit, or the failsafe, came to its end."""
        return self._entered(_FREE) and self.before.machine.state not in _FREE

    def _entered(self, states: Container[lpc.State]) -> bool:
        return self.after.machine.state in states and self.before.machine.state is not self.after.machine.state


class Slots:
    """The commissioned slots by index."""

    def __init__(self, boxes: Mapping[int, Mailbox]) -> None:
        self._boxes = dict(boxes)

    def __getitem__(self, index: int) -> Mailbox:
        return self._boxes[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self._boxes)

    def write(
        self, index: int, values: Mapping[str, int], authority: Authority, stamp: Stamp, *, on_seq: bool = False
    ) -> Step:
        """Take a write that was accepted as a whole."""
        return self._replace(index, write(self._boxes[index], values, authority, stamp, on_seq=on_seq))

    def beat(self, index: int, value: int, stamp: Stamp) -> Step:
        """Take a heartbeat that came through 715.ControllerHb."""
        return self._replace(index, beat(self._boxes[index], value, stamp))

    def spoken(self, index: int, stamp: Stamp) -> Step:
        """The slot's source commanded through SunSpec's own controls."""
        return self._replace(index, spoken(self._boxes[index], stamp))

    def expire(self, stamp: Stamp) -> list[Step]:
        """Let every timer end that is due."""
        return [self._replace(index, expire(self._boxes[index], stamp)) for index in self._boxes]

    def _replace(self, index: int, after: Mailbox) -> Step:
        before = self._boxes[index]
        self._boxes[index] = after
        return Step(index, before, after)

    def deadline(self) -> Monotonic | None:
        """When `expire` must be called at the latest. None: nothing runs."""
        return min((at for box in self._boxes.values() if (at := deadline(box)) is not None), default=None)

    def contributions(self, now: Monotonic) -> list[Contribution]:
        """What every slot asks for, in order of the slots."""
        return [contribution(self._boxes[index], now) for index in sorted(self._boxes)]


def readback(box: Mailbox, now: Monotonic) -> dict[str, int]:
    """The raw values of all of the slot's points."""
    contributed = contribution(box, now)
    unit = 10.0**box.commission.scale
    return {
        **box.registers,
        "AckSeq": box.acknowledged_sequence,
        "AckRslt": box.result,
        "AckTms": 0 if box.acknowledged is None else int(box.acknowledged.timestamp()),
        "RvrtRem": 0 if box.revert_at is None else max(0, round(box.revert_at - now)),
        "St": box.machine.state,
        "EffW": round(effective(contributed, box.commission.rating).w / unit),
    }


def held(box: Mailbox, now: Monotonic) -> Command | None:
    """The pause or emergency that must survive a restart. None: there is none."""
    command = contribution(box, now).command
    return None if command is Command.RUN else command


def events(step: Step, stamp: Stamp, measured: Power | None) -> list[GridEvent]:
    """What the evidence must know about `step`, in order."""
    after = step.after
    contributed = contribution(after, stamp.now)
    cap = effective(contributed, after.commission.rating)

    def event(kind: GridEventKind, detail: str) -> GridEvent:
        return GridEvent(kind, after.commission.source, cap, measured, stamp.utc, detail)

    found = []
    if step.commanded:
        found.append(event(GridEventKind.RECEIVED, _received(after)))
    if step.fell_silent:
        found.append(event(GridEventKind.FAILSAFE, contributed.detail))
    if step.released:
        found.append(event(GridEventKind.RELEASED, contributed.detail))
    return found


def _received(box: Mailbox) -> str:
    who, result = NAMES[box.commission.source], box.result.name.lower()
    signal = box.pending or box.active
    if box.result not in _TAKEN:
        return f"{who} gave a command that was not taken: {result}."
    if box.registers["Ena"] != ENABLED or signal is None:
        return f"{who} withdrew its limit."
    return f"{who} commanded {signal.kind} from {_speaker(signal.authority)}: {result}."


def _speaker(authority: Authority) -> str:
    told = f"{authority.peer} by {authority.channel}"
    if authority.fingerprint is None:
        return told
    return f"{told} as {authority.role or 'nobody'} with certificate {authority.fingerprint}"
