"""How long a vehicle will stay: learnt at the site, visit by visit, with a confidence. Pure.

What drivers of fast charging say is wrong by hours (ACN-Data, Caltech, 616 statements: mean error 455 minutes), so a
statement counts for as much as the site's statements were worth. Nobody leaves a fast charger before it could have
given what they came for, at some sites; at others they do. So several assumptions of that part are kept side by side,
each with what it has learnt, and the one that has foretold the site's stays best is believed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from powerctl.allocation.stay_fit import NORMAL, Fit, Matrix, Vector, Visit, prior
from powerctl.allocation.taper import ASSUMED_FALLS, Falls
from powerctl.core.errors import RemoteError

__all__ = ["Forecast", "StayModel", "Visit", "forecast", "from_json", "learned", "to_json"]

_PARTS: Final = (0.0, 0.5, 1.0, 1.15)
"""Of the shortest charging time that every stay contains."""
_STATEMENT_SIGMA: Final = (0.004, 0.05, 0.15, 0.4, 1.0, 4.0)
"""How far statements may be off, as logarithms: from a booking that is kept to a word that means nothing."""
_OUTLIERS: Final = 0.01
_FORGOTTEN: Final = 0.98
"""What a statement's or a stay's evidence is still worth after one more."""
_TRUSTED: Final = 0.03
"""A statement whose variance is below this needs no other ground. Where none has come true yet it is above."""
_CONFIDENT_VISITS: Final = 8.0
_LEAST_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class StayModel:
    """What a site has taught."""

    fits: tuple[Fit, ...] = tuple(prior(part) for part in _PARTS)
    beliefs: Vector = tuple(1.0 / len(_PARTS) for _ in _PARTS)
    """In each of `fits`."""
    visits: float = 0.0
    """Ends that were seen; a lower bound counts in part."""
    statements: Vector = tuple(1.0 / len(_STATEMENT_SIGMA) for _ in _STATEMENT_SIGMA)
    """Belief in each of `_STATEMENT_SIGMA`."""
    covered: float = 0.8
    """Calibration: the part of recent stays that fell into the middle 80 per cent of what was predicted."""
    falls: Falls = ASSUMED_FALLS
    """Not of stays, but learnt with them: how requests fall towards the end."""

    @property
    def best(self) -> Fit:
        """The assumption that is believed."""
        return self.fits[max(range(len(self.fits)), key=self.beliefs.__getitem__)]


@dataclass(frozen=True, slots=True)
class Forecast:
    """The stay from plug-in: `floor_s`, and something on top whose logarithm, in seconds, is normal."""

    mean: float
    sigma: float
    confident: bool
    """False: the site has not taught enough to act on it."""
    floor_s: float = 0.0

    @property
    def median_s(self) -> float:
        """As many stay longer as shorter."""
        return self.floor_s + math.exp(self.mean)

    def remaining_s(self, elapsed_s: float, count: int) -> Vector:
        """Equally likely rests of the stay for one that has stayed `elapsed_s`, rising."""
        over_s = elapsed_s - self.floor_s
        begun = NORMAL.cdf((math.log(over_s) - self.mean) / self.sigma) if over_s > 1.0 else 0.0
        if begun > 1.0 - 1e-6:
            return tuple(max(_LEAST_S, 0.2 * elapsed_s * (number + 0.5) / count) for number in range(count))
        rests = []
        for number in range(count):
            quantile = begun + (1.0 - begun) * (number + 0.5) / count
            top_s = math.exp(self.mean + self.sigma * NORMAL.inv_cdf(min(max(quantile, 1e-9), 1.0 - 1e-9)))
            rests.append(max(_LEAST_S, self.floor_s + top_s - elapsed_s))
        return tuple(rests)


def forecast(model: StayModel, visit: Visit) -> Forecast:
    """The stay of `visit` as the site has taught it."""
    confident = model.visits >= _CONFIDENT_VISITS
    if visit.stated_s is None or visit.stated_s <= 0.0:
        return _foretold(model.best, visit, confident=confident)
    variance = math.exp(2.0 * _dot(model.statements, tuple(math.log(s) for s in _STATEMENT_SIGMA)))
    fit = model.best
    if variance < _TRUSTED or visit.stated_s <= fit.floor_s(visit):
        fit = model.fits[0]
    own = _foretold(fit, visit, confident=confident or variance < _TRUSTED)
    over_s = visit.stated_s - own.floor_s
    # An error of the whole stay is an error of what comes on top.
    variance *= (visit.stated_s / over_s) ** 2
    weight = own.sigma**2 / (own.sigma**2 + variance)
    mean = own.mean + weight * (math.log(over_s) - own.mean)
    return replace(own, mean=mean, sigma=math.sqrt(weight * variance))


def _foretold(fit: Fit, visit: Visit, *, confident: bool) -> Forecast:
    mean, variance = fit.expected(visit)
    return Forecast(mean, math.sqrt(variance), confident, fit.floor_s(visit))


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
    taught = [fit.learned(visit, stay_s, ended=ended) for fit in model.fits]
    likelihoods = [fit.likelihood(visit, stay_s, ended=ended) for fit in model.fits]
    return replace(
        told,
        fits=tuple(fit for fit, _ in taught),
        beliefs=_believed(model.beliefs, likelihoods),
        visits=min(model.visits + max(information for _, information in taught), 1e6),
        covered=_covered(model, visit, stay_s) if ended else model.covered,
    )


def _believed(beliefs: Vector, likelihoods: Sequence[float]) -> Vector:
    """Bayes' rule with room for outliers; older evidence fades."""
    weighed = [
        (belief**_FORGOTTEN) * (_OUTLIERS * 0.1 + (1.0 - _OUTLIERS) * likelihood)
        for belief, likelihood in zip(beliefs, likelihoods, strict=True)
    ]
    total = sum(weighed)
    return tuple(max(1e-6, belief / total) for belief in weighed)


def _covered(model: StayModel, visit: Visit, stay_s: float) -> float:
    tenth, ninth = (_quantile(model, visit, z) for z in (-1.2816, 1.2816))
    return 0.97 * model.covered + 0.03 * float(tenth <= stay_s <= ninth)


def _quantile(model: StayModel, visit: Visit, z: float) -> float:
    expected = _foretold(model.best, visit, confident=True)
    return expected.floor_s + math.exp(expected.mean + z * expected.sigma)


def _statement(model: StayModel, stated_s: float, stay_s: float, ended: bool) -> StayModel:
    """Over how far the site's statements are off."""
    off = math.log(stay_s / stated_s)
    likelihoods = [_likelihood(off, sigma, ended=ended) for sigma in _STATEMENT_SIGMA]
    return replace(model, statements=_believed(model.statements, likelihoods))


def _likelihood(off: float, sigma: float, *, ended: bool) -> float:
    return NORMAL.pdf(off / sigma) / sigma if ended else 1.0 - NORMAL.cdf(off / sigma)


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def to_json(model: StayModel) -> str:
    """`model` as JSON."""
    names = ("beliefs", "visits", "statements", "covered")
    values: dict[str, Any] = {name: getattr(model, name) for name in names}
    return json.dumps({**values, "fits": [asdict(fit) for fit in model.fits], "falls": asdict(model.falls)})


def from_json(text: str) -> StayModel:
    """The model in `text`.

    Raises:
        RemoteError: It is none, or one of another shape.
    """
    try:
        raw = json.loads(text)
        fits = tuple(_fit(row, prior(part)) for row, part in zip(raw["fits"], _PARTS, strict=True))
        model = StayModel(
            fits=fits,
            beliefs=_row(raw["beliefs"], len(_PARTS)),
            visits=float(raw["visits"]),
            statements=_row(raw["statements"], len(_STATEMENT_SIGMA)),
            covered=float(raw["covered"]),
            falls=Falls(*_row([raw["falls"][name] for name in Falls.__slots__], len(Falls.__slots__))),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RemoteError(f"stay model: not understood ({error})") from error
    return model


def _fit(raw: dict[str, Any], start: Fit) -> Fit:
    """One assumption, of the shape of `start`."""
    size = len(start.mean)
    level, tilt = _row(raw["sigma"], 2)
    a, b, c = _row(raw["sigma_information"], 3)
    covariance: Matrix = tuple(_row(row, size) for row in raw["covariance"])
    if len(covariance) != size:
        raise ValueError("of another shape")
    return replace(
        start,
        mean=_row(raw["mean"], size),
        covariance=covariance,
        sigma=(level, tilt),
        sigma_information=(a, b, c),
    )


def _row(raw: Sequence[float], length: int) -> Vector:
    row = tuple(float(value) for value in raw)
    if len(row) != length or not all(math.isfinite(value) for value in row):
        raise ValueError(f"{len(row)} numbers instead of {length}, or one that is none")
    return row
