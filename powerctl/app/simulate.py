"""Days of a station in seconds: the production decision against vehicles that are played, not real.

Vehicles follow at once and to the watt, so what shows is the decision alone; how vehicles and modules follow is what
the demo and the scenario tests are for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from powerctl.allocation.allocator import Decision, Snapshot, State, decide, observe, resumed
from powerctl.allocation.budget import Budget
from powerctl.allocation.ledger import Ledger, confirmed, granted, opened
from powerctl.allocation.plan_guidance import Guidance, guidance_of
from powerctl.allocation.plan_outlook import Ahead
from powerctl.allocation.plan_problem import Plan, PlanProblem
from powerctl.allocation.plan_question import Question, problem_of
from powerctl.allocation.plan_site import Place
from powerctl.allocation.visits import Statement, Visits, followed
from powerctl.app.simulate_model import Planner, Run, Sample, Session, Signal, Site, Vehicle
from powerctl.core.clock import Monotonic
from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.session import ConnectorState, Flexibility
from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.topology import ConnectorCapability
from powerctl.core.units import ZERO_POWER, Current, Energy, Power, Voltage

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_VOLTAGE: Final = Voltage(400.0)
_TOLERANCE_W: Final = 1.0
_FULL_WH: Final = 1.0


def simulate(
    site: Site,
    sessions: Iterable[Session],
    signals: Iterable[Signal] = (),
    *,
    step_s: float = 10.0,
    planner: Planner | None = None,
    until_s: float | None = None,
    told: Callable[[float], None] | None = None,
) -> Run:
    """Play the sessions under the signals.

    Args:
        site: The station.
        sessions: In any order. One that comes while its connector is taken finds it taken and leaves.
        signals: In any order.
        step_s: Seconds between two decisions.
        planner: None: power is divided without a plan.
        until_s: None: until the last vehicle has left.
        told: Called with the part that is done, 0 to 1.
    """
    world = _World(site, sorted(sessions, key=lambda s: s.arrival_s), sorted(signals, key=lambda s: s.at_s), planner)
    end_s = until_s if until_s is not None else max((s.departure_s for s in world.sessions), default=0.0)
    at_s = 0.0
    while at_s < end_s:
        world.step(at_s, step_s)
        at_s += step_s
        if told is not None:
            told(min(1.0, at_s / end_s))
        if not world.present and world.next_arrival_s > at_s + step_s:
            at_s = max(at_s, step_s * int(min(world.next_arrival_s, end_s) / step_s))
    return world.run


class _World:
    """The state of one simulation."""

    def __init__(
        self, site: Site, sessions: Sequence[Session], signals: Sequence[Signal], planner: Planner | None
    ) -> None:
        self.sessions, self.run, self.present = sessions, Run(), dict[ConnectorId, Vehicle]()
        self._site, self._signals, self._planner = site, signals, planner
        self._state = State(site.conversion)
        self._visits = Visits()
        self._ledger = Ledger()
        self._plan: tuple[Plan, PlanProblem, float] | None = None
        self._planned_for: tuple[str, ...] = ()
        self._sequence = self._came = 0
        self._begun = False

    @property
    def next_arrival_s(self) -> float:
        """When the next vehicle comes; infinite after the last."""
        return self.sessions[self._came].arrival_s if self._came < len(self.sessions) else float("inf")

    def step(self, at_s: float, step_s: float) -> None:
        """Decide once, and let the vehicles take what they may."""
        self._come_and_go(at_s)
        now, utc = Monotonic(1e6 + at_s), START + timedelta(seconds=at_s)
        signal = self._in_force(at_s)
        reports = {c.connector: self._report(c, utc, signal) for c in self._site.capabilities}
        self._learn(reports, utc, now)
        budget = self._budget(signal, at_s)
        guidance = self._guidance(budget, reports, at_s, utc)
        snapshot = Snapshot(
            budget,
            Power(self._site.rating_w),
            self._site.capabilities,
            reports,
            self._ledger,
            guidance.weights,
            paces=guidance.paces,
            waits=guidance.waits,
        )
        outcome = decide(self._state, snapshot, self._site.rules, now)
        self._state = outcome.state
        self._sequence += 1
        for decision in outcome.decisions:
            self._ledger = granted(self._ledger, decision.connector, self._sequence, decision.limit.w, 0.0)
        self._charge(outcome.decisions, reports, signal, at_s, step_s)

    def _come_and_go(self, at_s: float) -> None:
        gone = [c for c, vehicle in self.present.items() if vehicle.session.departure_s <= at_s]
        for connector in gone:
            del self.present[connector]
        while self.next_arrival_s <= at_s:
            session = self.sessions[self._came]
            self._came += 1
            connector = ConnectorId(session.connector)
            if connector not in self.present and session.departure_s > at_s:
                self.present[connector] = Vehicle(session)
                self.run.vehicles.append(self.present[connector])

    def _in_force(self, at_s: float) -> Signal:
        """The newest value of each kind."""
        merged = Signal(0.0)
        for signal in self._signals:
            if signal.at_s <= at_s:
                merged = replace(signal, price=signal.price if signal.price is not None else merged.price)
        return merged

    def _learn(self, reports: dict[ConnectorId, ConnectorReport], utc: datetime, now: Monotonic) -> None:
        if not self._begun:
            self._ledger = opened(self._ledger, self._site.capabilities, now)
        for capability in self._site.capabilities:
            report = reports[capability.connector]
            self._ledger = confirmed(self._ledger, report.connector, self._sequence, report.committed.w)
            vehicle = self.present.get(capability.connector)
            said = self._statement(vehicle)
            self._visits = followed(self._visits, report, capability.max_power.w, utc, said)
        if not self._begun:
            self._begun = True
            self._state = resumed(self._state, self._site.rating_w, now)
        ac = self._site.conversion.station_w(vehicle.power_w for vehicle in self.present.values())
        self._state = observe(
            self._state, StationReport(utc, Power(ac), None, tuple(reports.values())), self._site.rules, now
        )

    @staticmethod
    def _statement(vehicle: Vehicle | None) -> Statement | None:
        if vehicle is None:
            return None
        stated_s = vehicle.session.stated_s
        departure = START + timedelta(seconds=stated_s) if stated_s is not None else None
        return Statement(vehicle.session.need_wh, departure)

    def _report(self, capability: ConnectorCapability, utc: datetime, signal: Signal) -> ConnectorReport:
        vehicle = self.present.get(capability.connector)
        idle = _idle(capability.connector)
        if vehicle is None:
            return idle
        share_w = capability.max_power.w if signal.modules_w is None else signal.modules_w / 2.0
        least_w = max(vehicle.session.min_w, capability.min_power.w)
        most_w = max(least_w, min(capability.max_power.w, share_w, vehicle.able_w()))
        target_w = min(vehicle.able_w(), vehicle.limit_w) if vehicle.limit_w > 0.0 else vehicle.able_w()
        return replace(
            idle,
            state=_state_of(vehicle),
            session=SessionId(vehicle.session.name),
            applied_sequence=self._sequence,
            committed=Power(vehicle.limit_w),
            current=Power(vehicle.power_w).at(_VOLTAGE),
            target=Power(target_w),
            min_power=Power(vehicle.session.min_w),
            max_power=Power(most_w),
            flexibility=Flexibility.FIRM if vehicle.session.firm else Flexibility.FAST,
            soc_percent=100.0 * vehicle.soc,
            capacity=Energy(vehicle.session.capacity_wh),
            session_energy=Energy(vehicle.taken_wh),
            plug_in_time=START + timedelta(seconds=vehicle.session.arrival_s),
            wants_more=vehicle.able_w() > vehicle.limit_w + _TOLERANCE_W,
        )

    def _budget(self, signal: Signal, at_s: float) -> Budget:
        if signal.cap_w is None:
            return Budget(Power(self._site.rating_w), LimitSource.HARDWARE, "The grid connection carries no more.")
        end_s = min(
            (s.at_s for s in self._signals if s.at_s > at_s and (s.announced_s or s.at_s) <= at_s), default=None
        )
        until = START + timedelta(seconds=end_s) if end_s is not None else None
        cap = Power(signal.cap_w)
        limit = Limit(LimitSource.DSO, cap, f"The grid operator limits the station to {cap}.", until)
        return Budget(cap, limit.source, limit.detail, until, sources=(limit,))

    def _guidance(
        self, budget: Budget, reports: dict[ConnectorId, ConnectorReport], at_s: float, utc: datetime
    ) -> Guidance:
        if self._planner is None:
            return Guidance()
        sessions = tuple(sorted(vehicle.session.name for vehicle in self.present.values()))
        due = self._plan is None or at_s - self._plan[2] >= self._site.aims.interval_s
        if due or sessions != self._planned_for:
            self._planned_for = sessions
            self._plan = self._planned(self._planner, budget, reports, at_s, utc)
        if self._plan is None:
            return Guidance()
        plan, problem, asked_s = self._plan
        return guidance_of(plan, problem, at_s - asked_s)

    def _planned(
        self,
        planner: Planner,
        budget: Budget,
        reports: dict[ConnectorId, ConnectorReport],
        at_s: float,
        utc: datetime,
    ) -> tuple[Plan, PlanProblem, float] | None:
        ramp = self._state.ramp
        question = Question(
            budget,
            Power(self._site.rating_w),
            self._state.conversion,
            reports.values(),
            utc,
            outlook=self._outlook(at_s),
            visits=self._visits,
            statements={c: said for c, v in self.present.items() if (said := self._statement(v)) is not None},
            limits_w={c: vehicle.limit_w for c, vehicle in self.present.items()},
            aims=self._site.aims,
            place=Place(self._site.rules.tree, self._site.rules.ramp_up_w_s, ramp.cap_w if ramp else None),
        )
        problem = problem_of(question)
        if problem is None:
            return None
        self.run.plans += 1
        plan = planner(problem)
        self.run.rejected += plan is None
        return None if plan is None else (plan, problem, at_s)

    def _outlook(self, at_s: float) -> list[tuple[float, Ahead]]:
        known = [
            s
            for s in self._signals
            if s.at_s <= at_s or (s.announced_s if s.announced_s is not None else s.at_s) <= at_s
        ]
        now = self._in_force(at_s)
        outlook = [(0.0, _ahead(now))]
        price = now.price
        for signal in known:
            if signal.at_s > at_s:
                price = signal.price if signal.price is not None else price
                outlook.append((signal.at_s - at_s, _ahead(replace(signal, price=price))))
        return outlook

    def _charge(
        self,
        decisions: Sequence[Decision],
        reports: dict[ConnectorId, ConnectorReport],
        signal: Signal,
        at_s: float,
        step_s: float,
    ) -> None:
        for decision in decisions:
            vehicle = self.present.get(decision.connector)
            if vehicle is not None:
                self._charge_one(vehicle, decision, reports[decision.connector], signal, step_s)
        powers = {int(c): vehicle.power_w for c, vehicle in self.present.items()}
        ac_w = self._site.conversion.station_w(powers.values())
        cap_w = min(self._site.rating_w, signal.cap_w if signal.cap_w is not None else self._site.rating_w)
        limits = {int(decision.connector): decision.limit.w for decision in decisions}
        self.run.samples.append(Sample(at_s, cap_w, ac_w, limits, powers))
        allowed_w = max(cap_w, self._site.conversion.auxiliary_w) + _TOLERANCE_W
        if ac_w > allowed_w:
            self.run.violations.append(f"{ac_w:.0f} W under a cap of {cap_w:.0f} W at {at_s:.0f} s")
        for bound in self._site.rules.tree.bounds:
            flow_w = sum(part * self._site.conversion.ac_w(powers.get(c, 0.0)) for c, part in bound.parts.items())
            if flow_w > bound.capacity_w + _TOLERANCE_W:
                self.run.violations.append(f"{bound.sentence}, and {flow_w:.0f} W flow at {at_s:.0f} s")
        for connector, watts in limits.items():
            if watts > reports[ConnectorId(connector)].max_power.w + _TOLERANCE_W and watts > 0.0:
                self.run.violations.append(f"connector {connector}: {watts:.0f} W above its bound at {at_s:.0f} s")

    def _charge_one(
        self, vehicle: Vehicle, decision: Decision, report: ConnectorReport, signal: Signal, step_s: float
    ) -> None:
        limit_w = decision.limit.w
        self.run.dead_zone += 0.0 < limit_w < vehicle.session.min_w - _TOLERANCE_W
        trend = (limit_w > vehicle.limit_w + _TOLERANCE_W) - (limit_w < vehicle.limit_w - _TOLERANCE_W)
        vehicle.reversals += bool(trend) and trend == -vehicle.trend
        vehicle.trend = trend or vehicle.trend
        vehicle.limit_w = limit_w
        vehicle.paused = decision.command is Command.PAUSE
        vehicle.stopped = vehicle.stopped or decision.command is Command.STOP
        hours = step_s / 3600.0
        power_w = min(limit_w, vehicle.able_w(), report.max_power.w) if limit_w >= vehicle.session.min_w - 1.0 else 0.0
        power_w = min(power_w, vehicle.missing_wh / hours)
        vehicle.starts += power_w > 0.0 and vehicle.power_w <= 0.0
        vehicle.power_w = power_w
        vehicle.taken_wh += power_w * hours
        vehicle.cost += power_w * hours / 1000.0 * (signal.price or 0.0)
        self._wait(vehicle, signal, step_s)
        source = decision.reasons[0].source.value if decision.reasons else "none"
        vehicle.reasons[source] = vehicle.reasons.get(source, 0.0) + step_s

    def _wait(self, vehicle: Vehicle, signal: Signal, step_s: float) -> None:
        """Starvation: no power for one that wants it, while there would be enough for one vehicle."""
        cap_w = self._site.rating_w if signal.cap_w is None else signal.cap_w
        enough = cap_w - self._site.conversion.auxiliary_w >= vehicle.session.min_w * 1.2
        starves = vehicle.power_w <= 0.0 and vehicle.missing_wh > _FULL_WH and enough and not vehicle.stopped
        vehicle.waiting_s = vehicle.waiting_s + step_s if starves else 0.0
        vehicle.longest_wait_s = max(vehicle.longest_wait_s, vehicle.waiting_s)


def _ahead(signal: Signal) -> Ahead:
    return Ahead(None if signal.cap_w is None else Power(signal.cap_w), signal.price)


def _state_of(vehicle: Vehicle) -> ConnectorState:
    if vehicle.stopped or vehicle.missing_wh <= _FULL_WH:
        return ConnectorState.FINISHED
    return ConnectorState.PAUSED if vehicle.paused else ConnectorState.CHARGING


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


def changes(run: Run) -> int:
    """How often a limit moved."""
    return sum(
        abs(after.limits_w.get(connector, 0.0) - before.limits_w.get(connector, 0.0)) > _TOLERANCE_W
        for before, after in pairwise(run.samples)
        for connector in after.limits_w
    )
