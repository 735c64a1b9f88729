"""What a simulation is made of and what it finds, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from powerctl.allocation.allocator import Rules
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.plan_problem import Plan, PlanProblem
from powerctl.allocation.plan_question import Aims
from powerctl.core.topology import ConnectorCapability


@dataclass(frozen=True, slots=True)
class Session:
    """A vehicle that comes and goes; seconds from the start."""

    name: str
    connector: int
    arrival_s: float
    departure_s: float
    need_wh: float
    soc: float = 0.4
    """At arrival, 0 to 1."""
    capacity_wh: float = 38_000.0
    max_w: float = 22_000.0
    min_w: float = 1_500.0
    taper_from: float = 0.85
    """State of charge from which its power falls, in a line to a tenth at full."""
    firm: bool = False
    stated_s: float | None = None
    """The departure that the driver named."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What the grid says from an instant on."""

    at_s: float
    cap_w: float | None = None
    """AC. None: no limit."""
    announced_s: float | None = None
    """When it became known. None: when it began."""
    price: float | None = None
    """Per kilowatt hour."""
    modules_w: float | None = None
    """DC that the modules can still give together. None: all of them work."""


@dataclass(frozen=True, slots=True)
class Site:
    """The station as it is commissioned."""

    rating_w: float
    capabilities: tuple[ConnectorCapability, ...]
    rules: Rules = field(default_factory=Rules)
    conversion: Conversion = field(default_factory=Conversion)
    aims: Aims = field(default_factory=Aims)


@dataclass(frozen=True, slots=True)
class Sample:
    """One instant of a run."""

    at_s: float
    cap_w: float
    ac_w: float
    limits_w: dict[int, float]
    powers_w: dict[int, float]


@dataclass
class Vehicle:
    """A session in progress, and what came of it."""

    session: Session
    taken_wh: float = 0.0
    power_w: float = 0.0
    limit_w: float = 0.0
    paused: bool = False
    stopped: bool = False
    starts: int = 0
    cost: float = 0.0
    waiting_s: float = 0.0
    longest_wait_s: float = 0.0
    reversals: int = 0
    trend: int = 0
    reasons: dict[str, float] = field(default_factory=dict)
    """Seconds for which each source bound it."""

    @property
    def missing_wh(self) -> float:
        """What it still wants."""
        return max(0.0, self.session.need_wh - self.taken_wh)

    @property
    def soc(self) -> float:
        """0 to 1."""
        return min(1.0, self.session.soc + self.taken_wh / self.session.capacity_wh)

    def able_w(self) -> float:
        """What it takes at most now."""
        session = self.session
        if self.soc <= session.taper_from:
            return session.max_w
        over = (self.soc - session.taper_from) / max(1e-6, 1.0 - session.taper_from)
        return session.max_w * (1.0 - 0.9 * min(1.0, over))


@dataclass
class Run:
    """What a simulation found."""

    samples: list[Sample] = field(default_factory=list)
    vehicles: list[Vehicle] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    dead_zone: int = 0
    """Limits above zero that a vehicle cannot use."""
    plans: int = 0
    rejected: int = 0


Planner = Callable[[PlanProblem], Plan | None]
"""Answers a question; None: no plan that may be used."""
