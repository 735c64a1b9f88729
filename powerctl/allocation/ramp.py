"""Down at once, up on a ramp."""

from __future__ import annotations

from dataclasses import dataclass

from powerctl.core.clock import Monotonic


@dataclass(frozen=True, slots=True)
class Ramp:
    """How far the station has come back up."""

    cap_w: float
    """Watts AC that may be used now."""
    at: Monotonic


def followed(ramp: Ramp | None, cap_w: float, rate_w_s: float, now: Monotonic) -> Ramp:
    """`ramp` moved towards `cap_w`: down at once, up by at most `rate_w_s` per second.

    Args:
        ramp: None: nothing was in force, so there is nothing to come back from.
        cap_w: Watts AC.
        rate_w_s: Above zero; infinite: at once.
        now: Not before `ramp.at`.
    """
    if ramp is None or cap_w <= ramp.cap_w:
        return Ramp(cap_w, now)
    elapsed_s = now - ramp.at
    risen_w = ramp.cap_w + rate_w_s * elapsed_s if elapsed_s > 0.0 else ramp.cap_w
    return Ramp(min(cap_w, risen_w), now)
