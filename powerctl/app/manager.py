"""The energy manager. Grid signals in, leases out.

One object owns the state of the fast path; grid signals, the controller's stream and the clock call it in the loop,
and every call ends with decisions queued on the stream, in the same turn.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn

from powerctl.allocation.allocator import Decision, Snapshot, State, decide, observe, resumed
from powerctl.allocation.budget import Budget
from powerctl.allocation.flexibility import Flex, at_grid, is_news
from powerctl.allocation.ledger import Ledger, closed, confirmed, granted, opened
from powerctl.allocation.plan_outlook import Ahead, outlook_of
from powerctl.allocation.plan_problem import PlanProblem
from powerctl.allocation.plan_question import Question, problem_of
from powerctl.allocation.plan_shortfall import shortfalls
from powerctl.app.budgets import budget_of
from powerctl.app.compliance import Compliance
from powerctl.app.evidence import Evidence, folder_of
from powerctl.app.explanation import Told, document, flexibility_of, spans
from powerctl.app.manager_settings import ManagerSettings
from powerctl.app.orders import Orders
from powerctl.app.planning import Planning
from powerctl.app.prices import hourly
from powerctl.app.site_memory import SiteMemory
from powerctl.core.clock import Clock, Monotonic
from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId, StationId
from powerctl.core.order import StationCommand
from powerctl.core.record import CommandResult, Record, StationLimits
from powerctl.core.setpoint import Command, LimitSource, Setpoint
from powerctl.core.topology import ConnectorCapability
from powerctl.core.units import Power
from powerctl.dispatch.leases import LeaseBook, forgotten, issue
from powerctl.dispatch.server import DispatchServer
from powerctl.runtime import log, metrics
from powerctl.runtime.health import Health
from powerctl.runtime.station import StationSettings
from powerctl.signals.arbitration import GridState
from powerctl.signals.commission import Identity
from powerctl.signals.service import GridSignals
from powerctl.signals.sources.assembly import Running
from powerctl.wire.dispatch import Hello

_REMIND_S: Final = 30.0
"""How often records that nobody confirmed are sent again, and the flexibility is told anew."""
_FLEXIBILITY_S: Final = 5.0
"""How often it is told anew at most, so that nothing but limits counts while power comes down."""

_log = log.get(__name__)


class EnergyManager:
    """The fast path's owner. Every method is called in the loop and never waits."""

    def __init__(
        self,
        station: StationSettings,
        settings: ManagerSettings,
        clock: Clock,
        health: Health,
        config: Path | None = None,
    ) -> None:
        self._clock = clock
        self._health = health
        self._station, self._config = station, config
        self._rating = Power(station.rating_w)
        self._rules = settings.allocation.rules()
        self._state = State(settings.allocation.conversion())
        self._budget: Budget | None = None
        self._eager = False
        """True: the frequency asks for what the cap allows, now."""
        self._capabilities: tuple[ConnectorCapability, ...] = ()
        self._reports: dict[ConnectorId, ConnectorReport] = {}
        self._decisions: tuple[Decision, ...] = ()
        self._report: StationReport | None = None
        self._resuming = False
        """True: the controller has connected and not reported yet."""
        self._ledger = Ledger()
        self._book = LeaseBook(int(clock.utc().timestamp() * 1000))
        self._told: dict[ConnectorId, tuple[Command, LimitSource]] = {}
        self._wake = asyncio.Event()
        self._next_at: Monotonic | None = None
        state_dir = station.state_dir / "manager"
        self.evidence = Evidence(
            folder_of(station.state_dir), settings.evidence, clock, lambda ok, why: health.set("evidence", ok, why)
        )
        self._compliance = Compliance(self.evidence, clock, self._send_record)
        self.signals = GridSignals(
            settings.grid,
            clock=clock,
            rating=self._rating,
            state_dir=state_dir,
            on_change=self.grid_changed,
            on_event=self._compliance.record,
            reset_alarms=self._reset_alarms,
            identity=Identity(station.id),
        )
        self.orders = Orders(state_dir / "orders.json", self.signals, clock, self._rating)
        self.sources = Running(settings.grid, self.signals, clock, self._rating)
        connectors = [ConnectorId(connector.id) for connector in station.connectors]
        self.server = DispatchServer(settings.dispatch, StationId(station.id), connectors, self)
        self._aims = settings.plan.aims()
        self._told_flex: Flex | None = None
        self._told_at = clock.monotonic()
        self._site = SiteMemory(state_dir / "stays.json", self._aims.site)
        self.planning = Planning(settings.plan, clock, self._question, self._tell_limits, state_dir / "rejected-plans")
        health.set("controller", True, "not connected yet")

    def grid_changed(self, state: GridState) -> None:
        """Apply a new state of the grid: setpoints are queued when this returns."""
        self._budget, self._eager = budget_of(state), state.eager
        self._compliance.ordered(self._budget, self._clock.monotonic())
        self._decide()
        self._tell_limits()

    def connected(self, hello: Hello) -> None:
        """A controller's stream is open."""
        self._capabilities = hello.connectors
        self._reports = {}
        self._resuming = True
        self._book = forgotten(self._book)
        self._ledger = opened(self._ledger, hello.connectors, self._clock.monotonic())
        self._health.set("controller", True)
        self._tell_limits()

    def disconnected(self) -> None:
        """The controller's stream has ended: its leases will."""
        connectors = [capability.connector for capability in self._capabilities]
        self._ledger = closed(self._ledger, connectors, self._clock.monotonic())
        self._reports, self._report = {}, None
        self._health.set("controller", False, "the charging controller is not connected")

    def reported(self, report: StationReport) -> None:
        """Take a report, and decide anew.

        Raises:
            RemoteError: It is about a connector that the controller did not greet with.
        """
        known = {capability.connector for capability in self._capabilities}
        unknown = sorted({connector.connector for connector in report.connectors} - known)
        if unknown:
            raise RemoteError(f"connector {unknown[0]} was not in the greeting")
        now = self._clock.monotonic()
        for connector in report.connectors:
            self._reports[connector.connector] = connector
            self._ledger = confirmed(
                self._ledger, connector.connector, connector.applied_sequence, connector.committed.w
            )
        if self._resuming:
            self._resuming = False
            self._state = resumed(self._state, self._ledger.committed_w(self._state.conversion, now), now)
        self._state = observe(self._state, report, self._rules, now)
        self._report = report
        self._site.follow(report, self._capabilities, self._clock.utc())
        self._decide()
        self._measure(report.ac_power, now)
        self._tell_flexibility()
        self.signals.update_measurement(
            report, granted=self._limits_granted(), departures=self.planning.departures(now)
        )

    def commanded(self, command: StationCommand) -> CommandResult:
        """Carry out what the back end orders, and decide anew."""
        result = self.orders.obey(command, self._capabilities, self._budget, self._state.conversion)
        self.planning.replan()
        self._decide()
        return result

    async def run(self) -> NoReturn:
        """Renew leases and follow ramps. Eternal."""
        reminded_at = self._clock.monotonic()
        while True:
            now = self._clock.monotonic()
            if self._next_at is not None and now >= self._next_at:
                self._decide()
            if now - reminded_at >= _REMIND_S:
                reminded_at = now
                self.server.remind()
                self._tell_limits()
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s()):
                    await self._wake.wait()

    def _pause_s(self) -> float:
        if self._next_at is None:
            return _REMIND_S
        return min(_REMIND_S, max(0.001, self._next_at - self._clock.monotonic()))

    def _decide(self) -> None:
        """Decide, and queue what is new or due."""
        if self._budget is None or not self._reports:
            return
        now = self._clock.monotonic()
        started = time.perf_counter()
        guidance = self.planning.guidance(self._reports, now)
        if self._eager:
            guidance = replace(guidance, paces={})
        snapshot = Snapshot(
            self._budget,
            self._rating,
            self._capabilities,
            self._reports,
            self._ledger,
            guidance.weights,
            self.signals.connector_caps,
            self.signals.connector_priorities,
            guidance.paces,
            self.orders.promised(),
            frozenset() if self._eager else guidance.waits,
            () if self._report is None else self._report.possible_splits,
        )
        outcome = decide(self._state, snapshot, self._rules, now)
        self._state = outcome.state
        self._decisions = outcome.decisions
        for decision in outcome.decisions:
            self._issue(decision, now)
        metrics.histogram("powerctl_decision_seconds").observe(time.perf_counter() - started)
        self._rearm(outcome.next_at)

    def _rearm(self, next_at: Monotonic | None) -> None:
        instants = [at for at in (next_at, self._book.renew_at) if at is not None]
        self._next_at = min(instants, default=None)
        self._wake.set()

    def _issue(self, decision: Decision, now: Monotonic) -> None:
        self._book, setpoint = issue(
            self._book,
            decision.connector,
            decision.command,
            decision.limit,
            settle_s=decision.settle_s,
            reasons=decision.reasons,
            now=now,
        )
        if setpoint is None:
            return
        self._ledger = granted(self._ledger, setpoint.connector, setpoint.sequence, setpoint.limit.w, setpoint.settle_s)
        self.server.send_setpoint(setpoint)
        self._tell(setpoint)

    def _tell(self, setpoint: Setpoint) -> None:
        """One line per change of what binds, and the metrics."""
        connector, binding = setpoint.connector, setpoint.reasons[0]
        metrics.counter("powerctl_dispatch_setpoints_total").labels(connector, setpoint.command.value).inc()
        metrics.gauge("powerctl_limit_watts").labels(connector).set(setpoint.limit.w)
        told = (setpoint.command, binding.source)
        if self._told.get(connector) != told:
            self._told[connector] = told
            _log.info(
                "connector_limit_source_changed",
                connector=connector,
                command=setpoint.command.value,
                source=binding.source.value,
                limit_w=round(setpoint.limit.w),
                detail=binding.detail,
            )

    def explained(self) -> bytes:
        """What the station does and why, as JSON; may be called from any thread."""
        budget, newest, now = self._budget, self.planning.newest, self._clock.monotonic()
        told = Told(
            self._station,
            at=self._clock.utc(),
            rating=self._rating,
            budget=budget,
            decisions=self._decisions,
            reports=tuple(self._reports.values()),
            measured=None if self._report is None else self._report.ac_power,
            committed_w=self._ledger.committed_w(self._state.conversion, now),
            controller=self.server.connected,
            health=self._health.as_json(),
            plan=self.planning.status,
            config=self._config,
            plan_age_s=None if newest is None else now - newest[2],
            shortfalls=() if newest is None else shortfalls(newest[1], newest[0]),
            stays=self._site.visits.model,
            flexibility=() if budget is None else self._flexibility(budget),
        )
        return json.dumps(document(told)).encode() + b"\n"

    def _measure(self, power: Power | None, now: Monotonic) -> None:
        """Watch the measured power meet the cap."""
        metrics.gauge("powerctl_committed_watts").set(self._ledger.committed_w(self._state.conversion, now))
        metrics.gauge("powerctl_efficiency_factor").set(self._state.conversion.factor)
        if power is not None:
            self._compliance.measured(power, now)

    def _tell_limits(self) -> None:
        """Queue the station's limits, its plan and its flexibility for the controller and the cloud."""
        budget = self._budget
        if budget is not None:
            self._told_at = self._clock.monotonic()
            self._told_flex = at_grid(self._reports.values(), self._state.conversion, budget.cap.w)
            flexibility, plan = spans(self._flexibility(budget), self._told_flex), self.planning.status
            told = (budget.cap, budget.source, budget.detail, budget.until, budget.sources, plan, flexibility)
            prices = hourly(self.signals.foreseen, self._clock.utc())
            self.server.send_limits(StationLimits(*told, *prices))
            self.signals.update_forecast(flexibility)

    def _tell_flexibility(self) -> None:
        """Tell the limits again when much more or less can be shed or taken up than was told a while ago."""
        if self._budget is None or self._clock.monotonic() - self._told_at < _FLEXIBILITY_S:
            return
        now = at_grid(self._reports.values(), self._state.conversion, self._budget.cap.w)
        if self._told_flex is None or is_news(self._told_flex, now):
            self._tell_limits()

    def _flexibility(self, budget: Budget) -> tuple[Flex, ...]:
        """Now, and hour by hour as far as there is a plan."""
        conversion = self._state.conversion
        usable_w = conversion.dc_w(conversion.usable_w(budget.cap.w))
        return flexibility_of(tuple(self._reports.values()), usable_w, self.planning.newest)

    def _send_record(self, record: Record) -> None:
        self.server.send_record(record)

    def _limits_granted(self) -> dict[ConnectorId, Power]:
        return {connector: issued.setpoint.limit for connector, issued in self._book.issued.items()}

    def _reset_alarms(self) -> bool:
        return self.server.send_alarm_reset()

    def _question(self) -> PlanProblem | None:
        if self._budget is None:
            return None
        utc = self._clock.utc()
        question = Question(
            self._budget,
            self._rating,
            self._state.conversion,
            self._reports.values(),
            utc,
            outlook=outlook_of(self._ahead, utc),
            visits=self._site.visits,
            limits_w={connector: power.w for connector, power in self._limits_granted().items()},
            aims=self._aims,
            promises=self.orders.promises.all.values(),
            place=self._site.place(self._rules, self._state.ramp),
        )
        return problem_of(question)

    def _ahead(self, utc: datetime) -> Ahead:
        foreseen = self.signals.foreseen(utc)
        return Ahead(foreseen.cap, None if foreseen.price is None else float(foreseen.price))
