"""Every time of the protocol in one table, each with its source.

*C* is the time within which the acting side must comply, *T* the time after which its peer gives up. A C-time of ours
is a duty that the tests hold us to; one of the vehicle's is what simulated vehicles keep. The standard's own
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

    __hash__ = str.__hash__  # looked up in every advance: the enumeration's own is not compiled

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
    K_TO_D2 = "k_to_d2"
    CLOSE_DUTY = "close_duty"
    ANSWER = "answer"
    ANSWER_DUE = "answer_due"
    WITHDRAW_DUTY = "withdraw_duty"
    WITHDRAW = "withdraw"
    FALL = "fall"
    FALL_DUE = "fall_due"
    COLLAPSE = "collapse"
    BARE = "bare"
    OPEN_DUTY = "open_duty"
    UNPLUGGED = "unplugged"
    EARTH = "earth"
    IDLE = "idle"
    GRACE = "grace"
    DISOBEY = "disobey"
    RESET = "reset"
    RESET_ANSWER = "reset_answer"


class Kind(StrEnum):
    """What a time limits."""

    STATION = "C, station"
    """Our duty."""
    VEHICLE = "C, vehicle"
    """The vehicle's duty."""
    GIVE_UP = "T, station"
    """When we give up."""
    PEER = "T, vehicle"
    """When the vehicle gives up."""
    CHOICE = "choice"
    """No public text: ours."""


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """One time."""

    seconds: float
    meaning: str
    source: str
    certain: bool
    """False: from one implementation or a choice of ours; open to commissioning."""
    kind: Kind = Kind.GIVE_UP


TIMES: Final[Mapping[Time, TimeLimit]] = {
    Time.WAKE: TimeLimit(6.0, "d1 on to the vehicle's first 0x102", "EVerest waits 6 s after d1", False),
    Time.PERMIT: TimeLimit(8.0, "first 0x102 to k and 102.5.0", "osx; captures 3.4 to 3.9 s", True),
    Time.LOCK: TimeLimit(
        4.0, "lock command to feedback and at most 10 V", "captures: lock to test 0.1 to 4.3 s", False, Kind.CHOICE
    ),
    Time.TEST: TimeLimit(8.0, "insulation test, rise and hold", "captures 0.1 to 9.4 s", False, Kind.CHOICE),
    Time.DISCHARGE: TimeLimit(4.0, "end of the test to at most 20 V", "captures 0.2 to 1.3 s", False, Kind.CHOICE),
    Time.K_TO_D2: TimeLimit(20.0, "k to d2 on, whatever the steps between take", "osx", True, Kind.STATION),
    Time.CLOSE_DUTY: TimeLimit(2.0, "d2 on to contactor closed", "osx; captures 1 to 2 s", True, Kind.VEHICLE),
    Time.CLOSE: TimeLimit(4.0, "d2 on to contactor closed", "osx, furdog", True),
    Time.REQUEST: TimeLimit(4.0, "contactor closed to the first request", "osx; captures 1.7 s", True),
    Time.ANSWER: TimeLimit(
        0.3, "first request to 109.5.0 = 1", "osx: 0.5 s; jdemo kits give up after 0.4 s", True, Kind.STATION
    ),
    Time.ANSWER_DUE: TimeLimit(2.5, "first request to 109.5.0 = 1", "osx", True, Kind.PEER),
    Time.VEHICLE_SILENT: TimeLimit(1.0, "no 0x102: communication lost", "osx; JLD505 sends every 225 ms", True),
    Time.WITHDRAW_DUTY: TimeLimit(
        2.0, "109.5.5 = 1 to 102.5.0 = 0 and k off", "osx; captures 0.2 to 0.28 s", True, Kind.VEHICLE
    ),
    Time.WITHDRAW: TimeLimit(4.0, "109.5.5 = 1 to 102.5.0 = 0 and k off", "osx", True),
    Time.FALL: TimeLimit(0.5, "k off to at most 5 A", "osx; captures 0.6 s for 31 A", True, Kind.STATION),
    Time.FALL_DUE: TimeLimit(2.5, "k off to at most 5 A", "osx", True, Kind.PEER),
    Time.STOP_CURRENT: TimeLimit(4.0, "stop to at most 5 A", "osx; captures 0.2 to 0.6 s", True),
    Time.COLLAPSE: TimeLimit(
        1.0, "109.5.0 = 0 to a quarter of the voltage, contactor open", "osx; captures 0.2 s", True, Kind.STATION
    ),
    Time.BARE: TimeLimit(2.0, "109.5.0 = 0 to at most 10 V, contactor open", "osx; captures 0.3 s", True, Kind.STATION),
    Time.EMPTY: TimeLimit(2.0, "output off to no current", "osx: at most 10 V after 2 s", True),
    Time.OPEN_DUTY: TimeLimit(
        4.0, "109.5.0 = 0 to 102.5.3 = 1, welding tested", "osx; captures 2.1 to 2.9 s", True, Kind.VEHICLE
    ),
    Time.OPEN: TimeLimit(10.0, "109.5.0 = 0 to 102.5.3 = 1", "osx", True),
    Time.OPEN_LEGACY: TimeLimit(4.0, "the same for a vehicle that does not say it", "osx holds 4 s", True),
    Time.PART: TimeLimit(0.5, "d2 off to d1 off", "osx", True, Kind.STATION),
    Time.UNLOCK: TimeLimit(5.0, "d1 off to at most 10 V", "captures 0.65 s; our choice", False, Kind.CHOICE),
    Time.LEAVE: TimeLimit(0.5, "frames go on after unlocking", "osx sends a few more cycles", False, Kind.CHOICE),
    Time.UNPLUGGED: TimeLimit(1.0, "plug pulled to at most 60 V", "RTM 012", True, Kind.STATION),
    Time.EARTH: TimeLimit(5.0, "earth lost to off", "61851-23 excerpt; RTM 004, 029: 10 s", True, Kind.STATION),
    Time.LINES_SILENT: TimeLimit(
        0.5, "no reading of the pilot lines: treated as unplugged", "our choice", False, Kind.CHOICE
    ),
    Time.OUTPUT_SILENT: TimeLimit(
        0.5, "no reading of the output: fault", "our choice; 109 needs 10 Hz", False, Kind.CHOICE
    ),
    Time.INSULATION_SILENT: TimeLimit(
        10.0, "no reading of the insulation monitor: fault", "RTM 029 allows 10 s", False, Kind.CHOICE
    ),
    Time.EXCESS: TimeLimit(
        1.0,
        "output above its command: fault",
        "2030.1.1 text in cdrs: 5 s at 10 A; ours is shorter",
        False,
        Kind.CHOICE,
    ),
    Time.IDLE: TimeLimit(
        360.0, "pause that a vehicle lives with", "osx: a Leaf ends after about 6 min without current", False, Kind.PEER
    ),
    Time.GRACE: TimeLimit(
        5.0, "request above 108.3 after a decrease: nothing", "JLD505 kits need 2.5 to 5 s", False, Kind.CHOICE
    ),
    Time.DISOBEY: TimeLimit(
        10.0, "request above 108.3 after that: fault, where commissioned", "a Korean station's list", False, Kind.CHOICE
    ),
    Time.RESET: TimeLimit(
        1.0, "bit of 0x118 dropped to ask for the charging time anew, where commissioned", "osx", False, Kind.STATION
    ),
    Time.RESET_ANSWER: TimeLimit(6.0, "that bit dropped to another 0x101", "osx", False, Kind.VEHICLE),
}
"""Indexed by name; `seconds` is the default."""

K_TO_D2_S: Final = TIMES[Time.K_TO_D2].seconds
ANSWER_S: Final = TIMES[Time.ANSWER].seconds
