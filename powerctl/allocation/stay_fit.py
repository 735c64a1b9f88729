"""One assumption of how stays come about, and what a site has taught under it. Pure.

A stay is a part of the shortest time in which the need can be charged, and something on top whose logarithm is normal:
its mean is linear in what is known of the visit, its spread depends on the need. Both are learnt by assumed density
filtering, which also takes visits of which only a lower bound is known: a vehicle that was full may have left at any
time after.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

Vector = tuple[float, ...]
Matrix = tuple[Vector, ...]

NORMAL: Final = NormalDist()
_NEED_WH: Final = 10_000.0
_CAPACITY_WH: Final = 40_000.0
_POWER_W: Final = 22_000.0
_SOC: Final = (0.5, 0.8)
"""About the middle of what vehicles bring and take."""
_TYPICAL_S: Final = 45 * 60.0
_BY_NEED: Final = 0.55
"""Median stay for the typical need and its exponent, between those of 618 sessions at a 50 kW station (ACN-Data) and of
1,878 at a 172 kW one (EPFL-DESL)."""
_SPREAD: Final = 0.42
_PRIOR_SPREAD: Final = (0.5, 0.2, 0.7, 0.7, 1.0, 0.3, 0.3)
_TILT: Final = -0.5
_PRIOR_VISITS: Final = 10.0
_SIGMA: Final = (0.08, 1.5)
_LEAST_PART: Final = 0.05
"""Of a stay that is taken to be on top, however short it was."""
_CLOSE_S: Final = 20.0
"""A lower bound that is not further above the floor than this teaches nothing."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What is known of a visit when it begins, or soon after."""

    need_wh: float
    """From plug-in to leaving, as far as it is known; above zero."""
    soc: float | None = None
    """At plug-in, 0 to 1."""
    capacity_wh: float | None = None
    power_w: float | None = None
    """What the vehicle can take."""
    stated_s: float | None = None
    """The stay that the driver or a booking named."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What was learnt under one assumption."""

    part: float
    """Of the shortest charging time that every stay contains."""
    mean: Vector
    covariance: Matrix
    sigma: tuple[float, float]
    """Logarithm of the variance: at the typical need, and by the logarithm of the need."""
    sigma_information: tuple[float, float, float] = (_PRIOR_VISITS / 2, 0.0, _PRIOR_VISITS / 4)

    def floor_s(self, visit: Visit) -> float:
        """What the stay contains in any case."""
        power_w = min(_POWER_W, max(visit.power_w or _POWER_W, 1000.0))
        return self.part * visit.need_wh / power_w * 3600.0

    def expected(self, visit: Visit) -> tuple[float, float]:
        """Mean and variance of the logarithm of what comes on top, in seconds."""
        features = _features(visit)
        return _dot(self.mean, features), _quadratic(self.covariance, features) + self._sigma(visit) ** 2

    def _sigma(self, visit: Visit) -> float:
        return min(max(math.exp(0.5 * (self.sigma[0] + self.sigma[1] * _position(visit))), _SIGMA[0]), _SIGMA[1])

    def top_s(self, visit: Visit, stay_s: float) -> float:
        """What came on top in a stay of `stay_s`; above zero."""
        return max(stay_s - self.floor_s(visit), _LEAST_PART * stay_s)

    def likelihood(self, visit: Visit, stay_s: float, *, ended: bool) -> float:
        """How well this would have foretold the stay: a density of the stay's logarithm, or a probability."""
        mean, variance = self.expected(visit)
        over_s = stay_s - self.floor_s(visit)
        if over_s <= 0.0:
            return 0.0 if ended else 1.0
        z = (math.log(over_s) - mean) / math.sqrt(variance)
        if not ended:
            return 1.0 - NORMAL.cdf(z)
        return NORMAL.pdf(z) / math.sqrt(variance) * stay_s / over_s

    def learned(self, visit: Visit, stay_s: float, *, ended: bool) -> tuple[Fit, float]:
        """This after one more visit, and how much the visit taught, at most 1."""
        if not ended and stay_s - self.floor_s(visit) < _CLOSE_S:
            return self, 0.0
        features, seen = _features(visit), math.log(self.top_s(visit, stay_s))
        along = tuple(_dot(row, features) for row in self.covariance)
        variance = _dot(along, features) + self._sigma(visit) ** 2
        deviation, left, square = _moments(seen - _dot(self.mean, features), variance, ended=ended)
        gain = tuple(value / variance for value in along)
        shrink = (variance - left) / variance**2
        sigma, information = self._spread(visit, square / variance)
        fit = replace(
            self,
            mean=tuple(old + by * deviation for old, by in zip(self.mean, gain, strict=True)),
            covariance=tuple(
                tuple(value - along[row] * along[column] * shrink for column, value in enumerate(values))
                for row, values in enumerate(self.covariance)
            ),
            sigma=sigma,
            sigma_information=information,
        )
        return fit, (variance - left) / variance

    def _spread(self, visit: Visit, square: float) -> tuple[tuple[float, float], tuple[float, float, float]]:
        """A natural gradient step on the logarithm of the variance."""
        position = _position(visit)
        a, b, c = self.sigma_information
        a, b, c = a + 0.5, b + 0.5 * position, c + 0.5 * position**2
        slope = 0.5 * (min(square, 9.0) - 1.0)
        determinant = a * c - b * b
        level = self.sigma[0] + _bounded(slope * (c - b * position) / determinant)
        tilt = self.sigma[1] + _bounded(slope * (a * position - b) / determinant)
        return (level, tilt), (a, b, c)


def prior(part: float) -> Fit:
    """What is assumed before a site has taught anything: the same stays for every `part`."""
    floor_s = part * _NEED_WH / _POWER_W * 3600.0
    over_s = _TYPICAL_S - floor_s
    exponent = (_BY_NEED * _TYPICAL_S - floor_s) / over_s
    return Fit(
        part=part,
        mean=(math.log(over_s), exponent, *(0.0,) * (len(_PRIOR_SPREAD) - 2)),
        covariance=tuple(
            tuple(value**2 if row == column else 0.0 for column in range(len(_PRIOR_SPREAD)))
            for row, value in enumerate(_PRIOR_SPREAD)
        ),
        sigma=(2.0 * math.log(_SPREAD * _TYPICAL_S / over_s), _TILT),
    )


def _moments(deviation: float, variance: float, *, ended: bool) -> tuple[float, float, float]:
    """Mean, variance and mean square of the deviation, given what was seen of it."""
    if ended:
        return deviation, 0.0, deviation**2
    scale = math.sqrt(variance)
    z = deviation / scale
    if z > 6.0:
        return deviation, 0.0, deviation**2
    ratio = NORMAL.pdf(z) / (1.0 - NORMAL.cdf(z))
    mean = scale * ratio
    left = variance * max(0.0, 1.0 - ratio * (ratio - z))
    return mean, left, mean**2 + left


def _bounded(step: float) -> float:
    return max(-0.5, min(0.5, step))


def _position(visit: Visit) -> float:
    return math.log(max(visit.need_wh, 50.0) / _NEED_WH)


def _features(visit: Visit) -> Vector:
    need = _position(visit)
    power = math.log(max(visit.power_w, 1000.0) / _POWER_W) if visit.power_w else 0.0
    if visit.soc is None or not visit.capacity_wh:
        return (1.0, need, 0.0, 0.0, 0.0, 0.0, power)
    target = min(1.0, visit.soc + visit.need_wh / visit.capacity_wh)
    capacity = math.log(visit.capacity_wh / _CAPACITY_WH)
    return (1.0, need, visit.soc - _SOC[0], target - _SOC[1], (target - _SOC[1]) ** 2, capacity, power)


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _quadratic(matrix: Matrix, vector: Vector) -> float:
    return _dot([_dot(row, vector) for row in matrix], vector)
