"""How far the power stage is below its rating, as a bound beside the lease (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.control.lease import Grant
from edge.hardware.ports import StageCapability
from powerctl.core.clock import Monotonic, after
from powerctl.core.setpoint import Limit, LimitSource
from powerctl.core.units import Power, Voltage

NOTICEABLE: Final = Power(10.0)
"""A bound that moved by less is not news."""


@dataclass(frozen=True, slots=True)
class Derating:
    """A bound of the power stage."""

    limit: Power
    detail: str
    settle_by: Monotonic | None
    """Until when more can still be given. None: it is gone already."""

    @property
    def reason(self) -> Limit:
        """The same as a reason."""
        return Limit(LimitSource.MODULES, self.limit, self.detail)


def derating(capability: StageCapability | None, voltage: Voltage, now: Monotonic) -> Derating | None:
    """The bound at this voltage; None: the stage can do what it is rated for."""
    if capability is None or not capability.detail:
        return None
    limit = min(capability.max_power, capability.max_current.at(voltage))
    return Derating(limit, capability.detail, after(now, capability.settle_s) if capability.settle_s > 0 else None)


def is_news(before: Derating | None, present: Derating | None) -> bool:
    """True when the connector's offer must be made anew."""
    if before is None or present is None:
        return before is not present
    moved = abs(present.limit.w - before.limit.w) > NOTICEABLE.w
    return moved or (before.settle_by is None) is not (present.settle_by is None)


def bounded(grant: Grant, present: Derating | None, committed: Power) -> tuple[Power, Monotonic | None]:
    """What may be offered, and by when a decrease must have reached the power stage.

    Args:
        committed: What the output will not exceed from now on. While that is above the lease's limit, the power
            stage's own bound does not defer what the lease demands.
    """
    if present is None or present.limit >= grant.limit:
        return grant.limit, grant.settle_by
    if committed <= grant.limit or present.settle_by is None:
        return present.limit, present.settle_by
    if grant.settle_by is None:
        return present.limit, None
    return present.limit, min(grant.settle_by, present.settle_by)
