"""How good the station's clock is, as its operating system knows it, and whether a time of day may be followed.

A command that starts at a time of day waits while the clock cannot be trusted: it would start at another time.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from typing import Final

from powerctl.core.clock import Monotonic

UNSYNCHRONISED: Final = 0x40
"""STA_UNSYNC of `adjtimex`(2)."""
NANOSECONDS: Final = 0x2000
"""STA_NANO: offsets are in nanoseconds."""
ERROR: Final = 5
"""TIME_ERROR: the clock is not synchronised."""
HOLDOVER_S: Final = 86_400.0
"""How long a clock that was synchronised is trusted afterwards: at 50 ppm it is then wrong by four seconds."""


class Quality(IntEnum):
    """The values of 64301.UtcQ."""

    UNKNOWN = 0
    FREE_RUNNING = 1
    NTP = 2
    GNSS = 3


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


@cache
def _library() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def clock_quality() -> Quality:
    """NTP while the kernel's clock is disciplined; unknown where the kernel does not say."""
    library = _library()
    if library is None:
        return Quality.UNKNOWN
    timex = _Timex()
    outcome = library.adjtimex(ctypes.byref(timex))
    if outcome < 0:
        return Quality.UNKNOWN
    return Quality.FREE_RUNNING if outcome == ERROR or timex.status & UNSYNCHRONISED else Quality.NTP


def kernel_offset_s() -> float | None:
    """What the kernel still has to correct, in seconds; positive: the clock is behind. None: nobody disciplines it."""
    library = _library()
    timex = _Timex()
    if library is None or library.adjtimex(ctypes.byref(timex)) < 0 or timex.status & UNSYNCHRONISED:
        return None
    return float(timex.offset) / (1e9 if timex.status & NANOSECONDS else 1e6)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether a time of day may be followed."""

    always: bool = False
    """True: whoever commissioned the station answers for its clock."""
    good_at: Monotonic | None = None
    """When the clock was last known to be synchronised. None: never since start."""

    def holds(self, now: Monotonic) -> bool:
        """True while the clock is synchronised, and for `HOLDOVER_S` after."""
        return self.always or (self.good_at is not None and now - self.good_at <= HOLDOVER_S)


def seen(trust: Trust, quality: Quality, now: Monotonic) -> Trust:
    """`trust` after a look at the clock."""
    return replace(trust, good_at=now) if quality >= Quality.NTP else trust
