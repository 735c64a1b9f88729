"""How long a vehicle will stay: learnt at the site, visit by visit, with a confidence. Pure.

What drivers of fast charging say is wrong by hours (ACN-Data, Caltech, 616 statements: mean error 455 minutes), so a
statement counts for as much as the site's statements were worth. The logarithm of the stay is taken to be normal, with
a mean that is linear in what is known of the visit and a spread that depends on the need. Both are learnt by assumed
density filtering, which also takes visits of which only a lower bound is known: a vehicle that was full may have left
at any time after.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

from powerctl.core.errors import RemoteError

Vector = tuple[float, ...]
Matrix = tuple[Vector, ...]

_NORMAL: Final = NormalDist()
_NEED_WH: Final = 10_000.0
_CAPACITY_WH: Final = 40_000.0
_POWER_W: Final = 22_000.0
_SOC: Final = (0.5, 0.8)
"""About the middle of what vehicles bring and take."""
_PRIOR_MEAN: Final = (math.log(45 * 60.0), 0.55, 0.0, 0.0, 0.0, 0.0, 0.0)
"""Median stay and exponent of the need, between those of 618 sessions at a 50 kW station (ACN-Data) and of 1,878 at a
172 kW one (EPFL-DESL)."""
_PRIOR_SPREAD: Final = (0.5, 0.2, 0.7, 0.7, 1.0, 0.3, 0.3)
_PRIOR_SIGMA: Final = (2.0 * math.log(0.42), -0.5)
_PRIOR_VISITS: Final = 10.0
_SIGMA: Final = (0.08, 1.2)
_STATEMENT_SIGMA: Final = (0.004, 0.05, 0.15, 0.4, 1.0, 4.0)
"""How far statements may be off, as logarithms: from a booking that is kept to a word that means nothing."""
_OUTLIERS: Final = 0.01
_FORGOTTEN: Final = 0.98
"""What a statement's evidence is still worth after one more."""
_CONFIDENT_VISITS: Final = 8.0
_LEAST_S: Final = 30.0


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
class StayModel:
    """What a site has taught."""

    mean: Vector = _PRIOR_MEAN
    covariance: Matrix = tuple(
        tuple(spread**2 if row == column else 0.0 for column in range(len(_PRIOR_SPREAD)))
        for row, spread in enumerate(_PRIOR_SPREAD)
    )
    sigma: tuple[float, float] = _PRIOR_SIGMA
    """Logarithm of the variance: at the typical need, and by the logarithm of the need."""
    sigma_information: tuple[float, float, float] = (_PRIOR_VISITS / 2, 0.0, _PRIOR_VISITS / 4)
    visits: float = 0.0
    """Ends that were seen; a lower bound counts in part."""
    statements: Vector = tuple(1.0 / len(_STATEMENT_SIGMA) for _ in _STATEMENT_SIGMA)
    """Belief in each of `_STATEMENT_SIGMA`."""
    covered: float = 0.8
    """Calibration: the part of recent stays that fell into the middle 80 per cent of what was predicted."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Logarithm of the stay from plug-in, in seconds: normal."""

    mean: float
    sigma: float
    confident: bool
    """False: the site has not taught enough to act on it."""

    def remaining_s(self, elapsed_s: float, count: int) -> Vector:
        """Equally likely rests of the stay for one that has stayed `elapsed_s`, rising."""
        begun = _NORMAL.cdf((math.log(elapsed_s) - self.mean) / self.sigma) if elapsed_s > 1.0 else 0.0
        if begun > 1.0 - 1e-6:
            return tuple(max(_LEAST_S, 0.2 * elapsed_s * (number + 0.5) / count) for number in range(count))
        rests = []
        for number in range(count):
            quantile = begun + (1.0 - begun) * (number + 0.5) / count
            total_s = math.exp(self.mean + self.sigma * _NORMAL.inv_cdf(min(max(quantile, 1e-9), 1.0 - 1e-9)))
            rests.append(max(_LEAST_S, total_s - elapsed_s))
        return tuple(rests)


def forecast(model: StayModel, visit: Visit) -> Forecast:
    """The stay of `visit` as the site has taught it."""
    features = _features(visit)
    mean = _dot(model.mean, features)
    variance = _quadratic(model.covariance, features) + _sigma(model, visit) ** 2
    confident = model.visits >= _CONFIDENT_VISITS
    if visit.stated_s is not None and visit.stated_s > 0.0:
        stated_variance = math.exp(2.0 * _dot(model.statements, tuple(math.log(s) for s in _STATEMENT_SIGMA)))
        weight = variance / (variance + stated_variance)
        mean += weight * (math.log(visit.stated_s) - mean)
        variance = variance * stated_variance / (variance + stated_variance)
        confident = confident or stated_variance < 0.05
    return Forecast(mean, math.sqrt(variance), confident)


def learned(model: StayModel, visit: Visit, stay_s: float, *, ended: bool) -> StayModel:
    """`model` after one more visit.

    Args:
        model: What was known before.
        visit: As it was known.
        stay_s: From plug-in; above zero.
        ended: False: the vehicle stayed at least so long, and nobody saw it leave.
    """
    if not (math.isfinite(stay_s) and stay_s > 1.0):
        return model
    told = (
        model if visit.stated_s is None or visit.stated_s <= 0.0 else _statement(model, visit.stated_s, stay_s, ended)
    )
    features, seen = _features(visit), math.log(stay_s)
    expected, sigma = _dot(model.mean, features), _sigma(model, visit)
    along = tuple(_dot(row, features) for row in model.covariance)
    variance = _dot(along, features) + sigma**2
    deviation, left, square = _moments(seen - expected, variance, ended=ended)
    gain = tuple(value / variance for value in along)
    shrink = (variance - left) / variance**2
    information = (variance - left) / variance
    spread = _spread(model, visit, square / variance)
    return replace(
        told,
        mean=tuple(old + by * deviation for old, by in zip(model.mean, gain, strict=True)),
        covariance=tuple(
            tuple(value - along[row] * along[column] * shrink for column, value in enumerate(values))
            for row, values in enumerate(model.covariance)
        ),
        visits=min(model.visits + information, 1e6),
        covered=_covered(model, seen - expected, variance) if ended else model.covered,
        sigma=spread[0],
        sigma_information=spread[1],
    )


def _moments(deviation: float, variance: float, *, ended: bool) -> tuple[float, float, float]:
    """Mean, variance and mean square of the deviation, given what was seen of it."""
    if ended:
        return deviation, 0.0, deviation**2
    scale = math.sqrt(variance)
    z = deviation / scale
    if z > 6.0:
        return deviation, 0.0, deviation**2
    ratio = _NORMAL.pdf(z) / (1.0 - _NORMAL.cdf(z))
    mean = scale * ratio
    left = variance * max(0.0, 1.0 - ratio * (ratio - z))
    return mean, left, mean**2 + left


def _spread(model: StayModel, visit: Visit, square: float) -> tuple[tuple[float, float], tuple[float, float, float]]:
    """A natural gradient step on the logarithm of the variance."""
    position = math.log(max(visit.need_wh, 50.0) / _NEED_WH)
    a, b, c = model.sigma_information
    a, b, c = a + 0.5, b + 0.5 * position, c + 0.5 * position**2
    slope = 0.5 * (min(square, 9.0) - 1.0)
    determinant = a * c - b * b
    level = model.sigma[0] + _bounded(slope * (c - b * position) / determinant)
    tilt = model.sigma[1] + _bounded(slope * (a * position - b) / determinant)
    return (level, tilt), (a, b, c)


def _bounded(step: float) -> float:
    return max(-0.5, min(0.5, step))


def _covered(model: StayModel, deviation: float, variance: float) -> float:
    inside = abs(deviation) <= 1.2816 * math.sqrt(variance)
    return 0.97 * model.covered + 0.03 * float(inside)


def _statement(model: StayModel, stated_s: float, stay_s: float, ended: bool) -> StayModel:
    """Bayes' rule over how far the site's statements are off."""
    off = math.log(stay_s / stated_s)
    beliefs = [
        (belief**_FORGOTTEN) * (_OUTLIERS * 0.1 + (1.0 - _OUTLIERS) * _likelihood(off, sigma, ended=ended))
        for belief, sigma in zip(model.statements, _STATEMENT_SIGMA, strict=True)
    ]
    total = sum(beliefs)
    return replace(model, statements=tuple(max(1e-6, belief / total) for belief in beliefs))


def _likelihood(off: float, sigma: float, *, ended: bool) -> float:
    return _NORMAL.pdf(off / sigma) / sigma if ended else 1.0 - _NORMAL.cdf(off / sigma)


def _features(visit: Visit) -> Vector:
    need = math.log(max(visit.need_wh, 50.0) / _NEED_WH)
    power = math.log(max(visit.power_w, 1000.0) / _POWER_W) if visit.power_w else 0.0
    if visit.soc is None or not visit.capacity_wh:
        return (1.0, need, 0.0, 0.0, 0.0, 0.0, power)
    target = min(1.0, visit.soc + visit.need_wh / visit.capacity_wh)
    capacity = math.log(visit.capacity_wh / _CAPACITY_WH)
    return (1.0, need, visit.soc - _SOC[0], target - _SOC[1], (target - _SOC[1]) ** 2, capacity, power)


def _sigma(model: StayModel, visit: Visit) -> float:
    position = math.log(max(visit.need_wh, 50.0) / _NEED_WH)
    return min(max(math.exp(0.5 * (model.sigma[0] + model.sigma[1] * position)), _SIGMA[0]), _SIGMA[1])


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _quadratic(matrix: Matrix, vector: Vector) -> float:
    return _dot([_dot(row, vector) for row in matrix], vector)


def to_json(model: StayModel) -> str:
    """`model` as JSON."""
    names = ("mean", "covariance", "sigma", "sigma_information", "visits", "statements", "covered")
    return json.dumps({name: getattr(model, name) for name in names})


def from_json(text: str) -> StayModel:
    """The model in `text`.

    Raises:
        RemoteError: It is none, or one of another shape.
    """
    try:
        raw = json.loads(text)
        level, tilt = _row(raw["sigma"], 2)
        a, b, c = _row(raw["sigma_information"], 3)
        model = StayModel(
            mean=_row(raw["mean"], len(_PRIOR_MEAN)),
            covariance=tuple(_row(row, len(_PRIOR_MEAN)) for row in raw["covariance"]),
            sigma=(level, tilt),
            sigma_information=(a, b, c),
            visits=float(raw["visits"]),
            statements=_row(raw["statements"], len(_STATEMENT_SIGMA)),
            covered=float(raw["covered"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RemoteError(f"stay model: not understood ({error})") from error
    if len(model.covariance) != len(_PRIOR_MEAN):
        raise RemoteError("stay model: of another shape")
    return model


def _row(raw: Sequence[float], length: int) -> Vector:
    row = tuple(float(value) for value in raw)
    if len(row) != length or not all(math.isfinite(value) for value in row):
        raise ValueError(f"{len(row)} numbers instead of {length}, or one that is none")
    return row
