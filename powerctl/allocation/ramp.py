"""Down at once, up on a ramp, and not up again at once where the cap flaps."""

from __future__ import annotations

from dataclasses import dataclass, replace

from powerctl.core.clock import Monotonic, after


@dataclass(frozen=True, slots=True)
class Ramp:
    """How far the station has come back up."""

    cap_w: float
    """Watts AC that may be used now."""
    at: Monotonic
    rose_at: Monotonic | None = None
    """When it rose last. None: not yet."""
    held_until: Monotonic | None = None
    """It does not rise before. None: it may rise at any time."""


def followed(ramp: Ramp | None, cap_w: float, rate_w_s: float, now: Monotonic, *, calm_s: float = 0.0) -> Ramp:
    """`ramp` moved towards `cap_w`: down at once, up by at most `rate_w_s` per second.

    Args:
        ramp: None: nothing was in force, so there is nothing to come back from.
        cap_w: Watts AC.
        rate_w_s: Above zero; infinite: at once.
        now: Not before `ramp.at`.
        calm_s: A cap that falls again so soon after a rise is flapping, and the next rise waits as long. A fall
            never waits. 0: no such rule.
    """
    if ramp is None:
        return Ramp(cap_w, now)
    if cap_w < ramp.cap_w:
        return _fallen(ramp, cap_w, now, calm_s)
    if cap_w == ramp.cap_w or (ramp.held_until is not None and now < ramp.held_until):
        return replace(ramp, at=now)
    elapsed_s = now - ramp.at
    if elapsed_s <= 0.0:
        return replace(ramp, at=now)
    return Ramp(min(cap_w, ramp.cap_w + rate_w_s * elapsed_s), now, rose_at=now)


def _fallen(ramp: Ramp, cap_w: float, now: Monotonic, calm_s: float) -> Ramp:
    flapping = ramp.rose_at is not None and now < after(ramp.rose_at, calm_s)
    return Ramp(cap_w, now, ramp.rose_at, after(now, calm_s) if flapping else ramp.held_until)
