"""What a modem says about its signal, as a figure and as a class that does not flicker. Pure.

Source: 3GPP TS 27.007, 8.5: `AT+CSQ` answers 0 to 31 in steps of 2 dB from -113 dBm, and 99 for not known.
"""

from __future__ import annotations

import math
import re
from typing import Final

from powerctl.core.errors import RemoteError
from powerctl.core.record import LinkReport, SignalClass

UNKNOWN: Final = 99
_STRONGEST: Final = 31
_HYSTERESIS: Final = 2
"""Steps beyond a border before the class changes."""
_FROM: Final = {
    SignalClass.NONE: 0,
    SignalClass.MARGINAL: 2,
    SignalClass.OK: 10,
    SignalClass.GOOD: 15,
    SignalClass.EXCELLENT: 20,
}
"""The lowest step of each class."""
_ANSWER: Final = re.compile(r"\+CSQ: *(\d{1,2}), *\d{1,2}")


def csq_in(answer: str) -> int:
    """The signal in a modem's answer, 0 to 31, or 99. Raises RemoteError: there is none."""
    found = _ANSWER.search(answer)
    csq = int(found.group(1)) if found else -1
    if csq != UNKNOWN and not 0 <= csq <= _STRONGEST:
        raise RemoteError(f"the modem answers {answer[:40]!r}")
    return csq


def rssi_dbm(csq: int) -> int | None:
    """The received signal strength. None: not known."""
    return None if csq == UNKNOWN else -113 + 2 * csq


def csq_of(rssi: float) -> int:
    """The step of AT+CSQ that stands for a signal strength in dBm; UNKNOWN when it is not finite."""
    if not math.isfinite(rssi):
        return UNKNOWN
    return max(0, min(round((rssi + 113) / 2), _STRONGEST))


def plain_class(csq: int) -> SignalClass:
    """The class of a single reading."""
    if csq == UNKNOWN:
        return SignalClass.UNKNOWN
    return [signal for signal, lowest in _FROM.items() if csq >= lowest][-1]


def next_class(before: SignalClass, csq: int) -> SignalClass:
    """The class after a reading: it changes only when the signal is clear of the border."""
    plain = plain_class(csq)
    if SignalClass.UNKNOWN in {before, plain} or plain is before:
        return plain
    if csq >= _FROM[before]:
        # Upwards: the reading less the hysteresis must still lie above the present class.
        return max(before, plain_class(max(csq - _HYSTERESIS, 0)), key=_FROM.__getitem__)
    return min(before, plain_class(min(csq + _HYSTERESIS, _STRONGEST)), key=_FROM.__getitem__)


def report(before: SignalClass, csq: int) -> LinkReport:
    """What is told of a reading."""
    return LinkReport(next_class(before, csq), rssi_dbm(csq), csq)
