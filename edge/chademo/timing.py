"""Every time of the protocol in one table, each with its source.

*C* is the time within which the acting side must comply, *T* the time after which its peer gives up. The standard's own
tables are not public: what follows was measured in captures or stated in public code. What is not certain can be
commissioned (`ConnectorConfig.times`); the defaults are the cautious choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PERIOD_S: Final = 0.1
"""Every frame is sent every 100 ms, within 10 % (osx; captures)."""


class Time(StrEnum):
    """Names of the times."""

    WAKE = "wake"
    PERMIT = "permit"
    LOCK = "lock"
    TEST = "test"
    DISCHARGE = "discharge"
    CLOSE = "close"
    REQUEST = "request"
    STOP_CURRENT = "stop_current"
    EMPTY = "empty"
    OPEN = "open"
    OPEN_LEGACY = "open_legacy"
    PART = "part"
    UNLOCK = "unlock"
    LEAVE = "leave"
    VEHICLE_SILENT = "vehicle_silent"
    LINES_SILENT = "lines_silent"
    OUTPUT_SILENT = "output_silent"
    INSULATION_SILENT = "insulation_silent"
    EXCESS = "excess"


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """One time."""

    seconds: float
    meaning: str
    source: str
    certain: bool
    """False: from one implementation or a choice of ours; open to commissioning."""


TIMES: Final[Mapping[Time, TimeLimit]] = {
    Time.WAKE: TimeLimit(6.0, "d1 on to the vehicle's first 0x102 (T)", "EVerest waits 6 s after d1", False),
    Time.PERMIT: TimeLimit(8.0, "first 0x102 to k and 102.5.0 (T)", "osx; captures 3.4 to 3.9 s", True),
    Time.LOCK: TimeLimit(
        4.0, "lock command to feedback and at most 10 V", "captures: lock to test 0.1 to 4.3 s", False
    ),
    Time.TEST: TimeLimit(8.0, "insulation test, rise and hold", "captures 0.1 to 9.4 s; k to d2 at most 20 s", False),
    Time.DISCHARGE: TimeLimit(4.0, "end of the test to at most 20 V", "captures 0.2 to 1.3 s", False),
    Time.CLOSE: TimeLimit(4.0, "d2 on to contactor closed (T; C is 2 s)", "osx, furdog; captures 1 to 2 s", True),
    Time.REQUEST: TimeLimit(4.0, "contactor closed to the first request (T)", "osx; captures 1.7 s", True),
    Time.STOP_CURRENT: TimeLimit(
        4.0, "stop to at most 5 A (T of the vehicle's answer)", "osx; captures 0.2 to 0.6 s", True
    ),
    Time.EMPTY: TimeLimit(2.0, "output off to no current", "osx: at most 10 V after 2 s", True),
    Time.OPEN: TimeLimit(10.0, "109.5.0 = 0 to contactor open (T; C is 4 s)", "osx; captures 2.1 to 2.9 s", True),
    Time.OPEN_LEGACY: TimeLimit(4.0, "the same for protocol 0.9, which does not say it", "osx holds 4 s", True),
    Time.PART: TimeLimit(0.5, "d2 off to d1 off", "osx", True),
    Time.UNLOCK: TimeLimit(5.0, "d1 off to at most 10 V", "captures 0.65 s; our choice", False),
    Time.LEAVE: TimeLimit(0.5, "frames go on after unlocking", "osx sends a few more cycles", False),
    Time.VEHICLE_SILENT: TimeLimit(1.0, "no 0x102: communication lost", "osx; JLD505 sends every 225 ms", True),
    Time.LINES_SILENT: TimeLimit(0.5, "no reading of the pilot lines: treated as unplugged", "our choice", False),
    Time.OUTPUT_SILENT: TimeLimit(0.5, "no reading of the output: fault", "our choice; 109 needs 10 Hz", False),
    Time.INSULATION_SILENT: TimeLimit(
        10.0, "no reading of the insulation monitor: fault", "RTM 029 allows 10 s", False
    ),
    Time.EXCESS: TimeLimit(
        1.0, "output above its command: fault", "2030.1.1 text in cdrs: 5 s at 10 A; ours is shorter", False
    ),
}
"""Indexed by name; `seconds` is the default."""

K_TO_D2_S: Final = 20.0
"""Permission (k) to d2 on, at most (C; osx)."""
ANSWER_S: Final = 0.3
"""First request to 109.5.0 = 1: C is 0.5 s, jdemo kits give up after 0.4 s."""
