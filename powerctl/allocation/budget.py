"""What the station may draw now, and why: the question that the fast path answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.units import Power


@dataclass(frozen=True, slots=True)
class Budget:
    """The effective cap and what is known about it."""

    cap: Power
    """AC at the grid connection, auxiliaries included. Negative is treated as zero."""
    source: LimitSource
    """The source that binds."""
    detail: str
    """One sentence for a person: who limits, and to what."""
    until: datetime | None = None
    """Until when the cap is known to hold. None: until revoked."""
    settle_s: float = 0.0
    """Within this time a decrease must have reached the power stage; 0: at once."""
    command: Command = Command.RUN
    """RUN, or PAUSE or EMERGENCY for the whole station."""
    ramp_up_w_s: float = math.inf
    """How fast the drawn power may rise after the cap was lifted, watts AC per second."""
    sources: tuple[Limit, ...] = ()
    """The cap of every live source, AC, lowest first."""
