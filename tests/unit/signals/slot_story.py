"""A slot's life on virtual time, told in sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Self

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import Power
from powerctl.signals import lpc
from powerctl.signals.contribution import contribution
from powerctl.signals.grid_signal import Authority, Channel
from powerctl.signals.mailbox import Commission, Mailbox, Mode, Result, Stamp, deadline, expire, open_mailbox, write

RATING = Power(22_000)
PEER = Authority(Channel.MODBUS_TCP, "127.0.0.1")
EPOCH = datetime(2026, 11, 1, 12, tzinfo=UTC)


def commission(**changes: Any) -> Commission:
    values: dict[str, Any] = {
        "source": LimitSource.DSO,
        "rating": RATING,
        "scale": 0,
        "settle_s": 2.0,
        "autonomy": lpc.Autonomy.AFTER_FAILSAFE_MIN,
    }
    return Commission(**{**values, **changes})


class SlotStory:
    """What the source does, what time does, and what the slot then contributes."""

    def __init__(
        self,
        *,
        failsafe_w: float = 4200,
        heartbeat_timeout_s: float = 60,
        autonomy: lpc.Autonomy = lpc.Autonomy.AFTER_FAILSAFE_MIN,
        held: Command | None = None,
    ) -> None:
        self.now = 0.0
        self._beat = 0
        timing = lpc.Timing(heartbeat_timeout_s, 7200, autonomy)
        self.box: Mailbox = open_mailbox(
            commission(autonomy=autonomy), timing, Power(failsafe_w), Monotonic(0.0), held=held
        )

    @property
    def stamp(self) -> Stamp:
        return Stamp(Monotonic(self.now), EPOCH + timedelta(seconds=self.now))

    def utc_in(self, seconds: float) -> int:
        return int((self.stamp.utc + timedelta(seconds=seconds)).timestamp())

    def writes(self, **points: int) -> Self:
        self.box = write(self.box, points, PEER, self.stamp)
        return self

    def limits(self, watts: int, **more: int) -> Self:
        return self.writes(LimW=watts, Mode=Mode.CAP, Ena=1, **more)

    def releases(self) -> Self:
        return self.writes(Ena=0)

    def beats(self) -> Self:
        self._beat += 1
        return self.writes(Hb=self._beat)

    def passes(self, seconds: float, *, beating: bool = False) -> Self:
        end = self.now + seconds
        while beating and self.now + 10 < end:
            self._until(self.now + 10).beats()
        return self._until(end)

    def _until(self, end: float) -> Self:
        while (at := deadline(self.box)) is not None and at <= end:
            self.now = max(self.now, at)
            self.box = expire(self.box, self.stamp)
        self.now = end
        return self

    def caps(self, watts: float | None, command: Command = Command.RUN) -> Self:
        contributed = contribution(self.box, Monotonic(self.now))
        assert contributed.cap == (None if watts is None else Power(watts)), contributed
        assert contributed.command is command
        return self

    def draws(self, watts: float) -> Self:
        assert contribution(self.box, Monotonic(self.now)).setpoint == Power(watts)
        return self

    def is_in(self, state: lpc.State) -> Self:
        assert self.box.machine.state is state
        return self

    def answers(self, result: Result) -> Self:
        assert self.box.result is result
        return self

    def shows(self, **points: int) -> Self:
        assert {name: self.box.registers[name] for name in points} == points
        return self

    def says(self, words: str) -> Self:
        assert words in contribution(self.box, Monotonic(self.now)).detail
        return self
