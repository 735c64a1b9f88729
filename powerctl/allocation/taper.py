"""How the requests of a site's vehicles fall towards the end of charging: a line over the SoC, learnt visit by visit.

The prior of a session that has not shown its own slope yet. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_PRIOR: Final = ((0.85, 1.0), (1.0, 0.4))
"""SoC and part of the highest request. CHAdeMO vehicles behind 22 kW begin to fall at 75 to 96 per cent
(chargeprice/open-ev-data, 2022)."""
_PRIOR_WEIGHT: Final = 3.0
_FORGOTTEN: Final = 0.995
_LEAST_FALL: Final = 0.5
_MOST_FALL: Final = 10.0
"""Part of the highest request, for the whole battery."""


@dataclass(frozen=True, slots=True)
class Falls:
    """Weighted sums over points of SoC and part of the highest request, while requests fall."""

    weight: float = 0.0
    soc: float = 0.0
    part: float = 0.0
    soc_soc: float = 0.0
    soc_part: float = 0.0

    def learned(self, points: Iterable[tuple[float, float]], weight: float = 1.0) -> Falls:
        """This after the points of one more visit: SoC, 0 to 1, and part of the highest request, 0 to 1."""
        falls = self
        for soc, part in points:
            falls = Falls(
                falls.weight * _FORGOTTEN + weight,
                falls.soc * _FORGOTTEN + weight * soc,
                falls.part * _FORGOTTEN + weight * part,
                falls.soc_soc * _FORGOTTEN + weight * soc * soc,
                falls.soc_part * _FORGOTTEN + weight * soc * part,
            )
        return falls

    def line(self) -> tuple[float, float]:
        """Part of the highest request at SoC 0, were it so far, and its fall for the whole battery, above zero."""
        spread = self.soc_soc - self.soc * self.soc / self.weight
        slope = (self.soc_part - self.soc * self.part / self.weight) / spread if spread > 1e-9 else 0.0
        fall = min(max(-slope, _LEAST_FALL), _MOST_FALL)
        return (self.part + fall * self.soc) / self.weight, fall


ASSUMED_FALLS: Final = Falls().learned(_PRIOR, _PRIOR_WEIGHT)
"""Before a site has taught anything."""
