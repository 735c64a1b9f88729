"""What the events of an OpenADR server ask of the station: caps, set-points and prices. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.errors import RemoteError
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import ZERO_POWER, Power
from powerctl.signals.arbitration import Contribution
from powerctl.signals.contribution import NAMES, RANKS
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.openadr_events import Payload, TimedSignal, signals_of
from powerctl.signals.sources.source import Foreseen

MAX_EVENTS: Final = 200
_STEP_W: Final = 500.0
"""Set-points that follow from an energy move in steps, rounded up."""
_LEAST_H: Final = 1 / 60


@dataclass(frozen=True, slots=True)
class OpenAdrRules:
    """What is commissioned about the server."""

    rating: Power
    simple: tuple[Power | None, Power | None, Power | None, Power | None]
    """Caps of the levels 0 to 3 of SIMPLE; None: no limit."""
    emergency: Power
    """What the station still draws during ALERT_GRID_EMERGENCY; zero: nothing, as an emergency stop."""
    source: LimitSource = LimitSource.AGGREGATOR
    settle_s: float = 5.0
    failsafe: Power | None = None
    """Cap while the server is silent. None: its events stay as they are known."""
    silence_s: float = 0.0
    """Silence that starts the failsafe; 0: silence means nothing."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What an event said when it came first, and its signals."""

    event: Mapping[str, Any]
    signals: tuple[TimedSignal, ...]
    trusted: bool
    """Whether the clock was to be trusted then."""


class OpenAdrSource:
    """The events of one server as a source.

    Args:
        rules: As commissioned.
        random: Uniformly distributed from 0 to 1: drawn once for every event.
    """

    def __init__(self, rules: OpenAdrRules, random: Callable[[], float]) -> None:
        self._rules = rules
        self._random = random
        self._known: dict[str, _Known] = {}
        self._fractions: dict[str, float] = {}
        self._heard_at: Monotonic | None = None
        self._report: StationReport | None = None
        self._trusted = True

    def received(self, events: Sequence[Any], stamp: Stamp) -> list[RemoteError]:
        """Take all events that the server has now; what it no longer has is over.

        Returns:
            Why events were refused. One that is refused stays as it was known before.
        """
        self._heard_at = stamp.now
        known: dict[str, _Known] = {}
        refused: list[RemoteError] = []
        if len(events) > MAX_EVENTS:
            refused.append(RemoteError(f"{len(events)} events; the first {MAX_EVENTS} are taken"))
        for event in events[:MAX_EVENTS]:
            name = _name(event)
            try:
                known[name] = self._understood(name, event, stamp)
            except RemoteError as error:
                refused.append(error)
                if name in self._known:
                    known[name] = self._known[name]
        self._known = known
        self._fractions = {name: part for name, part in self._fractions.items() if name in known}
        return refused

    def _understood(self, name: str, event: Any, stamp: Stamp) -> _Known:
        before = self._known.get(name)
        if before is not None and before.event == event and before.trusted is stamp.trusted:
            return before
        signals = signals_of(event, stamp.utc, lambda name: self._fractions.setdefault(name, self._random()))
        return _Known(event, signals, stamp.trusted)

    def reported(self, report: StationReport, now: Monotonic) -> None:
        """Take what the vehicles need: a charge state as a goal is energy that is missing."""
        self._report = report

    @property
    def report(self) -> StationReport | None:
        """The newest of the controller. None: none yet."""
        return self._report

    def active(self, utc: datetime) -> list[TimedSignal]:
        """The signals that hold at `utc`."""
        return [one for known in self._known.values() for one in known.signals if self._holds(one, utc)]

    def _holds(self, signal: TimedSignal, utc: datetime) -> bool:
        """With a clock that cannot be trusted only what starts at once holds, and an emergency, at any time."""
        if self._trusted or signal.at_once:
            return signal.holds(utc)
        return signal.payload is Payload.ALERT_GRID_EMERGENCY

    def contributions(self, stamp: Stamp) -> Sequence[Contribution]:
        """One per signal that holds and limits, and the failsafe while the server is silent."""
        self._trusted = stamp.trusted
        found = [one for signal in self.active(stamp.utc) for one in self._contribution(signal, stamp.utc)]
        return [*found, *self._failsafe(stamp.now)]

    def _contribution(self, signal: TimedSignal, utc: datetime) -> Iterator[Contribution]:
        rules, who = self._rules, NAMES[self._rules.source]
        if signal.payload is Payload.ALERT_GRID_EMERGENCY:
            yield self._emergency(signal, who)
        elif signal.payload is Payload.SIMPLE and (cap := rules.simple[int(signal.value)]) is not None:
            yield self._cap(signal, cap, f"{who} asks for level {signal.value} of 3: {cap} at most.")
        elif signal.payload is Payload.IMPORT_CAPACITY_LIMIT:
            cap = min(Power(float(signal.value)), rules.rating)
            yield self._cap(signal, cap, f"{who} limits the station to {cap}.")
        elif (wanted := self._wanted(signal, utc)) is not None:
            yield Contribution(
                rules.source,
                f"{who} asks the station to draw {wanted}.",
                setpoint=wanted,
                rank=(RANKS[rules.source], signal.priority),
                settle_s=rules.settle_s,
                until=signal.end,
            )

    def _cap(self, signal: TimedSignal, cap: Power, detail: str) -> Contribution:
        return Contribution(self._rules.source, detail, cap=cap, settle_s=self._rules.settle_s, until=signal.end)

    def _emergency(self, signal: TimedSignal, who: str) -> Contribution:
        cap = self._rules.emergency
        command = Command.EMERGENCY if cap <= ZERO_POWER else Command.RUN
        detail = f"{who} reports an emergency of the grid: {cap} at most."
        return Contribution(LimitSource.EMERGENCY, detail, cap=cap, command=command, until=signal.end)

    def _wanted(self, signal: TimedSignal, utc: datetime) -> Power | None:
        """The power that a set-point asks for. None: it is none, or nobody knows what is missing."""
        if signal.payload is Payload.DISPATCH_SETPOINT:
            return min(Power(float(signal.value)), self._rules.rating)
        if signal.payload is not Payload.CHARGE_STATE_SETPOINT or signal.end is None:
            return None
        if signal.units == "WH":
            missing_wh: float | None = float(signal.value)
            hours = (signal.end - signal.start).total_seconds() / 3600
        else:
            missing_wh = missing(self._report.connectors if self._report else (), float(signal.value))
            hours = (signal.end - utc).total_seconds() / 3600
        if missing_wh is None:
            return None
        watts = math.ceil(missing_wh / max(hours, _LEAST_H) / _STEP_W) * _STEP_W
        return min(Power(watts), self._rules.rating)

    def _failsafe(self, now: Monotonic) -> list[Contribution]:
        cap = self._rules.failsafe
        if cap is None or not self._silent(now):
            return []
        detail = f"{NAMES[self._rules.source]} cannot be reached: the station keeps to {cap} as agreed for this case."
        return [Contribution(LimitSource.FAILSAFE, detail, cap=cap, settle_s=self._rules.settle_s)]

    def _silent(self, now: Monotonic) -> bool:
        if self._rules.silence_s <= 0:
            return False
        return self._heard_at is None or now - self._heard_at >= self._rules.silence_s

    def deadline(self, stamp: Stamp) -> Monotonic | None:
        """When the next signal starts or ends, or the silence becomes a failsafe."""
        instants = [at for known in self._known.values() for s in known.signals for at in (s.start, s.end)]
        coming = [after(stamp.now, (at - stamp.utc).total_seconds()) for at in instants if at and at > stamp.utc]
        if self._heard_at is not None and self._rules.silence_s > 0 and not self._silent(stamp.now):
            coming.append(after(self._heard_at, self._rules.silence_s))
        return min(coming, default=None)

    def foreseen(self, utc: datetime) -> Foreseen:
        """The lowest limit and the price of the event of highest priority that hold at `utc`."""
        active = self.active(utc)
        prices = [signal for signal in active if signal.payload is Payload.PRICE]
        cap, best = min(self._caps(active), default=None), min(prices, key=lambda one: one.priority, default=None)
        return Foreseen(cap) if best is None else Foreseen(cap, best.value, best.units)

    def _caps(self, signals: Iterable[TimedSignal]) -> Iterator[Power]:
        for signal in signals:
            if signal.payload is Payload.IMPORT_CAPACITY_LIMIT:
                yield Power(float(signal.value))
            elif signal.payload is Payload.SIMPLE and (cap := self._rules.simple[int(signal.value)]) is not None:
                yield cap


def _name(event: Any) -> str:
    name = event.get("id") if isinstance(event, dict) else None
    return name if isinstance(name, str) else ""


def missing(connectors: Iterable[ConnectorReport], percent: float) -> float | None:
    """Watt hours that the plugged-in vehicles lack to the charge state `percent`. None: none of them tells."""
    told = [
        max(0.0, (percent - c.soc_percent) / 100 * c.capacity.wh)
        for c in connectors
        if c.session is not None and c.soc_percent is not None and c.capacity is not None
    ]
    return sum(told) if told else None
