"""The plan's question and answer as plain values, and their JSON form between the two processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from powerctl.core.errors import RemoteError

NEAR_STEPS: Final = 12
STEPS_S: Final = (300.0,) * NEAR_STEPS + (900.0,) * 84
"""An hour in steps of five minutes, then 21 hours in steps of a quarter: 96 steps."""


@dataclass(frozen=True, slots=True)
class PlanSession:
    """One vehicle that charges."""

    connector: int
    need_wh: float
    """What it can still take; above zero."""
    max_w: float
    """What it takes at most, watts DC."""
    stay_s: float
    """How long it is expected to stay on."""
    taper_per_h: float | None = None
    """Its power falls with what is left to take: at most so many watts per watt hour. None: it does not taper."""


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """What is known about the hours to come."""

    cap_w: tuple[float, ...]
    """Watts DC for all connectors, one per step of `STEPS_S`."""
    sessions: tuple[PlanSession, ...]
    price: tuple[float, ...] | None = None
    """Per kilowatt hour, one per step. None: energy costs the same at all times."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer: watts DC per connector and step."""

    power_w: dict[int, tuple[float, ...]]


def problem_to_json(problem: PlanProblem) -> bytes:
    """`problem` as UTF-8 JSON."""
    return json.dumps(asdict(problem)).encode()


def problem_from_json(data: bytes) -> PlanProblem:
    """The problem in `data`, which our own process wrote."""
    raw = json.loads(data)
    price = raw["price"]
    return PlanProblem(
        cap_w=tuple(raw["cap_w"]),
        sessions=tuple(PlanSession(**session) for session in raw["sessions"]),
        price=None if price is None else tuple(price),
    )


def plan_to_json(plan: Plan) -> bytes:
    """`plan` as UTF-8 JSON."""
    return json.dumps({"power_w": plan.power_w}).encode()


def plan_from_json(data: bytes) -> Plan:
    """The plan in `data`.

    Raises:
        RemoteError: It is no JSON object of numbers by connector.
    """
    try:
        raw: Any = json.loads(data)
        return Plan({int(key): tuple(float(watts) for watts in row) for key, row in raw["power_w"].items()})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RemoteError(f"plan: not understood ({error})") from error
