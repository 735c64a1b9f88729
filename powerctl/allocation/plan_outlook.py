"""What the grid announced, as the plan looks ahead. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from powerctl.core.units import Power

_LOOK_S: Final = tuple(60.0 * n for n in range(60)) + tuple(300.0 * n for n in range(12, 72))
"""Seconds from now at which it is asked what will be in force; quarters of an hour follow for a day."""
_FAR_S: Final = tuple(900.0 * n for n in range(24, 97))


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the grid announced for an instant."""

    cap: Power | None = None
    """AC at the grid connection. None: no limit is known."""
    price: float | None = None
    """Per kilowatt hour. None: not known."""


Outlook = Sequence[tuple[float, Ahead]]
"""What holds from how many seconds from now on; rising, the first at zero. Empty: nothing was announced."""


def outlook_of(foreseen: Callable[[datetime], Ahead], utc: datetime) -> Outlook:
    """What `foreseen` says of a day from `utc` on, to the minute for an hour, to five for six, then to the quarter."""
    outlook: list[tuple[float, Ahead]] = []
    for seconds in (*_LOOK_S, *_FAR_S):
        ahead = foreseen(utc + timedelta(seconds=seconds))
        if not outlook or ahead != outlook[-1][1]:
            outlook.append((seconds, ahead))
    return outlook


def known_at(outlook: Outlook, begins: tuple[float, ...]) -> list[Ahead]:
    """What holds when each step begins."""
    if not outlook:
        return []
    instants = [seconds for seconds, _ in outlook]
    return [outlook[max(0, bisect_right(instants, begin + 1e-6) - 1)][1] for begin in begins]
