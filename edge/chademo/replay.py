"""A recorded session against our core: the vehicle's frames drive it, the station's frames are compared with ours.

What the recorded station decided (when to lock, what to offer, when to stop) and what it measured is taken from its own
frames, so that every remaining difference is a difference in behaviour. Each is either explained or a finding.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

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
from edge.chademo.phase import Phase
from edge.chademo.session import advance, frames_due, idle
from edge.chademo.state import Session
from edge.chademo.timing import PERIOD_S
from powerctl.core.clock import Monotonic
from powerctl.core.errors import RemoteError
from powerctl.core.session import StopReason
from powerctl.core.setpoint import Command
from powerctl.core.units import Current, Power, Voltage

_SOON_S: Final = 0.6
"""Two stations that read the same vehicle differ by this much at most where only their reaction differs."""
_HEALTHY_KOHM: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """One frame of a recording."""

    at: Monotonic
    frame_id: int
    data: bytes


def read_savvycan(lines: Iterable[str]) -> list[Recorded]:
    """The standard frames of a SavvyCAN CSV file, in order; time in seconds from the file's own origin.

    Raises:
        RemoteError: A line cannot be read.
    """
    frames = []
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            length = int(row["LEN"])
            data = bytes(int(row[f"D{index}"], 16) for index in range(1, length + 1))
            frame = Recorded(Monotonic(int(row["Time Stamp"]) / 1e6), int(row["ID"], 16), data)
        except (KeyError, TypeError, ValueError) as error:
            raise RemoteError(f"line {number} of the recording: {error}") from error
        if row["Extended"] == "false":
            frames.append(frame)
    return frames


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


@dataclass(slots=True)
class _Stage:
    """The recorded station's decisions so far."""

    k: bool = False
    status: StationStatus | None = None
    offered: Command | None = None
    stopped: bool = False
    changed_at: float = 0.0
    """When one of the station's decisions changed last."""


def replay(recording: Iterable[Recorded], config: ConnectorConfig) -> Replay:
    """Drive a session with `recording` and compare. `config` must be what the recorded station announced."""
    result, stage = Replay(), _Stage()
    session: Session | None = None
    start = Monotonic(0.0)
    for frame in recording:
        if session is None:
            start, session = frame.at, _begun(idle(config), frame.at)
        session = _fed(session, _events(frame, stage, frame.at - start), frame.at)
        _note(result, session, frame.at - start)
        if frame.frame_id == StationStatus.FRAME_ID:
            session = _fed(session, [Tick()], frame.at)
            _note(result, session, frame.at - start)
            _compare(result, session, stage, frame.at - start)
    return result


def _begun(session: Session, at: Monotonic) -> Session:
    plugged = LinesRead(k=False, prox=True, lock_feedback=False, pe=True)
    measured = Measured(Voltage(0.0), Current(0.0), _HEALTHY_KOHM)
    return _fed(session, [plugged, measured, StartRequested("replay")], at)


def _fed(session: Session, events: Iterable[Event], at: Monotonic) -> Session:
    for event in events:
        session, _ = advance(session, event, at)
    return session


def _events(frame: Recorded, stage: _Stage, since_s: float) -> Iterator[Event]:
    """What a frame of either side means to the core."""
    decoded = decode(frame.frame_id, frame.data)
    match decoded:
        case Capability():
            command = Command.RUN if decoded.available_current_a else Command.PAUSE
            if command is not stage.offered:
                stage.offered, stage.changed_at = command, since_s
                yield OfferChanged(Offer(Power.from_kw(1000.0), command, None))
        case StationStatus():
            yield from _station(decoded, stage, since_s)
        case VehicleControl():
            stage.k = bool(decoded.flags & VehicleFlag.ENABLED)
            yield _lines(stage)
            yield FrameReceived(frame.frame_id, frame.data)
        case _:
            yield FrameReceived(frame.frame_id, frame.data)


def _station(status: StationStatus, stage: _Stage, since_s: float) -> Iterator[Event]:
    if stage.status is None or stage.status.flags != status.flags:
        stage.changed_at = since_s
    stage.status = status
    yield _lines(stage)
    yield Measured(Voltage(float(status.voltage_v)), Current(float(status.current_a)), _HEALTHY_KOHM)
    stopping = StationFlag.CHARGING | StationFlag.STOP
    if status.flags & stopping == stopping and not stage.stopped:
        stage.stopped = True
        yield StopRequested(StopReason.OPERATOR, "The recorded station ended charging.")


def _lines(stage: _Stage) -> LinesRead:
    locked = stage.status is not None and bool(stage.status.flags & StationFlag.LOCKED)
    return LinesRead(k=stage.k, prox=True, lock_feedback=locked, pe=True)


def _note(result: Replay, session: Session, since_s: float) -> None:
    if not result.phases or result.phases[-1][1] is not session.phase:
        result.phases.append((round(since_s, 3), session.phase))


def _compare(result: Replay, session: Session, stage: _Stage, since_s: float) -> None:
    ours = {frame_id: decode(frame_id, data) for frame_id, data in frames_due(session)}.get(StationStatus.FRAME_ID)
    if not isinstance(ours, StationStatus) or stage.status is None:
        return
    result.compared += 1
    if not result.flags or result.flags[-1] != ours.flags:
        result.flags.append(ours.flags)
    theirs = stage.status
    announced = session.ramp.announced_a
    offered = 0 if stage.offered is Command.PAUSE else int(session.config.max_current.a)
    pairs: list[tuple[str, object, object]] = [
        (name, getattr(ours, name), getattr(theirs, name)) for name in StationStatus.__dataclass_fields__
    ]
    pairs.append(("available_current_a", announced, offered))
    for name, our, their in pairs:
        if our != their:
            why = _explained(name, session, stage, since_s)
            result.differences.append(Difference(round(since_s, 3), name, our, their, why))


def _explained(name: str, session: Session, stage: _Stage, since_s: float) -> str:
    rule = _EXPLANATIONS.get(name)
    if rule is None:
        return ""
    sentence, holds = rule
    return sentence if holds(session, stage, since_s) else ""


def _flags_differ(session: Session, stage: _Stage, since_s: float) -> bool:
    """Ours may lead: it answers the first request in the next frame, and unlocks without a pause."""
    answers = session.phase is Phase.CHARGING and session.entered_at + _SOON_S > session.ramp_at
    unlocks = session.phase is Phase.LEAVING
    return answers or unlocks


def _rising(session: Session, stage: _Stage, since_s: float) -> bool:
    full_s = session.config.max_current.a / session.config.raise_a_s
    return stage.offered is Command.RUN and since_s - stage.changed_at <= full_s + PERIOD_S


_Holds = Callable[[Session, _Stage, float], bool]

_EXPLANATIONS: Final[dict[str, tuple[str, _Holds]]] = {
    "discharge": ("The recorded station can discharge, ours cannot.", lambda *_: True),
    "flags": ("Ours answers the first request in the next frame and unlocks without a pause.", _flags_differ),
    "available_current_a": ("Ours rises on a ramp, the recorded one in a step.", _rising),
    "remaining_10s": ("Ours mirrors the vehicle's time as soon as it is stated and counts down.", lambda *_: True),
    "remaining_min": ("Ours mirrors the vehicle's time as soon as it is stated and counts down.", lambda *_: True),
}
