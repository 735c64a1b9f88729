"""The `[manager]` table: how the energy manager of a station is commissioned, and what that means in words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from powerctl.allocation.allocator import Rules
from powerctl.allocation.demand import DemandRules
from powerctl.allocation.efficiency import Conversion, EfficiencyCurve
from powerctl.allocation.modules import ModuleRules
from powerctl.allocation.plan_question import Aims
from powerctl.allocation.plan_site import HOURS, SiteProfile
from powerctl.allocation.shares import Fairness
from powerctl.allocation.tree import Node, tree_of
from powerctl.app.evidence import EvidenceSettings
from powerctl.core.errors import ConfigError
from powerctl.core.ids import ConnectorId
from powerctl.core.setpoint import LEASE_SECONDS
from powerctl.core.units import Power
from powerctl.dispatch.settings import DispatchSettings
from powerctl.runtime.settings import HttpListener, Section
from powerctl.runtime.station import StationSettings
from powerctl.signals.settings import GridSettings

Watts = Annotated[float, Field(ge=0, le=1e8)]


class ModuleSettings(Section):
    """Equal power modules, each of which feeds one connector at a time."""

    unit_w: float = Field(gt=0, le=1e6)
    """Of one module, watts DC."""
    count: int = Field(ge=1, le=64)
    dwell_s: float = Field(default=60.0, ge=0, le=3600)
    """A module that was switched stays at least so long."""


class NodeSettings(Section):
    """A feeder, or a station at one: what lies between the grid connection and some of the connectors."""

    name: str = Field(min_length=1, max_length=60)
    parent: str = ""
    """The node that feeds it. Absent: the grid connection."""
    connectors: tuple[int, ...] = ()
    """Those that hang on it directly, by their ids."""
    limit_w: float | None = Field(default=None, gt=0, le=1e8)
    """What it carries, watts AC. Absent: not bounded."""
    phase_limit_a: float | None = Field(default=None, gt=0, le=1e5)
    """What each phase carries, amperes. Absent: not bounded."""
    voltage_v: float = Field(default=230.0, gt=0, le=1000)
    """Line to neutral, the lowest that is to be expected: it turns the amperes into watts."""
    power_factor: float = Field(default=0.98, gt=0, le=1)
    """The lowest of what hangs there."""
    other_w: float = Field(default=0.0, ge=0, le=1e8)
    """What else draws there at most, watts AC: auxiliaries and whatever is not ours."""
    phases: tuple[Literal["L1", "L2", "L3"], ...] = Field(default=("L1", "L2", "L3"), min_length=1)
    """Those that feed the connectors that hang on it directly; power is even among them."""

    def node(self) -> Node:
        """The same as the fast path takes it."""
        phase_w = None
        if self.phase_limit_a is not None:
            phase_w = self.phase_limit_a * self.voltage_v * self.power_factor
        return Node(
            self.name,
            self.parent,
            tuple(ConnectorId(connector) for connector in self.connectors),
            self.limit_w,
            phase_w,
            self.other_w,
            tuple(dict.fromkeys(self.phases)),
        )


class AllocationSettings(Section):
    """How the fast path divides the cap."""

    efficiency: tuple[tuple[float, float], ...]
    """Rows of output (watts DC, one connector) and efficiency (above 0, at most 1), rising. No default: caps are AC,
    setpoints are DC, and only the data sheet of the modules knows what lies between them."""
    auxiliary_w: float = Field(ge=0, le=1e5)
    """What the station draws with all outputs off, watts AC. No default: it counts against every cap."""
    ramp_up_w_s: float = Field(default=2200.0, gt=0)
    """How fast power comes back after a cap was lifted, watts AC per second."""
    calm_s: float = Field(default=5.0, ge=0, le=600)
    """A cap that falls again so soon after a rise is flapping: the next rise waits as long. A fall never waits."""
    resume_after_s: float = Field(default=10.0, ge=0, le=3600)
    """A paused session waits at least so long before it charges again."""
    handover_settle_s: float = Field(default=2.0, ge=0, le=60)
    """Settle time of a decrease in favour of the other connector."""
    release_after_s: float = Field(default=5.0, ge=1, le=600)
    """A vehicle that asks for less keeps its share for so long."""

    fairness: Fairness = Fairness.WEIGHTED
    """How free power is divided: `weighted` (even, shaped by the plan), `equal`, `first_come`, or `most_served` (who
    needs least first)."""
    rotate_after_s: float = Field(default=900.0, ge=10, le=86400)
    """Where not all minimum powers fit, vehicles of one priority take turns of this length."""
    nodes: tuple[NodeSettings, ...] = Field(default=(), alias="node", max_length=256)
    """Feeders and stations between the grid connection and the connectors. Empty: nothing bounds there."""
    modules: ModuleSettings | None = None
    """Set where power comes in steps behind a switching matrix."""

    @model_validator(mode="after")
    def _curve_rises(self) -> Self:
        EfficiencyCurve.from_table(self.efficiency)
        return self

    @model_validator(mode="after")
    def _nodes_are_a_tree(self) -> Self:
        tree_of([node.node() for node in self.nodes])
        return self

    def conversion(self) -> Conversion:
        """Between AC and DC, before the meter corrects it."""
        return Conversion(EfficiencyCurve.from_table(self.efficiency), self.auxiliary_w)

    def rules(self) -> Rules:
        """The same as the fast path takes it."""
        return Rules(
            demand=DemandRules(release_after_s=self.release_after_s),
            ramp_up_w_s=self.ramp_up_w_s,
            calm_s=self.calm_s,
            resume_after_s=self.resume_after_s,
            handover_settle_s=self.handover_settle_s,
            fairness=self.fairness,
            tree=tree_of([node.node() for node in self.nodes]),
            rotate_after_s=self.rotate_after_s,
            modules=ModuleRules(**self.modules.model_dump()) if self.modules is not None else None,
        )


class ProfileSettings(Section):
    """The rest of the site, as it is expected of any day. Only the plan believes it: no limit rests on it."""

    load_w: tuple[Watts, ...] = (0.0,) * HOURS
    """What else draws there, watts AC: 24 values by hour of the day, UTC."""
    generation_w: tuple[Watts, ...] = (0.0,) * HOURS
    """What is generated there, the same way."""
    limit_w: float | None = Field(default=None, gt=0, le=1e8)
    """What the site's connection carries, the station included. Absent: more than all of it can draw."""
    feed_in: float = Field(default=0.0, ge=-10, le=10)
    """What a kilowatt hour to spare would earn, in the currency of the prices."""

    @field_validator("load_w", "generation_w")
    @classmethod
    def _a_day(cls, hours: tuple[float, ...]) -> tuple[float, ...]:
        if len(hours) != HOURS:
            raise ValueError(f"{len(hours)} values instead of {HOURS}, one for each hour of the day")
        return hours


class PlanSettings(Section):
    """The plan: a process of its own that only shapes how free power is divided."""

    enabled: bool = True
    interval_s: float = Field(default=60.0, ge=1, le=3600)
    deadline_s: float = Field(default=10.0, gt=0, le=600)
    """A plan that takes longer is thrown away with its process."""
    mode: Literal["welfare", "count"] = "welfare"
    """What comes first: satisfaction of all drivers, or how many of them get all they need."""
    by_price: bool = True
    """Charge when energy is cheap, as far as the drivers' stays allow. Without prices it changes nothing."""
    earliness: float = Field(default=1e-3, gt=0, le=10)
    """What an hour of delay may cost per kilowatt hour, in the currency of the prices: low saves, high is safe."""

    peak_price: float = Field(default=0.0, ge=0, le=1e4)
    """Of each kilowatt above the highest quarter of an hour of the month, in the currency of the prices. 0: none."""
    site: ProfileSettings | None = None
    """Load and generation beside the station. Absent: nothing is known of them."""

    def aims(self) -> Aims:
        """The same as the plan takes it."""
        site = None if self.site is None else SiteProfile(**self.site.model_dump())
        return Aims(self.mode, self.by_price, self.earliness, self.interval_s, self.peak_price, site)


class ManagerSettings(Section):
    """Everything that the energy manager needs besides the station itself."""

    grid: GridSettings
    allocation: AllocationSettings
    dispatch: DispatchSettings
    plan: PlanSettings = PlanSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    http: HttpListener = HttpListener(port=9464)
    status_folder: Path | None = None
    """Where the socket lies that `powerctl status`, `top` and `explain` read; its owner and group may. Absent: what
    the service manager gives (`$RUNTIME_DIRECTORY`), else a folder of this user's own."""


def check(station: StationSettings, settings: ManagerSettings) -> None:
    """Make sure that both tables are about the same connectors.

    Raises:
        ConfigError: A node names a connector that the station does not have.
    """
    known = {connector.id for connector in station.connectors}
    for node in settings.allocation.nodes:
        strange = sorted(set(node.connectors) - known)
        if strange:
            raise ConfigError(
                f"manager.allocation.node: {node.name}",
                f"connector {strange[0]} is not at this station.",
                f"Its connectors are {', '.join(map(str, sorted(known)))}.",
            )


def _node(node: NodeSettings) -> str:
    bounds = [] if node.limit_w is None else [str(Power(node.limit_w))]
    bounds += [] if node.phase_limit_a is None else [f"{node.phase_limit_a:g} A in each phase"]
    return f"{node.name} carries {' and '.join(bounds) or 'any power'}, fed by {node.parent or 'the grid connection'}."


def describe(station: StationSettings, settings: ManagerSettings) -> list[str]:
    """What the energy manager will do, one sentence each, for a person who checks a configuration."""
    allocation, conversion = settings.allocation, settings.allocation.conversion()
    rating = Power(station.rating_w)
    most = Power(conversion.dc_w(conversion.usable_w(station.rating_w)))
    lines = [
        *settings.grid.describe(),
        f"The grid connection carries {rating}; one vehicle alone gets at most {most} of it, after "
        f"{Power(allocation.auxiliary_w)} for auxiliaries and the losses of conversion.",
        f"After a limit was lifted, power comes back at {allocation.ramp_up_w_s / 1000:g} kW per second.",
        "When the power does not suffice for two vehicles, the one that came later waits; one that can only start and "
        "stop is stopped last.",
        f"Setpoints last {LEASE_SECONDS:g} s. When the energy manager falls silent, each connector keeps to its last "
        "setpoint or its commissioned share, whichever is lower:",
    ]
    shares = [f"  connector {c.id} ({c.position}): {Power(c.fallback_w)} DC." for c in station.connectors]
    kept = (
        f"What the grid asked and when the station complied is kept for {settings.evidence.keep_months} months; "
        "`powerctl evidence` verifies and exports it."
    )
    nodes = [_node(node) for node in allocation.nodes]
    return [*nodes, *lines, *shares, _fallbacks(station, conversion), _planned(settings.plan), kept]


def _fallbacks(station: StationSettings, conversion: Conversion) -> str:
    total = Power(conversion.station_w(connector.fallback_w for connector in station.connectors))
    if total.w > station.rating_w:
        return f"Warning: the commissioned shares need {total} together, more than the grid connection carries."
    return f"Together the commissioned shares need {total} at the grid connection."


def _planned(plan: PlanSettings) -> str:
    if not plan.enabled:
        return "No plan is computed: vehicles share what is free evenly."
    return f"A plan is computed every {plan.interval_s:g} s and shapes the shares; without it they are even."
