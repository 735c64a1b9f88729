"""The fast path: hard limits, caps, minimum powers, shares, ramps, handover, reasons. Pure, and without a solver.

`observe` takes what a report teaches; `decide` answers a snapshot with one decision per connector. Neither delays a
decrease, and no decision raises what the station can draw above the cap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from powerctl.allocation import demand as wishes
from powerctl.allocation.demand import Demand
from powerctl.allocation.efficiency import corrected
from powerctl.allocation.explain import Layer, Rated, full_bounds, reasons
from powerctl.allocation.ledger import Room
from powerctl.allocation.promises import Promise
from powerctl.allocation.ramp import Ramp, followed
from powerctl.allocation.shares import Division, Fairness, Share
from powerctl.allocation.situation import Decision, Memory, Outcome, Rules, Snapshot, State
from powerctl.allocation.stepped import stepped
from powerctl.core.clock import Monotonic, after
from powerctl.core.demand import StationReport
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.session import ConnectorState, Flexibility
from powerctl.core.setpoint import RENEW_SECONDS, Command, Limit, LimitSource, binding
from powerctl.core.topology import ConnectorCapability
from powerctl.core.units import ZERO_POWER, Power

__all__ = ["Decision", "Memory", "Outcome", "Rules", "Snapshot", "State", "decide", "observe", "resumed"]

_RAMP_STEP_S: Final = 0.25
RESERVED: Final = -1
"""Priority of a session that has reserved; 0 is everybody's, and an operator may set a lower one."""
_LEAST_WEIGHT: Final = 0.01
"""A weight shapes a share; it never takes one away."""


def observe(state: State, report: StationReport, rules: Rules, now: Monotonic) -> State:
    """`state` after one report: wishes learnt, and the efficiency moved towards the meter."""
    connectors = dict(state.connectors)
    for connector in report.connectors:
        memory = state.memory(connector.connector)
        appetite = wishes.observed(memory.appetite, connector, rules.demand, now)
        connectors[connector.connector] = replace(memory, appetite=appetite)
    conversion = state.conversion
    if report.ac_power is not None and state.observed_at is not None:
        outputs = [max(0.0, connector.power.w) for connector in report.connectors]
        conversion = corrected(conversion, report.ac_power.w, outputs, now - state.observed_at)
    return replace(state, connectors=connectors, conversion=conversion, observed_at=now)


def resumed(state: State, committed_w: float, now: Monotonic) -> State:
    """`state` when a controller has (re)connected: whatever it may draw now is where an increase ramps from.

    Args:
        state: Before.
        committed_w: What the station can draw, watts AC at the grid connection.
        now: The instant.
    """
    return replace(state, ramp=Ramp(max(0.0, committed_w), now))


def decide(state: State, snapshot: Snapshot, rules: Rules, now: Monotonic) -> Outcome:
    """One decision per connector that has reported.

    Holds for every outcome:
    * A limit is zero unless the command is RUN or HOLD_MIN.
    * A limit that is higher than what the connector can draw already fits under the cap together with everything
      that all other connectors can still draw.
    * The result does not depend on the order of the connectors in the snapshot.
    """
    budget = snapshot.budget
    cap_w = min(max(budget.cap.w, 0.0), snapshot.rating.w) if budget.command is Command.RUN else 0.0
    rate_w_s = min(rules.ramp_up_w_s, budget.ramp_up_w_s)
    ramp = followed(state.ramp, cap_w, rate_w_s, now, calm_s=rules.calm_s)
    state = replace(state, ramp=ramp)
    if budget.command is Command.EMERGENCY:
        return _emergency(state, snapshot, rules, now)
    demands = _demands(state, snapshot, now)
    if rules.fairness is Fairness.WEIGHTED:
        demands = _yielding(demands, snapshot.waits)
    if demands and (rules.modules is not None or snapshot.splits):
        state, demands = stepped(state, demands, snapshot, rules, ramp.cap_w, now)
    pass_ = _Pass(state, snapshot, rules, now, ramp.cap_w, demands)
    decisions = pass_.decisions()
    return _outcome(state, snapshot, rules, now, decisions, ramping=ramp.cap_w < cap_w)


def _emergency(state: State, snapshot: Snapshot, rules: Rules, now: Monotonic) -> Outcome:
    budget = snapshot.budget
    why = (Limit(budget.source, ZERO_POWER, budget.detail, budget.until),)
    decisions = [
        Decision(capability.connector, Command.EMERGENCY, ZERO_POWER, 0.0, why) for capability in _reported(snapshot)
    ]
    return Outcome(_remembered(state, snapshot, rules, now, decisions), tuple(decisions), None)


def _reported(snapshot: Snapshot) -> list[ConnectorCapability]:
    known = [capability for capability in snapshot.capabilities if capability.connector in snapshot.reports]
    return sorted(known, key=lambda capability: capability.connector)


def _demands(state: State, snapshot: Snapshot, now: Monotonic) -> dict[ConnectorId, Demand]:
    demands = {}
    for capability in _reported(snapshot):
        memory = state.memory(capability.connector)
        report = snapshot.reports[capability.connector]
        priority = snapshot.priorities.get(capability.connector, 0)
        demand = wishes.demand_of(capability, report, memory.appetite, priority=priority)
        if demand is None or (memory.stopped is not None and memory.stopped == demand.session):
            continue
        demand = replace(
            demand,
            weight=max(_LEAST_WEIGHT, snapshot.weights.get(capability.connector, 1.0)),
            may_run=memory.resume_at is None or now >= memory.resume_at,
            turns=memory.turns,
        )
        demand = _promised(demand, snapshot.promises.get(capability.connector))
        demand = _paced(demand, snapshot.paces.get(capability.connector))
        demands[capability.connector] = _capped(demand, snapshot.caps.get(capability.connector))
    return demands


def _yielding(demands: dict[ConnectorId, Demand], waits: frozenset[ConnectorId]) -> dict[ConnectorId, Demand]:
    """`demands`, with those that wait for another that runs and stands no lower.

    A firm session cannot wait, one with a reservation need not.
    """
    running = [demand.priority for connector, demand in demands.items() if demand.may_run and connector not in waits]
    if not waits or not running:
        return demands
    return {
        connector: replace(demand, may_run=False, yields=True)
        if connector in waits and demand.can_wait and not demand.guaranteed_w and demand.priority >= min(running)
        else demand
        for connector, demand in demands.items()
    }


def _promised(demand: Demand, promise: Promise | None) -> Demand:
    """`demand` with what is reserved for it: it goes before those that have reserved nothing."""
    if promise is None:
        return demand
    priority = min(demand.priority, RESERVED)
    return replace(demand, priority=priority, guaranteed_w=promise.power_w, guaranteed_until=promise.end_time)


def _paced(demand: Demand, pace_w: float | None) -> Demand:
    """`demand` at the plan's pace. A firm session cannot wait: it goes on with its minimum. A reserved one need not."""
    if pace_w is None or max(pace_w, demand.guaranteed_w) >= demand.want_w:
        return demand
    pace_w = max(pace_w, demand.guaranteed_w)
    if pace_w <= 0.0 and demand.flexibility is not Flexibility.FIRM:
        return replace(demand, may_run=False, paced=True)
    return replace(demand, want_w=max(demand.min_w, pace_w), paced=True)


def _capped(demand: Demand, cap: Limit | None) -> Demand:
    """`demand` under the cap of its own connector; below its minimum power it may not run."""
    if cap is None:
        return demand
    if cap.limit.w < demand.min_w:
        return replace(demand, may_run=False)
    return replace(demand, want_w=min(demand.want_w, cap.limit.w))


@dataclass(frozen=True, slots=True)
class _Given:
    """What one connector is given, watts DC."""

    command: Command
    limit_w: float
    allowed_w: float
    """What it could have: a small rise may wait for the next renewal."""


class _Pass:
    """One decision: the snapshot and what was derived from it. Lives for one call of `decide`."""

    def __init__(
        self,
        state: State,
        snapshot: Snapshot,
        rules: Rules,
        now: Monotonic,
        effective_w: float,
        demands: Mapping[ConnectorId, Demand],
    ) -> None:
        self._state = state
        self._snapshot = snapshot
        self._rules = rules
        self._now = now
        self._demands = demands
        self._conversion = state.conversion
        self._division = Division(list(demands.values()), state.conversion, rules.fairness, rules.tree)
        self._effective_w = effective_w
        self._usable_w = self._conversion.usable_w(effective_w)
        committed_w = snapshot.ledger.committed_w(self._conversion, now)
        above = committed_w > max(0.0, snapshot.budget.cap.w)
        self._settle_s = snapshot.budget.settle_s if above else rules.handover_settle_s

    def decisions(self) -> list[Decision]:
        """One per connector that has reported. What one is granted counts against the next."""
        grants = self._grants()
        rated = self._rated()
        layers = self._layers() if self._demands else []
        return [
            self._active(capability, grants[capability.connector], rated, layers)
            if capability.connector in self._demands
            else self._inactive(capability.connector)
            for capability in _reported(self._snapshot)
        ]

    def _shares(self, cap_w: float) -> Mapping[ConnectorId, Share]:
        return self._division.under(self._conversion.usable_w(cap_w))

    def _rated(self) -> Rated:
        rules, conversion = self._rules, self._conversion
        usable_w = conversion.usable_w(self._snapshot.rating.w)
        planned = self._shares(self._snapshot.rating.w)
        reserved = {
            connector: Limit(LimitSource.SHARE, Power(demand.guaranteed_w), "", demand.guaranteed_until)
            for connector, demand in self._demands.items()
            if demand.guaranteed_w > 0.0
        }
        even = planned if self._division.is_even else self._division.under(usable_w, even=True)
        if not rules.tree:
            return Rated(planned, even, planned, reserved)
        free = self._division.under(usable_w, free=True)
        return Rated(planned, even, free, reserved, full_bounds(self._demands, planned, conversion, rules.tree))

    def _grants(self) -> dict[ConnectorId, _Given]:
        """The share of each connector, as far as it may be given now."""
        wanted = self._shares(self._effective_w)
        room = Room(self._snapshot.ledger, self._conversion, self._now, self._rules.tree)
        grants = {}
        for connector in sorted(wanted):
            share = wanted[connector]
            free_w = room.grantable_w(connector, share.limit_w, self._usable_w)
            command, allowed_w = self._deliverable(connector, share, free_w)
            limit_w = self._worth_it(connector, allowed_w, share.limit_w)
            grants[connector] = _Given(command, limit_w, allowed_w)
            room.promise(connector, limit_w)
        return grants

    def _worth_it(self, connector: ConnectorId, limit_w: float, share_w: float) -> float:
        """`limit_w`, or what was granted before where the rise is too small to be worth a message of its own."""
        memory = self._state.memory(connector)
        too_small = 0.0 < limit_w - memory.limit_w < self._rules.rise_step_w
        too_soon = memory.risen_at is not None and self._now < after(memory.risen_at, RENEW_SECONDS)
        if too_small and too_soon and memory.limit_w >= self._demands[connector].min_w:
            return min(memory.limit_w, share_w)
        return limit_w

    def _deliverable(self, connector: ConnectorId, share: Share, limit_w: float) -> tuple[Command, float]:
        """No part of a minimum power: whoever gets it begins, or comes back, with the whole."""
        min_w = self._demands[connector].min_w
        if share.command is Command.STOP or limit_w >= min_w:
            return share.command, limit_w
        if self._snapshot.reports[connector].state is ConnectorState.PAUSED:
            return Command.PAUSE, 0.0
        return share.command, 0.0 if share.limit_w >= min_w else limit_w

    def _layers(self) -> list[Layer]:
        budget = self._snapshot.budget
        named = {limit.source for limit in budget.sources}
        own = () if budget.source in named else (Limit(budget.source, budget.cap, budget.detail, budget.until),)
        layers = [
            self._layer(limit.source, limit.detail, limit.until, limit.limit.w)
            for limit in (*own, *budget.sources)
            if limit.limit < self._snapshot.rating
        ]
        if budget.command is Command.PAUSE:
            layers.insert(0, self._layer(budget.source, budget.detail, budget.until, 0.0))
        elif self._effective_w < min(budget.cap.w, self._snapshot.rating.w):
            layers.append(self._layer(LimitSource.RAMP, _RAMPS, None, self._effective_w))
        return layers

    def _layer(self, source: LimitSource, detail: str, until: datetime | None, cap_w: float) -> Layer:
        given = self._shares(cap_w)
        return Layer(source, detail, until, given, sum(share.limit_w > 0.0 for share in given.values()))

    def _active(
        self,
        capability: ConnectorCapability,
        given: _Given,
        rated: Rated,
        layers: Sequence[Layer],
    ) -> Decision:
        connector = capability.connector
        demand, report = self._demands[connector], self._snapshot.reports[connector]
        chain = reasons(capability, report, demand, rated, layers, given.allowed_w)
        if (cap := self._snapshot.caps.get(connector)) is not None:
            stops = cap.limit.w < demand.min_w
            others = [limit for limit in chain if not (stops and limit.source is LimitSource.RAMP)]
            chain = binding([replace(cap, limit=ZERO_POWER) if stops else cap, *others])
        return Decision(connector, given.command, Power(given.limit_w), self._settle_s, chain)

    def _inactive(self, connector: ConnectorId) -> Decision:
        memory, session = self._state.memory(connector), self._snapshot.reports[connector].session
        if memory.stopped is not None and memory.stopped == session:
            why = Limit(LimitSource.SHARE, ZERO_POWER, "The session was stopped: there was no power left for it.")
            return Decision(connector, Command.STOP, ZERO_POWER, self._settle_s, (why,))
        why = Limit(LimitSource.VEHICLE, ZERO_POWER, "No vehicle is charging here.")
        return Decision(connector, Command.RUN, ZERO_POWER, self._settle_s, (why,))


_RAMPS: Final = "Power comes back slowly after a limit was lifted"


def _outcome(
    state: State, snapshot: Snapshot, rules: Rules, now: Monotonic, decisions: Sequence[Decision], *, ramping: bool
) -> Outcome:
    remembered = _remembered(state, snapshot, rules, now, decisions)
    memories = list(remembered.connectors.values())
    instants = [memory.resume_at for memory in memories if memory.resume_at is not None]
    instants += [after(memory.alone_since, rules.rotate_after_s) for memory in memories if memory.alone_since]
    instants += [account.ends_at for account in snapshot.ledger.accounts.values() if account.ends_at is not None]
    if rules.modules is not None and (moves_at := remembered.modules.may_change_at(rules.modules)) is not None:
        instants.append(moves_at)
    if ramping:
        instants.append(after(now, _RAMP_STEP_S))
    return Outcome(remembered, tuple(decisions), min((at for at in instants if at > now), default=None))


def _remembered(state: State, snapshot: Snapshot, rules: Rules, now: Monotonic, decisions: Sequence[Decision]) -> State:
    connectors = dict(state.connectors)
    waits = any(decision.command is Command.PAUSE for decision in decisions) and snapshot.budget.command is Command.RUN
    for decision in decisions:
        session = snapshot.reports[decision.connector].session
        memory = _after(state.memory(decision.connector), decision, session, rules, now)
        connectors[decision.connector] = _turned(memory, decision, rules, now, waits=waits)
    return replace(state, connectors=connectors)


def _turned(memory: Memory, decision: Decision, rules: Rules, now: Monotonic, *, waits: bool) -> Memory:
    """Whose turn it is while not all can run; forgotten when they can."""
    if not waits:
        return replace(memory, turns=0, alone_since=None) if memory.turns or memory.alone_since else memory
    if decision.command not in (Command.RUN, Command.HOLD_MIN) or decision.limit.w <= 0.0:
        return replace(memory, alone_since=None) if memory.alone_since else memory
    since = memory.alone_since if memory.alone_since is not None else now
    if now >= after(since, rules.rotate_after_s):
        return replace(memory, turns=memory.turns + 1, alone_since=None)
    return replace(memory, alone_since=since)


def _after(memory: Memory, decision: Decision, session: SessionId | None, rules: Rules, now: Monotonic) -> Memory:
    paused = decision.command is Command.PAUSE
    resume_at = memory.resume_at if memory.resume_at is not None and now < memory.resume_at else None
    if paused and not memory.paused:
        resume_at = after(now, rules.resume_after_s)
    stopped = session if decision.command is Command.STOP else memory.stopped
    return Memory(
        appetite=memory.appetite,
        limit_w=decision.limit.w,
        risen_at=now if decision.limit.w > memory.limit_w else memory.risen_at,
        paused=paused,
        resume_at=resume_at,
        stopped=stopped if stopped == session else None,
        turns=memory.turns,
        alone_since=memory.alone_since,
    )
