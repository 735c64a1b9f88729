"""Why our side may differ from a recorded station without being wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from edge.chademo.frames import Capability, StationFlag, StationStatus
from edge.chademo.phase import ENDING, LIVE, Phase
from edge.chademo.state import Session
from edge.chademo.timing import PERIOD_S

_SOON_S: Final = 0.6
"""Two stations that read the same vehicle differ by this much at most where only their reaction differs."""
_FAULTS: Final = StationFlag.MALFUNCTION | StationFlag.INCOMPATIBLE | StationFlag.SYSTEM_MALFUNCTION


@dataclass(slots=True)
class Station:
    """The recorded station's decisions so far."""

    k: bool = False
    status: StationStatus | None = None
    capability: Capability | None = None
    offered_a: int | None = None
    offered_before_a: int | None = None
    offered_at: float = 0.0
    """When 108.3 changed last."""
    flags_at: float = 0.0
    """When 109.5 changed last."""
    stopped: bool = False
    faulted: bool = False
    """It has told a fault at some time."""

    @property
    def locked(self) -> bool:
        """It says that the connector is locked."""
        return self.status is not None and bool(self.status.flags & StationFlag.LOCKED)

    @property
    def fault_bits(self) -> int:
        """The fault bits that it tells now."""
        return 0 if self.status is None else int(self.status.flags & _FAULTS)

    def took(self, status: StationStatus, since_s: float) -> None:
        """It sent its status."""
        if self.status is None or self.status.flags != status.flags:
            self.flags_at = since_s
        self.status = status
        self.faulted = self.faulted or bool(self.fault_bits)


Holds = Callable[[Session, Station, float], bool]


def explanation(name: str, session: Session, station: Station, since_s: float) -> str:
    """One sentence for a difference in the field `name`; empty: nothing explains it."""
    for sentence, holds in _EXPLANATIONS.get(name, ()):
        if holds(session, station, since_s):
            return sentence
    return ""


def _leads(session: Session, station: Station, since_s: float) -> bool:
    answers = session.phase is Phase.CHARGING and session.entered_at + _SOON_S > session.ramp_at
    return answers or session.phase is Phase.LEAVING


def _before_charging(session: Session, station: Station, since_s: float) -> bool:
    return session.phase not in LIVE | ENDING | {Phase.STOPPING}


def _rising(session: Session, station: Station, since_s: float) -> bool:
    height_a = (station.offered_a or 0) - (station.offered_before_a or 0)
    return height_a > 0 and since_s - station.offered_at <= height_a / session.config.raise_a_s + PERIOD_S


def _rounded(session: Session, station: Station, since_s: float) -> bool:
    return station.offered_a is not None and abs(session.ramp.announced_a - station.offered_a) <= 1


def _unagreed(session: Session, station: Station, since_s: float) -> bool:
    return session.pact is None


def _always(session: Session, station: Station, since_s: float) -> bool:
    return True


def _first_sample(session: Session, station: Station, since_s: float) -> bool:
    return session.output.excess_since is not None


def _falling(session: Session, station: Station, since_s: float) -> bool:
    """Ours has just cleared 109.5.0, and all that the recorded one says beyond that is that bit."""
    if station.status is None or session.phase not in ENDING:
        return False
    rest = station.status.flags & ~(StationFlag.LOCKED | StationFlag.STOP)
    return rest == StationFlag.CHARGING and session.ramp_at - session.entered_at <= 2 * PERIOD_S


def _faulted_too(session: Session, station: Station, since_s: float) -> bool:
    return station.faulted


_TIME: Final = (("Ours mirrors the vehicle's time as soon as it is stated and counts down.", _always),)
_EXPLANATIONS: Final[Mapping[str, tuple[tuple[str, Holds], ...]]] = {
    "discharge": (("The recorded station can discharge, ours cannot.", _always),),
    "flags": (
        ("Ours answers the first request in the next frame and unlocks without a pause.", _leads),
        ("The last amperes fall between two frames: one of the two sees it a period earlier.", _falling),
        ("The recorded station reports a fault of its own.", _faulted_too),
    ),
    "current_a": (
        ("Ours reports no current before charging.", _before_charging),
        ("A first high sample of the meter is left out.", _first_sample),
    ),
    "available_current_a": (
        ("Ours rises on a ramp, the recorded one in a step.", _rising),
        ("The voltage has moved between the recorded station's two frames.", _rounded),
    ),
    "threshold_voltage_v": (("Fixed with the vehicle's permission; stations correct their first frames.", _unagreed),),
    "available_voltage_v": (("Stations correct their first frames.", _unagreed),),
    "welding_detection": (("Ours lets the vehicle test its contactor.", _always),),
    "remaining_10s": _TIME,
    "remaining_min": _TIME,
    "fault": (("The recorded station reports a fault as well.", _faulted_too),),
}
