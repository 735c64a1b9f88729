"""How long a vehicle will stay. What drivers of fast charging say is wrong by hours, so it is not asked."""

from __future__ import annotations

import math
from typing import Final

_TYPICAL_NEED_WH: Final = 21_800.0
_TYPICAL_STAY_S: Final = 45 * 60.0
"""Medians of 618 real sessions at a 50 kW station (ACN-Data, Caltech, May to September 2021)."""
_EXPONENT: Final = 0.5
"""Of log(stay) over log(energy), rounded from the correlation of 0.5 to 0.7 in the same data."""
_LEAST_S: Final = 15 * 60.0
"""One who has stayed longer than predicted is taken to stay on for this long."""


def remaining_stay_s(need_wh: float, taken_wh: float, elapsed_s: float) -> float:
    """Seconds that a vehicle is expected to stay on.

    Args:
        need_wh: What it can still take.
        taken_wh: What it took in this session.
        elapsed_s: Seconds since plug-in.
    """
    total_s = _TYPICAL_STAY_S * math.pow(max(0.0, need_wh + taken_wh) / _TYPICAL_NEED_WH, _EXPONENT)
    return max(_LEAST_S, total_s - elapsed_s)
