"""What a visitor can make happen, as data: the order of the buttons on the page is the order of the story."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from powerctl.app.demo.stories import Action, Step

DIP_W: Final = 4200
RATED_W: Final = 22_000
NEARLY_FULL: Final = 96.0
"""State of charge, per cent, at which the battery on the right asks for little."""
HALF_FULL: Final = 40.0


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens, and what undoes it."""

    name: str
    begin: Step
    end: Step | None = None
    """None: it undoes itself."""
    begun: bool = False
    """True: it holds when the demo starts."""


def _step(action: Action, detail: str, value: float = 0.0, target: str = "") -> Step:
    return Step(0.0, action, detail, value, target)


ACTS: Final[tuple[Act, ...]] = (
    Act(
        "car-left",
        _step(Action.PLUG, "A car plugs in on the left", 1),
        _step(Action.LEAVE, "The car on the left leaves", 1),
        begun=True,
    ),
    Act(
        "car-right",
        _step(Action.PLUG, "A car plugs in on the right", 2),
        _step(Action.LEAVE, "The car on the right leaves", 2),
        begun=True,
    ),
    Act(
        "grid-dip",
        _step(Action.DIM, f"The grid operator limits the station to {DIP_W / 1000:g} kW", DIP_W),
        _step(Action.DIM, "The grid recovers: 22 kW again", RATED_W),
    ),
    Act(
        "price-curve",
        _step(Action.PRICES, "The utility tells the prices of the next hours", 1),
        _step(Action.PRICES, "No prices any more", 0),
    ),
    Act(
        "taper",
        _step(Action.FILL, "The battery on the right is nearly full and asks for less", NEARLY_FULL, "right"),
        _step(Action.FILL, "A battery with room is on the right", HALF_FULL, "right"),
    ),
    Act(
        "cut-cable",
        _step(Action.CUT, "The cable between utility and station is cut"),
        _step(Action.MEND, "The cable is mended"),
    ),
    Act("kill-plan", _step(Action.KILL_PLAN, "The optimiser is killed")),
    Act(
        "kill-manager",
        _step(Action.KILL, "The energy manager is killed", target="powerctl"),
        _step(Action.RESUME, "The energy manager comes back", target="powerctl"),
    ),
)
