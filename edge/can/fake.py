"""A bus in memory that can misbehave: it loses, repeats, delays and mangles frames when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edge.can.frame import Frame, rejection
from edge.can.port import Accept, OnFrame


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What happens to a frame on its way. Probabilities are between 0 and 1."""

    loss: float = 0.0
    repetition: float = 0.0
    mangling: float = 0.0
    """The frame arrives one byte short."""
    delay_s: float = 0.0


WELL_BEHAVED = Misbehaviour()


def _never() -> float:
    return 1.0


class FakeBus:
    """A bus between ports in one process.

    Args:
        chance: Uniform in [0, 1), one draw for each question; by default nothing ever happens.
    """

    def __init__(self, *, chance: Callable[[], float] = _never) -> None:
        self.behaviour = WELL_BEHAVED
        self.is_broken = False
        """True: nothing gets through, as with a cut cable."""
        self.log: list[Frame] = []
        """Every frame that was sent while the bus was whole, in order."""
        self._chance = chance
        self._ports: list[FakePort] = []

    def attach(self, on_frame: OnFrame, accept: Accept = rejection) -> FakePort:
        """A new port on this bus, which takes what `accept` does not refuse."""
        port = FakePort(self, on_frame, accept)
        self._ports.append(port)
        return port

    def carry(self, sender: FakePort, frame: Frame) -> None:
        """Bring `frame` to every other port, on the event loop."""
        if self.is_broken:
            return
        self.log.append(frame)
        behaviour = self.behaviour
        if self._chance() < behaviour.loss:
            return
        if self._chance() < behaviour.mangling:
            frame = frame._replace(data=frame.data[:-1])
        copies = 2 if self._chance() < behaviour.repetition else 1
        for port in self._ports:
            if port is not sender:
                for _ in range(copies):
                    port.arrive(frame, behaviour.delay_s)


class FakePort:
    """A `CanPort` on a `FakeBus`."""

    def __init__(self, bus: FakeBus, on_frame: OnFrame, accept: Accept) -> None:
        self.rejected: list[str] = []
        """Why frames were not delivered, in order."""
        self._bus = bus
        self._on_frame = on_frame
        self._accept = accept
        self._open = False

    @property
    def is_open(self) -> bool:
        """True between `start` and `close`, while the bus is whole."""
        return self._open and not self._bus.is_broken

    def start(self) -> None:
        """Begin to hear and to send."""
        self._open = True

    def close(self) -> None:
        """Cease to hear and to send."""
        self._open = False

    def send(self, frames: Iterable[Frame]) -> None:
        """Put `frames` on the bus."""
        if self._open:
            for frame in frames:
                self._bus.carry(self, frame)

    def repeat(self, frames: Iterable[Frame]) -> None:
        """Put `frames` on the bus once: who renews them every period is in time here."""
        self.send(frames)

    def renew(self, frames: Iterable[Frame]) -> None:
        """Nothing: what is repeated next says it."""

    def arrive(self, frame: Frame, delay_s: float) -> None:
        """Deliver `frame` after `delay_s`, when it is well formed and the port is open."""
        reason = self._accept(frame)
        if reason is not None:
            self.rejected.append(reason)
            return
        loop = asyncio.get_running_loop()
        if delay_s > 0:
            loop.call_later(delay_s, self._deliver, frame)
        else:
            loop.call_soon(self._deliver, frame)  # timers of one instant have no order; frames on a bus have

    def _deliver(self, frame: Frame) -> None:
        if self._open:
            self._on_frame(frame)
