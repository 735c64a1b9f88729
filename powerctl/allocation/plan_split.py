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
_WORTH: Final = 0.1
"""What a pause must be worth, in kilowatt hours: drivers do not like it, and contactors wear."""
_FULL_WORTH: Final = 100.0
"""Of a driver who gets all, in kilowatt hours: more than a battery holds."""
_LEAST_CAP: Final = 0.001
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
    """Watts DC for each of the two vehicles in the first step; empty where there is nothing to divide.

    Zero: it waits, because its minimum is worth more to the other.
    """
    if len(problem.sessions) != 2 or not all(session.confident and not session.from_s for session in problem.sessions):
        return {}
    first, second = sorted(problem.sessions, key=lambda session: session.connector)
    cap = problem.cap_w[0] / _KW
    if cap <= _LEAST_CAP or _most(first) + _most(second) <= cap:
        return {}
    certain = len(first.stays_s) < 2 and len(second.stays_s) < 2
    play = _Play(problem, first, second, _ENERGY if certain else _ENERGY_UNCERTAIN)
    low = max(_least(first), cap - _most(second))
    high = min(_most(first), cap - _least(second))
    fits = high > low - _LEAST_CAP
    shared = play.value(np.linspace(low, high, _DIVISIONS), held=True) if fits else None
    alone = _alone(play) if certain or shared is None else None
    if alone is not None and (shared is None or alone[0] > shared.max()):
        return {first.connector: alone[1] * _KW, second.connector: (cap - alone[1]) * _KW}
    if shared is None:
        return {}
    chosen = _chosen(problem, play, shared, low, high, certain=certain)
    return {first.connector: chosen * _KW, second.connector: (cap - chosen) * _KW}


def _alone(play: _Play) -> tuple[float, float] | None:
    """The better of the two divisions in which one waits: its value, less what a pause must be worth, and the division.

    None: nobody can wait, or what is left is below the other's minimum.
    """
    first, second, cap = play.first.session, play.second.session, play.cap
    options = []
    for division, waits, runs in ((0.0, first, second), (cap, second, first)):
        if _least(waits) > 0.0 and _least(runs) <= cap:
            value = float(play.value(np.array([division]), held=False)[0])
            options.append((value - (_WORTH if waits.now_w > 0.0 else 0.0), division))
    return max(options, default=None)


def _chosen(problem: PlanProblem, play: _Play, values: Array, low: float, high: float, *, certain: bool) -> float:
    """The division among those that are as good as the best, kW for the first."""
    first, second, cap = play.first.session, play.second.session, play.cap
    as_good = (_AS_GOOD if certain else _AS_GOOD_UNCERTAIN) * (play.first.total + play.second.total)
    left, right = _best(np.linspace(low, high, _DIVISIONS), values, as_good)
    if certain:
        step = (high - low) / (_DIVISIONS - 1)
        finer = np.linspace(max(low, left - step), min(high, right + step), _DIVISIONS)
        left, right = _best(finer, play.value(finer, held=True), as_good)
    if problem.mode == "count":
        return right if _hours(first).mean() <= _hours(second).mean() else left
    return min(max(_present(first, second, cap, (left + right) / 2), left), right)


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


def _best(divisions: Array, values: Array, as_good: float) -> tuple[float, float]:
    """The first and the last division that are as good as the best."""
    good = np.flatnonzero(values >= values.max() - as_good)
    return float(divisions[good[0]]), float(divisions[good[-1]])


class _Play:
    """Plays divisions out."""

    def __init__(self, problem: PlanProblem, first: PlanSession, second: PlanSession, energy: float) -> None:
        self.first = _Vehicle(first, _hours(first)[None, :, None], _total(first))
        self.second = _Vehicle(second, _hours(second)[None, None, :], _total(second))
        self.cap = problem.cap_w[0] / _KW
        self._energy = energy
        self._counts = problem.mode == "count"
        self._steps = self._caps(problem)

    def _caps(self, problem: PlanProblem) -> list[tuple[float, float, float]]:
        """Begin and length, hours, and cap, kW, of each step until the last of them leaves."""
        begins, steps = starts(problem.steps_s), []
        last_h = max(float(self.first.stays_h.max()), float(self.second.stays_h.max()))
        begin = 0.0
        for minutes in _MINUTES:
            if begin >= last_h:
                break
            hours = minutes / 60.0
            steps.append((begin, hours, _mean_cap(problem, begins, begin * 3600.0, (begin + hours) * 3600.0)))
            begin += hours
        return steps

    def value(self, divisions: Array, *, held: bool) -> Array:
        """Expected value of each division (kW for the first vehicle).

        Args:
            divisions: Between zero and the cap.
            held: Both keep their minimum as long as the cap is enough for both.
        """
        least, rest = (_least(self.first.session), _least(self.second.session)) if held else (0.0, 0.0)
        part = (divisions / self.cap)[:, None, None]
        shape = (len(divisions), self.first.stays_h.size, self.second.stays_h.size)
        left = np.full(shape, self.first.session.need_wh / _KW)
        right = np.full(shape, self.second.session.need_wh / _KW)
        for begin, hours, cap in self._steps:
            able, other = self.first.able(left, hours, begin), self.second.able(right, hours, begin)
            wanted = np.clip(part * cap, least, cap - rest) if cap > least + rest else part * cap
            power = np.minimum(able, np.maximum(wanted, cap - other))
            left = left - power * hours
            right = right - np.minimum(other, cap - power) * hours
        return (self._worth(self.first, left) + self._worth(self.second, right)).mean(axis=(1, 2))

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
