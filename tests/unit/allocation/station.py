"""A station with two connectors, as the fast path sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from powerctl.allocation.allocator import Decision, Outcome, Rules, Snapshot, State, decide, observe
from powerctl.allocation.budget import Budget
from powerctl.allocation.efficiency import Conversion, EfficiencyCurve
from powerctl.allocation.ledger import Ledger, confirmed, granted, opened
from powerctl.allocation.promises import Promise
from powerctl.core.clock import Monotonic, after
from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.session import ConnectorState, Flexibility
from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.topology import ConnectorCapability, ConnectorType
from powerctl.core.units import ZERO_POWER, Current, Energy, Power, Voltage

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LEFT, RIGHT = ConnectorId(1), ConnectorId(2)
CURVE = EfficiencyCurve.from_table([(2000.0, 0.90), (11000.0, 0.95), (22000.0, 0.94)])


def capability(connector: int, *, fallback_kw: float = 5.0, max_kw: float = 22.0) -> ConnectorCapability:
    return ConnectorCapability(
        connector=ConnectorId(connector),
        type=ConnectorType.CHADEMO,
        max_power=Power.from_kw(max_kw),
        max_current=Current(60.0),
        max_voltage=Voltage(500.0),
        min_power=Power(500.0),
        fallback=Power.from_kw(fallback_kw),
    )


def report(
    connector: int,
    state: ConnectorState = ConnectorState.CHARGING,
    *,
    target_kw: float = 22.0,
    committed_kw: float = 0.0,
    min_kw: float = 2.4,
    flexibility: Flexibility = Flexibility.FAST,
    sequence: int = 0,
    minutes_ago: float = 0.0,
    session: str | None = None,
) -> ConnectorReport:
    idle = state is ConnectorState.AVAILABLE
    drawn_kw = min(target_kw, committed_kw) if state is ConnectorState.CHARGING else 0.0
    return ConnectorReport(
        connector=ConnectorId(connector),
        state=state,
        session=None if idle else SessionId(session or f"s{connector}"),
        applied_sequence=sequence,
        committed=Power.from_kw(committed_kw),
        voltage=Voltage(400.0),
        current=Current(drawn_kw * 1000 / 400.0),
        target=ZERO_POWER if idle else Power.from_kw(target_kw),
        min_power=ZERO_POWER if idle else Power.from_kw(min_kw),
        max_power=Power.from_kw(22.0),
        flexibility=flexibility,
        slope_a_s=10.0,
        soc_percent=40.0,
        capacity=None,
        energy=Energy(0.0),
        session_energy=Energy(0.0),
        plug_in_time=None if idle else NOON - timedelta(minutes=minutes_ago),
    )


def dso(cap_kw: float, *, settle_s: float = 2.0) -> Budget:
    detail = f"The grid operator limits the station to {cap_kw:.1f} kW."
    source = Limit(LimitSource.DSO, Power.from_kw(cap_kw), detail)
    return Budget(source.limit, source.source, detail, settle_s=settle_s, sources=(source,))


def rated(rating_kw: float = 22.0) -> Budget:
    return Budget(Power.from_kw(rating_kw), LimitSource.HARDWARE, "The station is rated for 22.0 kW.")


class Bench:
    """The fast path and a controller that does at once what it is told, unless `obeys` says otherwise."""

    def __init__(self, *reports: ConnectorReport, budget: Budget | None = None, rules: Rules | None = None) -> None:
        self.rules = rules or Rules(rise_step_w=0.0)
        self.budget = budget or rated()
        self.conversion = Conversion()
        self.capabilities = (capability(1), capability(2))
        self.now = Monotonic(100.0)
        self.state = State(self.conversion)
        self.reports = {r.connector: r for r in reports}
        self.ledger = opened(Ledger(), self.capabilities, self.now)
        self.weights: dict[ConnectorId, float] = {}
        self.caps: dict[ConnectorId, Limit] = {}
        self.priorities: dict[ConnectorId, int] = {}
        self.paces: dict[ConnectorId, float] = {}
        self.promises: dict[ConnectorId, Promise] = {}
        self.splits: tuple[Mapping[ConnectorId, Power], ...] = ()
        self.waits: frozenset[ConnectorId] = frozenset()
        self.outcome: Outcome | None = None
        self._sequence = 0
        for connector_report in reports:
            self.reports_again(connector_report)

    def reports_again(self, connector_report: ConnectorReport) -> None:
        self.reports[connector_report.connector] = connector_report
        self.state = observe(self.state, StationReport(NOON, None, None, (connector_report,)), self.rules, self.now)
        self.ledger = confirmed(
            self.ledger, connector_report.connector, connector_report.applied_sequence, connector_report.committed.w
        )

    def decide(self) -> dict[ConnectorId, Decision]:
        """One decision, sent but not yet confirmed."""
        snapshot = Snapshot(
            self.budget,
            Power.from_kw(22.0),
            self.capabilities,
            self.reports,
            self.ledger,
            self.weights,
            self.caps,
            self.priorities,
            self.paces,
            self.promises,
            self.waits,
            self.splits,
        )
        self.outcome = decide(self.state, snapshot, self.rules, self.now)
        self.state = self.outcome.state
        self._sequence += 1
        for decision in self.outcome.decisions:
            self.ledger = granted(self.ledger, decision.connector, self._sequence, decision.limit.w, decision.settle_s)
        return {decision.connector: decision for decision in self.outcome.decisions}

    def obey(self, decisions: dict[ConnectorId, Decision], *connectors: ConnectorId) -> None:
        """These connectors (default: all) take what they were told and confirm it."""
        for connector in connectors or tuple(decisions):
            decision = decisions[connector]
            state = self.reports[connector].state
            if decision.command is Command.PAUSE and state is ConnectorState.CHARGING:
                state = ConnectorState.PAUSED
            elif decision.command in (Command.RUN, Command.HOLD_MIN) and state is ConnectorState.PAUSED:
                state = ConnectorState.CHARGING
            self.reports_again(
                replace(
                    self.reports[connector],
                    state=state,
                    committed=decision.limit,
                    applied_sequence=self._sequence,
                )
            )

    def settle(self, rounds: int = 6) -> dict[ConnectorId, Decision]:
        """Decide and obey until nothing moves any more."""
        decisions = self.decide()
        for _ in range(rounds):
            self.obey(decisions)
            decisions = self.decide()
        self.obey(decisions)
        return decisions

    def passes(self, seconds: float) -> None:
        self.now = after(self.now, seconds)
