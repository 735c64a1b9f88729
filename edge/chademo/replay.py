"""A recorded session against our core: the vehicle's frames drive it, the station's frames are compared with ours.

What the recorded station decided (when to lock, what to offer, when to stop) and what it measured is taken from its own
frames, so that every remaining difference is a difference in behaviour. Each is either explained or a finding. Of a
recording with the vehicle alone, our own faults are the findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge.chademo import effects as fx
from edge.chademo import explained
from edge.chademo.codec import decode
from edge.chademo.config import ConnectorConfig
from edge.chademo.events import (
    Event,
    FrameReceived,
    LinesRead,
    Measured,
    Offer,
    OfferChanged,
    StartRequested,
    StopRequested,
    Tick,
)
from edge.chademo.frames import Capability, StationFlag, StationStatus, VehicleControl, VehicleFlag
from edge.chademo.logs import Recorded
from edge.chademo.phase import LIVE, Phase
from edge.chademo.recorded_station import has_station
from edge.chademo.session import advance, frames_due, idle
from edge.chademo.state import Session
from edge.chademo.timing import PERIOD_S
from powerctl.core.clock import Monotonic
from powerctl.core.errors import MalformedFrame
from powerctl.core.session import StopReason
from powerctl.core.setpoint import Command
from powerctl.core.units import Current, Power, Voltage

_HEALTHY_KOHM: Final = 1000.0
_BELOW_A: Final = 0.02
"""An offer by so much below a whole ampere is announced as that ampere."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in one period."""

    at: float
    """Seconds from the first frame."""
    name: str
    ours: object
    theirs: object
    explanation: str
    """Empty: unexplained, a finding."""


@dataclass(slots=True)
class Replay:
    """What came of it."""

    phases: list[tuple[float, Phase]] = field(default_factory=list)
    """When the core entered each state, seconds from the first frame."""
    flags: list[StationFlag] = field(default_factory=list)
    """Our 109.5 as it changed."""
    differences: list[Difference] = field(default_factory=list)
    compared: int = 0
    """Periods."""
    rejected: int = 0
    """Frames that our side did not understand."""

    @property
    def findings(self) -> list[Difference]:
        """The differences that nothing explains."""
        return [difference for difference in self.differences if not difference.explanation]


def replay(recording: Sequence[Recorded], config: ConnectorConfig) -> Replay:
    """Drive a session with `recording` and compare. `config` must be what the recorded station announced."""
    if not recording:
        return Replay()
    played = _Play(config, recording[0].at, alone=not has_station(recording))
    for frame in recording:
        played.take(frame)
    played.result.rejected = played.session.rejected
    return played.result


class _Play:
    """One session under way."""

    def __init__(self, config: ConnectorConfig, start: Monotonic, *, alone: bool) -> None:
        self.result = Replay()
        self.session: Session = idle(config)
        self._start = self._now = start
        self._alone = alone
        self._station = explained.Station()
        self._locked = False
        self._voltage_v = 0.0
        self._ticked_at = start
        self._feed(LinesRead(k=False, prox=True, lock_feedback=False, pe=True), _measured(0.0, 0.0))
        self._feed(StartRequested("replay"))
        if alone:
            self._feed(OfferChanged(Offer(config.max_power, Command.RUN, None)))
        del self.result.phases[:-1]

    def take(self, frame: Recorded) -> None:
        """The next frame of the recording, from either side."""
        while self._alone and frame.at - self._ticked_at >= PERIOD_S:
            self._now = self._ticked_at = Monotonic(self._ticked_at + PERIOD_S)
            self._beat()
        self._now = max(self._now, frame.at)
        try:
            decoded = decode(frame.frame_id, frame.data)
        except MalformedFrame:
            decoded = None
        match decoded:
            case Capability():
                self._station.capability = decoded
                self._offer()
            case StationStatus():
                self._status(decoded)
            case VehicleControl():
                self._station.k = bool(decoded.flags & VehicleFlag.ENABLED)
                self._lines()
                self._feed(FrameReceived(frame.frame_id, frame.data))
            case _:
                self._feed(FrameReceived(frame.frame_id, frame.data))

    @property
    def _since_s(self) -> float:
        return self._now - self._start

    def _feed(self, *events: Event) -> None:
        for event in events:
            self.session, effects = advance(self.session, event, self._now)
            for effect in effects:
                self._effect(effect)
        phase = self.session.phase
        if not self.result.phases or self.result.phases[-1][1] is not phase:
            self.result.phases.append((round(self._since_s, 3), phase))

    def _effect(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Lock(on):
                self._locked = on
            case fx.TestInsulation(voltage) | fx.CommandOutput(voltage, _):
                self._voltage_v = voltage.v
            case fx.OutputOff():
                self._voltage_v = 0.0
            case fx.FaultSeen(fault):
                self._differs("fault", fault.code, self._station.fault_bits)
            case _:
                pass

    def _lines(self) -> None:
        locked = self._locked if self._alone else self._station.locked
        self._feed(LinesRead(k=self._station.k, prox=True, lock_feedback=locked, pe=True))

    def _offer(self) -> None:
        """What the recorded station announces is what ours may give."""
        capability = self._station.capability
        if capability is None:
            return
        amperes = capability.available_current_a
        if amperes != self._station.offered_a:
            self._station.offered_before_a, self._station.offered_a = self._station.offered_a, amperes
            self._station.offered_at = self._since_s
        command = Command.RUN if amperes else Command.PAUSE
        limit = Power(max(0.0, amperes - _BELOW_A) * self.session.voltage_v)
        self._feed(OfferChanged(Offer(limit, command, None)))

    def _status(self, status: StationStatus) -> None:
        station = self._station
        station.took(status, self._since_s)
        self._lines()
        self._feed(_measured(float(status.voltage_v), float(status.current_a)))
        self._offer()
        # A pause has no current to bring down: what ends it takes both flags in one step.
        flowing = bool(status.flags & StationFlag.CHARGING) or self.session.phase is Phase.PAUSED
        if flowing and status.flags & StationFlag.STOP and not station.stopped:
            station.stopped = True
            self._feed(StopRequested(StopReason.OPERATOR, "The recorded station ended charging."))
        self._feed(Tick())
        self._compare(status)

    def _beat(self) -> None:
        """A period of a recording that has the vehicle alone: output and lock are as ours wants them."""
        live = self.session.phase in LIVE
        self._lines()
        self._feed(_measured(self._voltage_v, self.session.commanded_a if live else 0.0), Tick())

    def _compare(self, theirs: StationStatus) -> None:
        told = {frame_id: decode(frame_id, data) for frame_id, data in frames_due(self.session)}
        status, capability = told.get(StationStatus.FRAME_ID), told.get(Capability.FRAME_ID)
        if not isinstance(status, StationStatus):
            return
        self.result.compared += 1
        if not self.result.flags or self.result.flags[-1] != status.flags:
            self.result.flags.append(status.flags)
        self._compare_fields(status, theirs)
        if isinstance(capability, Capability) and self._station.capability is not None:
            self._compare_fields(capability, self._station.capability)

    def _compare_fields(self, ours: StationStatus | Capability, theirs: StationStatus | Capability) -> None:
        for name in type(ours).__dataclass_fields__:
            our, their = getattr(ours, name), getattr(theirs, name)
            if our != their:
                self._differs(name, our, their)

    def _differs(self, name: str, ours: object, theirs: object) -> None:
        why = explained.explanation(name, self.session, self._station, self._since_s)
        self.result.differences.append(Difference(round(self._since_s, 3), name, ours, theirs, why))


def _measured(voltage_v: float, current_a: float) -> Measured:
    return Measured(Voltage(voltage_v), Current(current_a), _HEALTHY_KOHM)


@dataclass(frozen=True, slots=True)
class Span:
    """Differences of one kind in periods that follow each other."""

    name: str
    begin: float
    end: float
    periods: int
    ours: object
    """In the first period."""
    theirs: object
    explanation: str


_APART_S: Final = 1.0


def spans(differences: Iterable[Difference]) -> list[Span]:
    """`differences` summed up, in the order of their begin."""
    open_: dict[tuple[str, str], Span] = {}
    closed: list[Span] = []
    for one in differences:
        key = (one.name, one.explanation)
        before = open_.get(key)
        if before is not None and one.at - before.end <= _APART_S:
            open_[key] = _longer(before, one.at)
            continue
        if before is not None:
            closed.append(before)
        open_[key] = Span(one.name, one.at, one.at, 1, one.ours, one.theirs, one.explanation)
    return sorted([*closed, *open_.values()], key=lambda span: (span.begin, span.name))


def _longer(span: Span, end: float) -> Span:
    return Span(span.name, span.begin, end, span.periods + 1, span.ours, span.theirs, span.explanation)
