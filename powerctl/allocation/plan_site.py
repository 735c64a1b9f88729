"""What the plan knows of the place: the rest of the site, the tree's bounds, and how fast a cap comes back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.plan_problem import PlanBound
from powerctl.allocation.tree import Tree

HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class SiteProfile:
    """What else draws and generates where the station stands, as it is expected of any day; watts AC."""

    load_w: tuple[float, ...] = (0.0,) * HOURS
    """By hour of the day, UTC."""
    generation_w: tuple[float, ...] = (0.0,) * HOURS
    """The same; never negative."""
    limit_w: float | None = None
    """What the site's connection carries, the station included. None: more than all of it can draw."""
    feed_in: float = 0.0
    """What a kilowatt hour to spare would earn, in the currency of the prices."""

    def net_w(self, at: datetime) -> float:
        """What the rest of the site draws then, watts AC; negative: it has power to spare."""
        hour = at.astimezone(UTC).hour
        return self.load_w[hour] - self.generation_w[hour]

    def series_w(self, utc: datetime, steps_s: Sequence[float], begins: Sequence[float]) -> tuple[float, ...]:
        """`net_w` in the middle of each step."""
        middles = (begin + length / 2.0 for begin, length in zip(begins, steps_s, strict=True))
        return tuple(self.net_w(utc + timedelta(seconds=middle)) for middle in middles)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the station stands, and what its cap does now."""

    tree: Tree = field(default_factory=Tree)
    ramp_up_w_s: float = float("inf")
    """How fast a cap comes back after it was lifted, watts AC per second."""
    effective_w: float | None = None
    """The cap on its way up, watts AC. None: it is where it should be."""
    peak_w: float | None = None
    """The highest quarter of an hour of this month so far, with what else draws there, watts AC. None: not known."""


def bounds_of(tree: Tree, conversion: Conversion) -> tuple[PlanBound, ...]:
    """The bounds of `tree` as the plan takes them."""
    return tuple(
        PlanBound(conversion.dc_w(bound.capacity_w), tuple(sorted(bound.parts.items()))) for bound in tree.bounds
    )


def dc_w(conversion: Conversion, ac_w: Iterable[float]) -> tuple[float, ...]:
    """Watts DC at the connectors that stand for so many watts AC of either sign."""
    return tuple(conversion.dc_w(watts) if watts >= 0.0 else -conversion.dc_w(-watts) for watts in ac_w)


def ramped(
    caps_w: Sequence[float], steps_s: Sequence[float], rate_w_s: float, effective_w: float | None
) -> tuple[float, ...]:
    """Means of the caps that the fast path will have in each step: down at once, up by `rate_w_s` per second.

    Args:
        caps_w: As they are in force or announced, watts AC.
        steps_s: Lengths of the steps.
        rate_w_s: Above zero; infinite: at once.
        effective_w: The cap on its way up. None: it is where it should be.
    """
    at_w = caps_w[0] if effective_w is None else min(effective_w, caps_w[0])
    means = []
    for cap_w, length_s in zip(caps_w, steps_s, strict=True):
        at_w = min(at_w, cap_w)
        rise_s = min(length_s, (cap_w - at_w) / rate_w_s)
        reached_w = min(cap_w, at_w + rate_w_s * rise_s) if rise_s < length_s else at_w + rate_w_s * length_s
        means.append((rise_s * (at_w + reached_w) / 2.0 + (length_s - rise_s) * reached_w) / length_s)
        at_w = reached_w
    return tuple(means)
