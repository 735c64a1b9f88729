"""How two vehicles divide the next minute when it is not certain how long they stay. Runs in the plan process only.

Every division that is possible is played out over equally likely stays of both, with the announced limits, the taper
of each vehicle and all power for the one that is left when the other has gone or is full; the best in expectation is
taken. Where several are as good, the present one stays, so that a guess moves no power.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from powerctl.allocation.plan_problem import FULL, PlanProblem, PlanSession, starts

_DIVISIONS: Final = 33
_MINUTES: Final = (*(1,) * 6, *(2,) * 4, *(3,) * 4, *(5,) * 6, *(10,) * 6, *(15,) * 6, *(30,) * 8)
"""Steps of the play, shorter than the plan's at first, for nine hours."""
_AS_GOOD: Final = 3e-4
_AS_GOOD_UNCERTAIN: Final = 1e-3
"""Of the need of both: what is not worth a change."""
_ENERGY: Final = 0.3
_ENERGY_UNCERTAIN: Final = 3.0
"""Value of a kilowatt hour beside its driver's satisfaction: vehicles that are served make room for those to come,
and the less is known of the stays, the more that counts."""
_FULL_WORTH: Final = 100.0
"""Of a driver who gets all, in kilowatt hours: more than a battery holds."""
_KW: Final = 1000.0
Array = Any
"""A NumPy array: divisions, stays of the first, stays of the second."""


@dataclass(frozen=True)
class _Vehicle:
    session: PlanSession
    stays_h: Array
    """Shaped to be combined with the other's."""
    total: float
    """Energy from plug-in to full, kWh."""

    def able(self, left: Array, hours: float, begin: float) -> Array:
        """Power that it can take, kW."""
        session = self.session
        most = np.minimum(session.max_w / _KW, left / hours)
        if session.taper_w is not None:
            taken = session.need_wh / _KW - left
            most = np.minimum(most, np.maximum(0.0, session.taper_w / _KW - session.taper_per_h * taken))
        return most * np.clip((self.stays_h - begin) / hours, 0.0, 1.0)


def split(problem: PlanProblem) -> dict[int, float]:
    """Watts DC for each of the two vehicles in the first step; empty where there is nothing to divide."""
    if len(problem.sessions) != 2 or not all(session.confident and not session.from_s for session in problem.sessions):
        return {}
    first, second = sorted(problem.sessions, key=lambda session: session.connector)
    cap = problem.cap_w[0] / _KW
    low = max(_least(first), cap - _most(second))
    high = min(_most(first), cap - _least(second))
    if high <= low + 1e-6:
        return {}
    certain = len(first.stays_s) < 2 and len(second.stays_s) < 2
    value = _Play(problem, first, second, _ENERGY if certain else _ENERGY_UNCERTAIN).value
    as_good = (_AS_GOOD if certain else _AS_GOOD_UNCERTAIN) * (_total(first) + _total(second))
    left, right = _best(value, low, high, as_good)
    if certain:
        step = (high - low) / (_DIVISIONS - 1)
        left, right = _best(value, max(low, left - step), min(high, right + step), as_good)
    if problem.mode == "count":
        chosen = right if _hours(first).mean() <= _hours(second).mean() else left
        return {first.connector: chosen * _KW, second.connector: (cap - chosen) * _KW}
    chosen = min(max(_present(first, second, cap, (left + right) / 2), left), right)
    return {first.connector: chosen * _KW, second.connector: (cap - chosen) * _KW}


def _most(session: PlanSession) -> float:
    """What a vehicle can take in the first step, kW."""
    taper_w = session.max_w if session.taper_w is None else session.taper_w
    return max(_least(session), min(session.max_w, taper_w, session.need_wh * 60.0) / _KW)


def _least(session: PlanSession) -> float:
    return min(session.min_w, session.need_wh * 60.0) / _KW


def _total(session: PlanSession) -> float:
    return (session.need_wh + session.served_wh) / _KW


def _present(first: PlanSession, second: PlanSession, cap: float, middle: float) -> float:
    """The present division under the present cap; the middle while one of them has no power yet."""
    if min(first.now_w, second.now_w) <= 0.0:
        return middle
    return cap * first.now_w / (first.now_w + second.now_w)


def _best(value: Any, low: float, high: float, as_good: float) -> tuple[float, float]:
    """The first and the last division that are as good as the best."""
    divisions = np.linspace(low, high, _DIVISIONS)
    values = value(divisions)
    good = np.flatnonzero(values >= values.max() - as_good)
    return float(divisions[good[0]]), float(divisions[good[-1]])


class _Play:
    """Plays divisions out."""

    def __init__(self, problem: PlanProblem, first: PlanSession, second: PlanSession, energy: float) -> None:
        self._first = _Vehicle(first, _hours(first)[None, :, None], _total(first))
        self._second = _Vehicle(second, _hours(second)[None, None, :], _total(second))
        self._cap = problem.cap_w[0] / _KW
        self._energy = energy
        self._counts = problem.mode == "count"
        self._steps = self._caps(problem)

    def _caps(self, problem: PlanProblem) -> list[tuple[float, float, float]]:
        """Begin and length, hours, and cap, kW, of each step until the last of them leaves."""
        begins, steps = starts(problem.steps_s), []
        last_h = max(float(self._first.stays_h.max()), float(self._second.stays_h.max()))
        begin = 0.0
        for minutes in _MINUTES:
            if begin >= last_h:
                break
            hours = minutes / 60.0
            steps.append((begin, hours, _mean_cap(problem, begins, begin * 3600.0, (begin + hours) * 3600.0)))
            begin += hours
        return steps

    def value(self, divisions: Array) -> Array:
        """Expected value of each division (kW for the first vehicle)."""
        part = (divisions / self._cap)[:, None, None]
        shape = (len(divisions), self._first.stays_h.size, self._second.stays_h.size)
        left = np.full(shape, self._first.session.need_wh / _KW)
        right = np.full(shape, self._second.session.need_wh / _KW)
        for begin, hours, cap in self._steps:
            able, other = self._first.able(left, hours, begin), self._second.able(right, hours, begin)
            power = np.minimum(able, np.maximum(part * cap, cap - other))
            left = left - power * hours
            right = right - np.minimum(other, cap - power) * hours
        return (self._worth(self._first, left) + self._worth(self._second, right)).mean(axis=(1, 2))

    def _worth(self, vehicle: _Vehicle, missing: Array) -> Array:
        """Concave satisfaction of the part that was served, by energy, less what a missing kilowatt hour costs.

        Where drivers are counted, one who is full is worth more than any energy.
        """
        if self._counts:
            return _FULL_WORTH * (missing <= (1.0 - FULL) * vehicle.total) - missing
        part = 1.0 - missing / vehicle.total
        return vehicle.total * (1.6 * part - 0.6 * part * part) - self._energy * missing


def _hours(session: PlanSession) -> Array:
    return np.array(session.stays_s or (session.stay_s,)) / 3600.0


def _mean_cap(problem: PlanProblem, begins: tuple[float, ...], start_s: float, end_s: float) -> float:
    """Of the plan's steps that the span touches, by time, kW."""
    number, total, at = bisect_right(begins, start_s) - 1, 0.0, start_s
    while at < end_s - 1e-6:
        until = begins[number + 1] if number + 1 < len(begins) else end_s
        until = min(until, end_s)
        total += problem.cap_w[number] * (until - at)
        at, number = until, min(number + 1, len(begins) - 1)
    return total / (end_s - start_s) / _KW
