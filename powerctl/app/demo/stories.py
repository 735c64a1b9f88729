"""The scripted stories, as data. Times are seconds of a story of 60 s; a longer one is stretched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NOMINAL_S: Final = 60.0
SHORTEST_S: Final = 45.0
"""A CHAdeMO start takes about ten seconds; a shorter story would end before its point."""


class Action(StrEnum):
    """What a step does."""

    PLUG = "plug"
    """Put the plug of connector `value` into its vehicle."""
    DIM = "dim"
    """The utility writes a limit of `value` watts."""
    CUT = "cut"
    """The cable between utility and station is cut."""
    MEND = "mend"
    KILL = "kill"
    """End the program `target` as a power cut would."""
    RESUME = "resume"
    STOP = "stop"
    """The driver stops every running session."""
    UNPLUG = "unplug"
    LEAVE = "leave"
    """The driver in the vehicle of connector `value` presses stop, and unplugs when it may."""
    FILL = "fill"
    """The battery on the side `target` is `value` per cent full."""
    PRICES = "prices"
    """The utility tells the prices of the hours to come; `value` 0 ends them."""
    KILL_PLAN = "kill-plan"
    """End the energy manager's plan process."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens."""

    at: float
    action: Action
    detail: str
    """One sentence for the screen and the report."""
    value: float = 0.0
    target: str = ""


@dataclass(frozen=True, slots=True)
class VehicleCast:
    """A vehicle of a story."""

    model: str
    soc_percent: float
    capacity_kwh: float | None = None
    """A battery of this size instead of the model's, so that a taper is seen within a minute."""


@dataclass(frozen=True, slots=True)
class Story:
    """A script with its cast."""

    name: str
    summary: str
    steps: tuple[Step, ...]
    vehicles: tuple[VehicleCast, VehicleCast] = (VehicleCast("leaf40", 42.0), VehicleCast("outlander", 31.0))
    expects_decrease: bool = False
    """True: at least one decrease must have been measured from signal to CAN."""
    tapers: int = 0
    """The connector whose vehicle tapers; the other one must have gained what it left. 0: none."""

    def schedule(self, duration_s: float) -> Iterator[tuple[float, Step]]:
        """The steps with their instants in a run of `duration_s`, in order."""
        stretch = duration_s / NOMINAL_S
        for step in sorted(self.steps, key=lambda step: step.at):
            yield step.at * stretch, step


_PLUG_BOTH = (
    Step(0.5, Action.PLUG, "A car plugs in on the left", 1),
    Step(1.0, Action.PLUG, "Another car plugs in on the right", 2),
)
_STOP = Step(51.0, Action.STOP, "The driver stops both sessions")
_UNPLUG = Step(56.5, Action.UNPLUG, "Both cars unplug")

STORIES: Final[Mapping[str, Story]] = {
    story.name: story
    for story in (
        Story(
            "grid-dip",
            "the grid dips to 4.2 kW and recovers, the energy manager is killed and comes back",
            (
                *_PLUG_BOTH,
                Step(20.0, Action.DIM, "The grid operator limits the station to 4.2 kW", 4200),
                Step(28.0, Action.DIM, "The grid recovers: 22 kW again", 22000),
                Step(37.0, Action.KILL, "The energy manager is killed", target="powerctl"),
                Step(42.0, Action.RESUME, "The energy manager comes back", target="powerctl"),
                _STOP,
                _UNPLUG,
            ),
            expects_decrease=True,
        ),
        Story(
            "cut-cable",
            "the cable to the utility is cut, the station falls back to its failsafe and returns",
            (
                *_PLUG_BOTH,
                Step(20.0, Action.CUT, "The cable between utility and station is cut"),
                Step(37.0, Action.MEND, "The cable is mended"),
                _STOP,
                _UNPLUG,
            ),
        ),
        Story(
            "taper",
            "one battery fills up and asks for less, the other car gets what it leaves",
            (*_PLUG_BOTH, _STOP, _UNPLUG),
            vehicles=(VehicleCast("leaf40", 42.0), VehicleCast("outlander", 66.0, capacity_kwh=0.5)),
            tapers=2,
        ),
        Story(
            "two-cars",
            "two cars share the station; dim it with a client of your own",
            (*_PLUG_BOTH, _STOP, _UNPLUG),
        ),
    )
}
