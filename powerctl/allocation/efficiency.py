"""Between the two sides of the power modules: AC input for a DC output, and back."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

_FACTOR_STEP = 0.005
"""The applied correction moves in steps, so that limits do not change with every reading."""
_LOWEST_FACTOR = 0.97
_HIGHEST_FACTOR = 1.10
"""A module that needs more than this is broken, not less efficient."""
_RISE_S = 10.0
_FALL_S = 300.0
"""A reading above the estimate is believed soon, one below it late: the error must fall on the safe side."""
_STEADY_SHARE = 0.02
"""Readings are compared only while the output changes by less than this: meter and bus are not read at once."""
_LEAST_OUTPUT_W = 1000.0
"""Below this the meter's own error outweighs the loss."""


@dataclass(frozen=True, slots=True)
class EfficiencyCurve:
    """Input power as a function of output power: linear between points, rising, zero at zero."""

    output_w: tuple[float, ...]
    """Watts DC, starting with 0, strictly rising."""
    input_w: tuple[float, ...]
    """Watts AC at the same points, strictly rising."""

    @classmethod
    def from_table(cls, table: Sequence[tuple[float, float]]) -> EfficiencyCurve:
        """The curve through `table`, rows of watts DC and efficiency (above 0, at most 1).

        Below the first row and above the last one their efficiencies hold.

        Raises:
            ValueError: The table is empty, not rising, or more output would need less input.
        """
        if not table:
            raise ValueError("the efficiency table is empty")
        rows = [(0.0, 0.0), *((dc_w, dc_w / _efficiency(eta)) for dc_w, eta in table)]
        for (dc_w, ac_w), (next_dc_w, next_ac_w) in pairwise(rows):
            if not (math.isfinite(next_ac_w) and next_dc_w > dc_w and next_ac_w > ac_w):
                raise ValueError(f"the efficiency table does not rise at {next_dc_w:.0f} W")
        return cls(tuple(dc for dc, _ in rows), tuple(ac for _, ac in rows))

    def ac_w(self, dc_w: float) -> float:
        """Watts AC that `dc_w` of output needs; zero at or below zero."""
        return _interpolate(self.output_w, self.input_w, dc_w)

    def dc_w(self, ac_w: float) -> float:
        """Watts DC that `ac_w` of input gives; zero at or below zero."""
        return _interpolate(self.input_w, self.output_w, ac_w)


def _efficiency(eta: float) -> float:
    if not 0.0 < eta <= 1.0:
        raise ValueError(f"efficiency {eta}: must be above 0 and at most 1")
    return eta


def _interpolate(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    if x <= 0.0:
        return 0.0
    right = bisect_right(xs, x)
    if right == len(xs):
        return x * ys[-1] / xs[-1]
    left = right - 1
    return ys[left] + (ys[right] - ys[left]) * (x - xs[left]) / (xs[right] - xs[left])


LOSSLESS = EfficiencyCurve((0.0, 1.0), (0.0, 1.0))
"""Output equals input."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What the station needs at the grid connection for its outputs."""

    curve: EfficiencyCurve = LOSSLESS
    """Of the modules behind one connector."""
    auxiliary_w: float = 0.0
    """What the station draws with all outputs off, watts AC."""
    factor: float = 1.0
    """Correction of the curve by the meter."""
    estimate: float = 1.0
    """The correction before it is rounded up to a step."""
    output_w: float = 0.0
    """Total output at the last comparison, watts DC."""

    def ac_w(self, dc_w: float) -> float:
        """Watts AC for one connector's output."""
        return self.curve.ac_w(dc_w) * self.factor

    def dc_w(self, ac_w: float) -> float:
        """Watts DC from one connector's part of the input."""
        return self.curve.dc_w(ac_w / self.factor)

    def usable_w(self, cap_w: float) -> float:
        """Watts AC that are left for the connectors under `cap_w`; never negative."""
        return max(0.0, cap_w - self.auxiliary_w)

    def station_w(self, outputs_w: Iterable[float]) -> float:
        """Watts AC at the grid connection for these outputs, auxiliaries included."""
        return self.auxiliary_w + sum(self.ac_w(dc_w) for dc_w in sorted(outputs_w))


def corrected(conversion: Conversion, measured_w: float, outputs_w: Sequence[float], elapsed_s: float) -> Conversion:
    """`conversion` moved towards the meter's reading: slowly, within bounds, and only while the output is steady.

    Args:
        conversion: What was believed so far.
        measured_w: Watts AC at the grid connection.
        outputs_w: Watts DC per connector, measured in the same period.
        elapsed_s: Seconds since the last call.
    """
    total_w = sum(outputs_w)
    steady = abs(total_w - conversion.output_w) <= _STEADY_SHARE * total_w
    conversion = replace(conversion, output_w=total_w)
    if total_w < _LEAST_OUTPUT_W or not steady or elapsed_s <= 0.0:
        return conversion
    expected_w = sum(conversion.curve.ac_w(dc_w) for dc_w in sorted(outputs_w))
    seen = (measured_w - conversion.auxiliary_w) / expected_w
    bounded = min(max(seen, _LOWEST_FACTOR), _HIGHEST_FACTOR)
    time_constant_s = _RISE_S if bounded > conversion.estimate else _FALL_S
    gain = -math.expm1(-elapsed_s / time_constant_s)
    estimate = conversion.estimate + gain * (bounded - conversion.estimate)
    return replace(conversion, estimate=estimate, factor=_stepped(estimate, conversion.factor))


def _stepped(estimate: float, factor: float) -> float:
    """The applied correction: up as soon as the estimate passes it, down only by a whole step."""
    if factor - _FACTOR_STEP < estimate <= factor:
        return factor
    return min(math.ceil(round(estimate / _FACTOR_STEP, 6)) * _FACTOR_STEP, _HIGHEST_FACTOR)
