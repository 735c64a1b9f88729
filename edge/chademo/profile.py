"""The insulation test: which voltage and current belong to it. The vehicle's contactor is open meanwhile.

Recorded stations: about 500 V whatever the vehicle's voltage, at most 12 V above what 108.1-2 announces, risen within
0.1 to 4 s, held for 0.1 to 12 s, at most 20 V within 1.3 s afterwards.
"""

from __future__ import annotations

from typing import Final

HELD_SHARE: Final = 0.9
"""The test voltage stands from this share on (captures: peaks of 452 to 512 V for 500 V)."""
OVER_SHARE: Final = 1.1
"""More is a mismatch of voltage: the power stage does not do as it is told."""
SHORT_A: Final = 2.0
"""An open cable takes next to nothing; meters show an offset below 1 A. More is a short circuit."""


def holds(voltage_v: float, test_v: float) -> bool:
    """True while the cable is at the test voltage."""
    return voltage_v >= HELD_SHARE * test_v


def broken(voltage_v: float, current_a: float, test_v: float) -> bool:
    """True when the test must be given up at once: too much voltage, or a current."""
    return voltage_v > OVER_SHARE * test_v or abs(current_a) > SHORT_A
