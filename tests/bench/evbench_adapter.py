"""The production decision under the observations of evbench: translation, and nothing else.

The plant has no losses, no auxiliaries and no ramp below a minute, and tells each vehicle's true request, so the fast
path is configured with that. A minute is long enough for a connector to confirm what another waits for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import numpy as np

from powerctl.allocation.allocator import Decision, Rules, Snapshot, State, decide, observe
from powerctl.allocation.budget import Budget
from powerctl.allocation.demand import DemandRules
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.ledger import Ledger, confirmed, granted, opened
from powerctl.allocation.plan_guidance import Guidance, guidance_of
from powerctl.allocation.plan_outlook import Ahead
from powerctl.allocation.plan_question import Aims, Question, problem_of
from powerctl.allocation.plan_solve import answer
from powerctl.allocation.visits import Statement, Visits, followed, left
from powerctl.core.clock import Monotonic
from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.session import ConnectorState, Flexibility
from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.topology import ConnectorCapability, ConnectorType
from powerctl.core.units import ZERO_POWER, Current, Energy, Power, Voltage

_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
_VOLTAGE: Final = Voltage(1000.0)
_ROUNDS: Final = 4
"""Exchanges within one step: enough for the last connector to take what the first has released."""
_RULES: Final = Rules(demand=DemandRules(headroom_a=0.0, more_a=0.0), ramp_up_w_s=math.inf, calm_s=0.0, rise_step_w=0.0)
_KW: Final = 1000.0


@dataclass
class _Vehicle:
    """What was last seen and told."""

    connector: ConnectorId
    missing_wh: float = 0.0
    power_w: float = 0.0
    step: int = 0
    limit_w: float = 0.0
    paused: bool = False


class Allocator:
    """`allocate(obs)` as evbench calls it.

    Args:
        mode: `welfare`; `count`: most drivers fully served; `price`: when energy is cheap.
        earliness: The dial between price and robustness, per kilowatt hour and hour.
    """

    def __init__(self, mode: Literal["welfare", "count", "price"] = "welfare", earliness: float = 1e-4) -> None:
        self._mode = mode
        self._earliness = earliness

    def reset(self, scenario: Any) -> None:
        """Begin a scenario: nothing is known of its sessions."""
        self._step_s = scenario.dt_min * 60.0
        self._rating = Power.from_kw(scenario.p_max_kw)
        self._ids = {connector["id"]: ConnectorId(n + 1) for n, connector in enumerate(scenario.connectors)}
        self._names = {number: name for name, number in self._ids.items()}
        self._capabilities = tuple(_capability(self._ids[c["id"]], c["p_max_kw"]) for c in scenario.connectors)
        self._aims = Aims(
            "count" if self._mode == "count" else "welfare", self._mode == "price", self._earliness, self._step_s
        )
        self._visits = Visits()
        self._begin()

    def _begin(self) -> None:
        self._state = State(Conversion())
        self._vehicles: dict[str, _Vehicle] = {}
        self._visits = Visits(model=self._visits.model)
        self._sequence = 0
        self._step = -1

    def allocate(self, obs: Any) -> dict[str, float]:
        """Kilowatts per connector for this step."""
        if obs.now <= self._step:
            self._begin()
        self._step = obs.now
        now = Monotonic(1e6 + obs.now * self._step_s)
        utc = self._utc(obs.now)
        reports = self._reports(obs, utc)
        ledger = opened(Ledger(), self._capabilities, now)
        for report in reports.values():
            ledger = confirmed(ledger, report.connector, 0, report.committed.w)
        self._state = observe(self._state, StationReport(utc, None, None, tuple(reports.values())), _RULES, now)
        budget = self._budget(obs, utc)
        guidance = self._guidance(obs, utc, budget, reports)
        decisions = self._settled(budget, reports, ledger, guidance, now)
        self._remember(obs, decisions)
        return {e.connector: decisions[self._ids[e.connector]].limit.kw for e in obs.evs}

    def _utc(self, step: int) -> datetime:
        return _EPOCH + timedelta(seconds=step * self._step_s)

    def _reports(self, obs: Any, utc: datetime) -> dict[ConnectorId, ConnectorReport]:
        """One per connector, and what they teach."""
        present = {e.id for e in obs.evs}
        for name in [name for name in self._vehicles if name not in present]:
            gone = self._vehicles.pop(name)
            full = gone.missing_wh <= min(gone.limit_w, gone.power_w) * self._step_s / 3600.0 + 0.1
            # A vehicle that is full is no longer shown, so nobody sees it leave.
            self._visits = left(self._visits, gone.connector, self._utc(gone.step + 1), seen=not full)
        reports = {connector: _idle(connector) for connector in self._names}
        for e in obs.evs:
            connector = self._ids[e.connector]
            vehicle = self._vehicles.setdefault(e.id, _Vehicle(connector))
            vehicle.missing_wh = (e.energy_target_kwh - e.energy_kwh) * _KW
            vehicle.power_w, vehicle.step = e.p_ev_max_kw * _KW, obs.now
            report = self._report(e, connector, vehicle)
            reports[connector] = report
            rated_w = obs.connector_p_max[e.connector] * _KW
            self._visits = followed(self._visits, report, rated_w, utc, self._statement(e))
        return reports

    def _report(self, e: Any, connector: ConnectorId, vehicle: _Vehicle) -> ConnectorReport:
        last_w = vehicle.missing_wh / (self._step_s / 3600.0)
        least_w = min(e.p_min_kw * _KW, last_w)
        most_w = max(least_w, min(vehicle.power_w, last_w))
        return replace(
            _idle(connector),
            state=ConnectorState.PAUSED if vehicle.paused else ConnectorState.CHARGING,
            session=SessionId(e.id),
            committed=Power(vehicle.limit_w),
            current=Power(e.p_prev_kw * _KW).at(_VOLTAGE),
            target=Power(vehicle.power_w),
            min_power=Power(least_w),
            max_power=Power(most_w),
            soc_percent=100.0 * e.soc,
            capacity=Energy(e.capacity_kwh * _KW),
            session_energy=Energy(e.energy_kwh * _KW),
            plug_in_time=self._utc(e.arrival),
        )

    def _statement(self, e: Any) -> Statement:
        departure = self._utc(e.est_departure) if e.stated else None
        return Statement(e.energy_target_kwh * _KW, departure)

    def _budget(self, obs: Any, utc: datetime) -> Budget:
        cap = Power.from_kw(max(0.0, float(obs.limit_kw[0])))
        changes = np.flatnonzero(obs.limit_kw != obs.limit_kw[0])
        until = utc + timedelta(seconds=int(changes[0]) * self._step_s) if len(changes) else None
        limit = Limit(LimitSource.DSO, cap, "The grid operator limits the station.", until)
        return Budget(cap, LimitSource.DSO, limit.detail, until, sources=(limit,))

    def _guidance(
        self, obs: Any, utc: datetime, budget: Budget, reports: Mapping[ConnectorId, ConnectorReport]
    ) -> Guidance:
        question = Question(
            budget,
            self._rating,
            self._state.conversion,
            reports.values(),
            utc,
            outlook=self._outlook(obs),
            visits=self._visits,
            statements={self._ids[e.connector]: self._statement(e) for e in obs.evs},
            limits_w={vehicle.connector: vehicle.limit_w for vehicle in self._vehicles.values()},
            aims=self._aims,
        )
        problem = problem_of(question)
        return Guidance() if problem is None else guidance_of(answer(problem, 5.0), problem, 0.0)

    def _outlook(self, obs: Any) -> list[tuple[float, Ahead]]:
        priced = self._mode == "price"
        prices = obs.price if priced else np.zeros(len(obs.limit_kw))
        count = min(len(prices), len(obs.limit_kw))
        caps = np.maximum(0.0, obs.limit_kw[:count])
        changed = np.flatnonzero((np.diff(caps) != 0) | (np.diff(prices[:count]) != 0)) + 1
        return [
            (float(n * self._step_s), Ahead(Power.from_kw(float(caps[n])), float(prices[n]) if priced else None))
            for n in (0, *changed)
        ]

    def _settled(
        self,
        budget: Budget,
        reports: dict[ConnectorId, ConnectorReport],
        ledger: Ledger,
        guidance: Guidance,
        now: Monotonic,
    ) -> dict[ConnectorId, Decision]:
        """Decisions once every connector has confirmed what it was told."""
        decisions: dict[ConnectorId, Decision] = {}
        for _ in range(_ROUNDS):
            snapshot = Snapshot(
                budget,
                self._rating,
                self._capabilities,
                reports,
                ledger,
                guidance.weights,
                paces=guidance.paces,
                waits=guidance.waits,
            )
            outcome = decide(self._state, snapshot, _RULES, now)
            self._state = outcome.state
            settled = decisions and all(decisions[d.connector].limit == d.limit for d in outcome.decisions)
            decisions = {decision.connector: decision for decision in outcome.decisions}
            if settled:
                break
            self._sequence += 1
            for decision in outcome.decisions:
                ledger = granted(ledger, decision.connector, self._sequence, decision.limit.w, 0.0)
                ledger = confirmed(ledger, decision.connector, self._sequence, decision.limit.w)
        return decisions

    def _remember(self, obs: Any, decisions: Mapping[ConnectorId, Decision]) -> None:
        for e in obs.evs:
            decision = decisions[self._ids[e.connector]]
            vehicle = self._vehicles[e.id]
            vehicle.limit_w = decision.limit.w
            vehicle.paused = decision.command is Command.PAUSE


def _capability(connector: ConnectorId, max_kw: float) -> ConnectorCapability:
    return ConnectorCapability(
        connector=connector,
        type=ConnectorType.CHADEMO,
        max_power=Power.from_kw(max_kw),
        max_current=Power.from_kw(max_kw).at(_VOLTAGE),
        max_voltage=_VOLTAGE,
        min_power=ZERO_POWER,
        fallback=ZERO_POWER,
    )


def _idle(connector: ConnectorId) -> ConnectorReport:
    return ConnectorReport(
        connector=connector,
        state=ConnectorState.AVAILABLE,
        session=None,
        applied_sequence=0,
        committed=ZERO_POWER,
        voltage=_VOLTAGE,
        current=Current(0.0),
        target=ZERO_POWER,
        min_power=ZERO_POWER,
        max_power=ZERO_POWER,
        flexibility=Flexibility.FAST,
        slope_a_s=100.0,
        soc_percent=None,
        capacity=None,
        energy=Energy(0.0),
        session_energy=Energy(0.0),
        plug_in_time=None,
    )
