"""Everything that clients may write, as one: the slots, the other controls, the schedule, and the image of them all.

A write is carried out as a whole or refused as a whole. Pure but for the image, which shows what is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals import controls, flexibility, schedule_points
from powerctl.signals.arbitration import Contribution
from powerctl.signals.bank import Change
from powerctl.signals.controls import Controls
from powerctl.signals.grid_signal import Authority
from powerctl.signals.image import Image
from powerctl.signals.mailbox import Stamp
from powerctl.signals.pdu import Code, Refused
from powerctl.signals.rights import SLOT_GROUP, Rights
from powerctl.signals.slots import Slots, Step, readback
from powerctl.signals.sources.flexible_return import ReturnRules
from powerctl.signals.sources.schedule import ScheduleSource

FREQUENCY_MODE: Final = "64301.FrqMd"
PERSISTENT_OF_A_SLOT: Final = frozenset({"FsW", "FsTms"})


@runtime_checkable
class Armable(Protocol):
    """A source that a client may switch on and off through 64301.FrqMd."""

    def arm(self, *, on: bool) -> None:
        """Switch it."""
        ...

    def mode(self, now: Monotonic) -> int:
        """What 64301.FrqMd shows."""
        ...


class Panel:
    """What clients have set.

    Args:
        image: Shows it.
        slots: The commissioned slots.
        opened: The other controls.
        rights: Whose heartbeat a write is, and who speaks for a schedule.
    """

    def __init__(self, image: Image, slots: Slots, opened: Controls, rights: Rights) -> None:
        self._image = image
        self._rights = rights
        self.slots = slots
        self.controls = opened
        self.schedule = ScheduleSource()
        self.frequency: Armable | None = None
        """None: the station has no frequency response."""
        self.armed: int | None = None
        """64301.FrqMd as a client wrote it, which goes before the settings. None: nobody did."""

    def persists(self, changes: Sequence[Change]) -> bool:
        """True if one of `changes` must survive a restart."""
        return any(_persists(change) for change in changes)

    def take(self, changes: Sequence[Change], authority: Authority, stamp: Stamp) -> list[Step]:
        """Carry out a validated write. Raises Refused: nothing was changed."""
        values = {change.field.path: change.value for change in changes if change.field.group != SLOT_GROUP}
        taken = controls.written(self.controls, _numbers(values), stamp.now)
        self._check_frequency(values)
        if schedule_points.REQUEST in values:
            self._check_speaker(values, authority)
        self.controls = taken
        self._image.put_all(values)
        if schedule_points.REQUEST in values:
            self.adopt()
        if (mode := values.get(FREQUENCY_MODE)) is not None and self.frequency is not None:
            self.armed = mode
            self.frequency.arm(on=bool(mode))
        steps = [*self._write_slots(changes, authority, stamp), *self._signs_of_life(values, authority, stamp)]
        self.show(stamp)
        return steps

    def _write_slots(self, changes: Sequence[Change], authority: Authority, stamp: Stamp) -> Iterator[Step]:
        by_slot: dict[int, dict[str, int]] = {}
        for change in changes:
            if change.field.group == SLOT_GROUP and change.value is not None:
                by_slot.setdefault(change.field.index, {})[change.field.point.name] = change.value
        for index, values in by_slot.items():
            yield self.slots.write(index, values, authority, stamp, on_seq=self.controls.on_seq)

    def _signs_of_life(self, values: Mapping[str, int | None], authority: Authority, stamp: Stamp) -> Iterator[Step]:
        beat = values.get(controls.CONTROLLER_HEARTBEAT)
        if beat is not None:
            for index in sorted(self._rights.slots_of(authority)):
                yield self.slots.beat(index, beat, stamp)
        control = self._rights.control_slot
        if values.keys() & controls.SET_POINT and control is not None:
            yield self.slots.spoken(control, stamp)

    def attach(self, frequency: Armable) -> None:
        """Let 64301.FrqMd switch `frequency`, from where a client left it."""
        self.frequency = frequency
        if self.armed is not None:
            frequency.arm(on=bool(self.armed))

    def _check_frequency(self, values: Mapping[str, int | None]) -> None:
        if values.get(FREQUENCY_MODE) and self.frequency is None:
            raise Refused(Code.ILLEGAL_VALUE)

    def _check_speaker(self, values: Mapping[str, int | None], authority: Authority) -> None:
        """A schedule binds only its own source: nobody lifts another's with his."""
        speaker = schedule_points.speaker({**self._staged(), **values})
        own = {self.slots[index].commission.source for index in self._rights.slots_of(authority)}
        if speaker not in own:
            raise Refused(Code.ILLEGAL_FUNCTION)

    def _staged(self) -> dict[str, int | None]:
        raw = {path: self._image.get(path) for path in schedule_points.STAGED}
        return {path: value if isinstance(value, int) else None for path, value in raw.items()}

    def adopt(self) -> None:
        """Put what is written in 64303 into force as a whole; when it cannot be, the one in force stays."""
        result = schedule_points.COMPLETED
        try:
            commissioned = self.controls.commissioned
            wanted = schedule_points.schedule_of(self._staged(), commissioned.scale, commissioned.currency)
            self.schedule.adopt(wanted)
        except ValueError:
            result = schedule_points.FAILED
        self._image.put("64303.AdptRslt", result)

    def set_return(self, rules: ReturnRules, stamp: Stamp) -> None:
        """Have power come back by `rules`, whole seconds, as if they had been written to 703."""
        times = {
            "703.ESDlyTms": round(rules.delay_s),
            "703.ESRndTms": round(rules.random_s),
            "703.ESRmpTms": round(rules.ramp_s),
        }
        self.controls = controls.written(self.controls, times, stamp.now)
        self.show(stamp)

    def expire(self, stamp: Stamp) -> list[Step]:
        """Let every timer end that is due."""
        self.controls = controls.expired(self.controls, stamp.now)
        steps = self.slots.expire(stamp)
        self.show(stamp)
        return steps

    def deadline(self) -> Monotonic | None:
        """When `expire` must be called at the latest. None: nothing runs."""
        instants = (self.slots.deadline(), controls.deadline(self.controls))
        return min((at for at in instants if at is not None), default=None)

    def contributions(self, now: Monotonic) -> list[Contribution]:
        """What the slots and the other controls ask for."""
        return [*self.slots.contributions(now), *controls.contributions(self.controls)]

    def next_cap(self, sources: Sequence[Contribution], stamp: Stamp) -> tuple[Power, datetime] | None:
        """The next cap that is known ahead, and when it begins. None: none is known.

        Args:
            sources: What every other source asks for now.
        """
        others = [c for c in sources if c.source is not LimitSource.SCHEDULE]
        boxes = [self.slots[index] for index in self.slots]
        rating = self.controls.commissioned.rating
        beside = [*others, *controls.contributions(self.controls)]
        return flexibility.next_cap(boxes, self.schedule.schedule, beside, rating, stamp)

    def show(self, stamp: Stamp) -> None:
        """Bring the image up to date."""
        self._image.put_all(controls.readback(self.controls, stamp.now))
        for index in self.slots:
            self.show_slot(index, stamp)
        mode = 0 if self.frequency is None else self.frequency.mode(stamp.now)
        self._image.put(FREQUENCY_MODE, int(mode))

    def show_slot(self, index: int, stamp: Stamp) -> None:
        """Bring the registers of one slot up to date."""
        shown = readback(self.slots[index], stamp.now)
        self._image.put_all({f"64300.Src.{index}.{name}": value for name, value in shown.items()})

    def persistent(self) -> dict[str, int]:
        """Registers beside the slots that must survive a restart, a schedule in force with them."""
        staged = {} if self.schedule.schedule is None else _numbers(self._staged())
        armed = {} if self.armed is None else {FREQUENCY_MODE: self.armed}
        return {**controls.persistent(self.controls), **staged, **armed}


def _persists(change: Change) -> bool:
    path = change.field.path
    if change.field.group == SLOT_GROUP:
        return change.field.point.name in PERSISTENT_OF_A_SLOT
    return path in controls.PERSISTENT or path in (schedule_points.REQUEST, FREQUENCY_MODE)


def _numbers(values: Mapping[str, int | None]) -> dict[str, int]:
    return {path: value for path, value in values.items() if value is not None}
