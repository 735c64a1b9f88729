"""The plan's question and answer as plain values, and their JSON form between the two processes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import accumulate, pairwise
from typing import Any, Final, Literal, get_args

from powerctl.core.errors import RemoteError

STEPS: Final = 96
FIRST_S: Final = 60.0
"""Length of the first step where nothing else is said."""
_NEAR_S: Final = 300.0
_NEAR_UNTIL_S: Final = 3600.0
_FAR_S: Final = 900.0
_CLOSE_S: Final = 20.0
"""A mark of the grid gives way to a known instant that is nearer than this."""

FULL: Final = 0.991
"""The part of the need that counts as all of it."""

Mode = Literal["welfare", "count"]
"""What comes first: concave welfare of every driver, or the number of drivers who get all they need."""


def grid(marks_s: Iterable[float] = (), first_s: float = FIRST_S) -> tuple[float, ...]:
    """Lengths of the plan's steps: the first, then five minutes for an hour, then quarters, broken at `marks_s`.

    Args:
        marks_s: Seconds from now at which something is known to change; those in the first step do not count.
        first_s: Until the next plan.
    """
    marks = sorted({round(mark, 3) for mark in marks_s if first_s + _CLOSE_S <= mark < 3.0e5})
    marks = [mark for mark, before in zip(marks, [0.0, *marks], strict=False) if mark - before >= _CLOSE_S]
    regular = [_NEAR_S * n for n in range(1, int(_NEAR_UNTIL_S / _NEAR_S) + 1)]
    regular += [_NEAR_UNTIL_S + _FAR_S * n for n in range(1, STEPS)]
    kept = [
        point
        for point in regular
        if point >= first_s + _CLOSE_S and all(abs(point - mark) >= _CLOSE_S for mark in marks)
    ]
    points = sorted([0.0, first_s, *kept, *marks])[: STEPS + 1]
    return tuple(end - start for start, end in pairwise(points))


def starts(steps_s: Iterable[float]) -> tuple[float, ...]:
    """When each step begins, seconds from now."""
    return (0.0, *accumulate(steps_s))[:-1]


@dataclass(frozen=True, slots=True)
class PlanSession:
    """One vehicle that charges, or one that is expected."""

    connector: int
    need_wh: float
    """What it can still take; above zero."""
    max_w: float
    """What it takes at most, watts DC."""
    stay_s: float
    """How long it is expected to stay on."""
    served_wh: float = 0.0
    """What it took in this session."""
    min_w: float = 0.0
    """Below this it cannot charge, watts DC; 0: any power will do."""
    now_w: float = 0.0
    """What it may draw at present, watts DC."""
    from_s: float = 0.0
    """When it comes, for one that is expected."""
    taper_w: float | None = None
    """Its power falls as it takes energy: at most this now. None: it does not taper."""
    taper_per_h: float = 0.0
    """... and so many watts less for each watt hour that it takes."""
    discharge_w: float = 0.0
    """What it may give back at most, watts DC; 0: it cannot."""
    stays_s: tuple[float, ...] = ()
    """Equally likely stays, rising. Empty: the stay is known."""
    confident: bool = True
    """False: nothing is known of the stay that is worth acting on."""


@dataclass(frozen=True, slots=True)
class PlanBound:
    """A feeder, a station or one of its phases, which carries no more than so much."""

    capacity_w: float
    """Watts DC of what flows through it."""
    parts: tuple[tuple[int, float], ...]
    """Which part of a connector's power flows through it, by connector."""


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """What is known about the hours to come."""

    steps_s: tuple[float, ...]
    """Lengths of the steps; as many as `STEPS`."""
    cap_w: tuple[float, ...]
    """Watts DC for all connectors, one per step, site load and own generation taken into account."""
    sessions: tuple[PlanSession, ...]
    price: tuple[float, ...] | None = None
    """Per kilowatt hour, one per step. None: energy costs the same at all times."""
    earliness: float = 1e-3
    """What an hour of delay may cost per kilowatt hour: the dial between price and robustness. Above zero."""
    peak_w: float | None = None
    """The highest power of the billing period so far, watts DC, with `site_w`. None: a peak costs nothing."""
    peak_price: float = 0.0
    """Of each kilowatt above that."""
    mode: Mode = "welfare"
    bounds: tuple[PlanBound, ...] = ()
    """Between the grid connection and the connectors."""
    site_w: tuple[float, ...] = ()
    """What the rest of the site is expected to draw, own generation taken off, per step, watts DC of ours that it
    stands for. Negative: it has power to spare. Empty: there is none."""
    feed_in: float = 0.0
    """What a kilowatt hour to spare would earn if nobody charged with it."""

    @property
    def by_cost(self) -> bool:
        """True: when energy is taken matters."""
        return self.price is not None or self.peak_w is not None


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer: watts DC per connector and step."""

    power_w: dict[int, tuple[float, ...]]
    share_w: dict[int, float] = field(default_factory=dict)
    """How those present divide the first step, watts DC; empty: as `power_w` says."""


def problem_to_json(problem: PlanProblem) -> bytes:
    """`problem` as UTF-8 JSON."""
    return json.dumps(asdict(problem)).encode()


def problem_from_json(data: bytes) -> PlanProblem:
    """The problem in `data`, which our own process wrote.

    Raises:
        RemoteError: It is no problem: a file that was damaged or is of another version.
    """
    try:
        raw = json.loads(data)
        sessions = tuple(PlanSession(**_tuples(session)) for session in raw.pop("sessions"))
        bounds = tuple(_bound(bound) for bound in raw.pop("bounds", ()))
        problem = PlanProblem(sessions=sessions, bounds=bounds, **_tuples(raw))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RemoteError(f"plan: no problem ({error})") from error
    if problem.mode not in get_args(Mode) or len(problem.steps_s) != STEPS or len(problem.cap_w) != STEPS:
        raise RemoteError("plan: no problem (mode or steps)")
    if len(problem.site_w) not in (0, STEPS):
        raise RemoteError("plan: no problem (the site's steps)")
    return problem


def _bound(raw: dict[str, Any]) -> PlanBound:
    return PlanBound(float(raw["capacity_w"]), tuple((int(c), float(part)) for c, part in raw["parts"]))


def _tuples(raw: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}


def plan_to_json(plan: Plan) -> bytes:
    """`plan` as UTF-8 JSON."""
    return json.dumps(asdict(plan)).encode()


def plan_from_json(data: bytes) -> Plan:
    """The plan in `data`.

    Raises:
        RemoteError: It is no JSON object of numbers by connector.
    """
    try:
        raw: Any = json.loads(data)
        power_w = {int(key): tuple(float(watts) for watts in row) for key, row in raw["power_w"].items()}
        return Plan(power_w, {int(key): float(watts) for key, watts in raw.get("share_w", {}).items()})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RemoteError(f"plan: not understood ({error})") from error
