"""From the state of the grid to what the fast path may spend."""

from __future__ import annotations

import math

from powerctl.allocation.budget import Budget
from powerctl.signals.arbitration import GridState


def budget_of(state: GridState) -> Budget:
    """The state of the grid as the fast path takes it."""
    return Budget(
        cap=state.cap,
        source=state.source,
        detail=state.detail,
        until=state.until,
        settle_s=state.settle_s,
        command=state.command,
        ramp_up_w_s=math.inf if state.ramp_up_w_s is None else state.ramp_up_w_s,
        sources=state.sources,
    )
