"""How good the station's clock is, as its operating system knows it."""

from __future__ import annotations

import ctypes
import sys
from enum import IntEnum
from functools import cache
from typing import Final

UNSYNCHRONISED: Final = 0x40
"""STA_UNSYNC of `adjtimex`(2)."""
ERROR: Final = 5
"""TIME_ERROR: the clock is not synchronised."""


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
