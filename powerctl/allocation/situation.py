"""What the fast path decides with: rules, memory, the present situation, and its outcome. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from powerctl.allocation.budget import Budget
from powerctl.allocation.demand import Appetite, DemandRules
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.ledger import Ledger
from powerctl.allocation.modules import Assignment, ModuleRules
from powerctl.allocation.promises import Promise
from powerctl.allocation.ramp import Ramp
from powerctl.allocation.shares import Fairness
from powerctl.allocation.tree import Tree
from powerctl.core.clock import Monotonic
from powerctl.core.demand import ConnectorReport
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.setpoint import Command, Limit
from powerctl.core.topology import ConnectorCapability
from powerctl.core.units import Power


@dataclass(frozen=True, slots=True)
class Rules:
    """How the fast path behaves where physics and grid leave a choice."""

    demand: DemandRules = field(default_factory=DemandRules)
    ramp_up_w_s: float = 2200.0
    """How fast the station comes back after a cap was lifted, watts AC per second."""
    calm_s: float = 5.0
    """A cap that falls again so soon after a rise is flapping: the next rise waits as long. A fall never waits."""
    resume_after_s: float = 10.0
    """A session that was paused waits at least so long before it charges again."""
    handover_settle_s: float = 2.0
    """Settle time of a decrease in favour of the other connector."""
    rise_step_w: float = 100.0
    """An increase smaller than this waits for the next renewal."""
    fairness: Fairness = Fairness.WEIGHTED
    rotate_after_s: float = 900.0
    """Where not all minimum powers fit, the one that waits takes over after so long."""
    modules: ModuleRules | None = None
    """None: power comes in any amount."""
    tree: Tree = field(default_factory=Tree)
    """What lies between the grid connection and the connectors."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one connector shall do, and why."""

    connector: ConnectorId
    command: Command
    limit: Power
    """DC at the connector."""
    settle_s: float
    reasons: tuple[Limit, ...]
    """Lowest first; the first binds."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one connector."""

    appetite: Appetite = field(default_factory=Appetite)
    limit_w: float = 0.0
    """Of the last decision, watts DC."""
    risen_at: Monotonic | None = None
    """When the limit rose last."""
    paused: bool = False
    resume_at: Monotonic | None = None
    """None: it may run at any time."""
    stopped: SessionId | None = None
    """A session that was told to stop; it is not told to run again."""
    turns: int = 0
    """How often it ran for `rotate_after_s` while another waited."""
    alone_since: Monotonic | None = None
    """Since when it runs while another waits."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the fast path remembers between two decisions."""

    conversion: Conversion
    connectors: Mapping[ConnectorId, Memory] = field(default_factory=dict)
    ramp: Ramp | None = None
    observed_at: Monotonic | None = None
    modules: Assignment = field(default_factory=Assignment)

    def memory(self, connector: ConnectorId) -> Memory:
        """What is remembered of `connector`; a clean sheet when nothing is."""
        return self.connectors.get(connector, Memory())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The situation to decide on."""

    budget: Budget
    rating: Power
    """AC at the grid connection."""
    capabilities: tuple[ConnectorCapability, ...]
    reports: Mapping[ConnectorId, ConnectorReport]
    """The newest of each connector; one that has not reported on its present stream is missing."""
    ledger: Ledger
    weights: Mapping[ConnectorId, float] = field(default_factory=dict)
    """From the plan: relative parts of what is free. Missing: 1."""
    caps: Mapping[ConnectorId, Limit] = field(default_factory=dict)
    """Caps of single connectors, DC, with who set them. Missing: none."""
    priorities: Mapping[ConnectorId, int] = field(default_factory=dict)
    """Lower is served first. Missing: 0."""
    paces: Mapping[ConnectorId, float] = field(default_factory=dict)
    """From the plan: watts DC that are enough for now; 0: it may wait. Missing: as much as there is."""
    promises: Mapping[ConnectorId, Promise] = field(default_factory=dict)
    """Reservations in force. Missing: nobody has reserved."""
    waits: frozenset[ConnectorId] = frozenset()
    """From the plan: those that give way to the other for now. One alone never waits, nor a firm one."""
    splits: tuple[Mapping[ConnectorId, Power], ...] = ()
    """Every division of power, DC, that the working modules can make. Empty: any."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer."""

    state: State
    decisions: tuple[Decision, ...]
    """One for every connector that has reported, by connector."""
    next_at: Monotonic | None
    """When to decide again at the latest although nothing was reported. None: only when something happens."""
