"""The shell of grid signals: owns the register image, the slots, their timers and the Modbus server.

One write runs through in one turn of the loop: validated, applied, answered, arbitrated, handed to `on_change`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, NoReturn

from powerctl.core.clock import Clock, Monotonic
from powerctl.core.demand import StationReport
from powerctl.core.ids import ConnectorId
from powerctl.core.record import FlexibilitySpan, GridEvent, GridEventKind
from powerctl.core.setpoint import Limit
from powerctl.core.units import Power
from powerctl.runtime import log
from powerctl.runtime.clock_quality import Quality, Trust, clock_quality, seen
from powerctl.runtime.metrics import counter, gauge, histogram
from powerctl.signals import flexibility, lpc, telemetry
from powerctl.signals.arbitration import Contribution, GridState, arbitrate
from powerctl.signals.audit import audit
from powerctl.signals.bank import Bank, Change, WriteRate
from powerctl.signals.commission import Identity, open_panel, rights_of, saved_of
from powerctl.signals.controls import ADDRESS, ALARM_RESET
from powerctl.signals.forecast import forecast
from powerctl.signals.fronts import Fronts
from powerctl.signals.grid_signal import Authority
from powerctl.signals.mailbox import Stamp
from powerctl.signals.panel import Armable
from powerctl.signals.pdu import Code, Refused
from powerctl.signals.points import acceptable
from powerctl.signals.register_map import REGISTER_MAP
from powerctl.signals.settings import GridSettings
from powerctl.signals.slots import Step, events, held
from powerctl.signals.sources import flexible_return
from powerctl.signals.sources.source import Foreseen, Source, Sources
from powerctl.signals.store import Keeper, load

TICK_S: Final = 1.0
"""How often clocks, heartbeats and remaining times are brought up to date in the registers."""
MIN_WAIT_S: Final = 0.001
"""Keeps rounding from re-arming a timer for no time at all."""
FILE_NAME: Final = "grid.json"

_log = log.get(__name__)


def _ignore(_: GridEvent) -> None:
    """Takes an event that nobody asked for."""


def _nobody() -> bool:
    """There is no controller to ask."""
    return False


class GridSignals:
    """Grid signals of one station.

    Args:
        settings: What is commissioned.
        clock: Both clocks; its monotonic one must run as fast as the loop's.
        rating: What the grid connection carries, AC.
        state_dir: Folder for `grid.json`.
        on_change: Called with every new state, in the same turn of the loop as what caused it. It must not block.
        on_event: Called with every step that the evidence must know.
        reset_alarms: Asks the controller to release latched faults; False: it is not connected.
        identity: What model 1 says about the station.
        quality: How good the wall clock is.
    """

    def __init__(
        self,
        settings: GridSettings,
        *,
        clock: Clock,
        rating: Power,
        state_dir: Path,
        on_change: Callable[[GridState], None],
        on_event: Callable[[GridEvent], None] = _ignore,
        reset_alarms: Callable[[], bool] = _nobody,
        identity: Identity | None = None,
        quality: Callable[[], Quality] = clock_quality,
    ) -> None:
        self._clock = clock
        self._quality = quality
        self._trust = seen(Trust(settings.trust_clock), quality(), clock.monotonic())
        self._rating = rating
        self._on_change = on_change
        self._on_event = on_event
        self._reset_alarms = reset_alarms
        path = state_dir / FILE_NAME
        saved = load(path)
        self._keeper = Keeper(path)
        self._sources = Sources()
        self._return = flexible_return.Return(rating, rating)
        identity = identity or Identity("", version("powerctl"))
        self._image, self._panel = open_panel(settings, rating, identity, saved, self._stamp())
        self._slots = self._panel.slots
        self._sources.add(self._panel.schedule)
        self._report: StationReport | None = None
        self._compliance = telemetry.Compliance()
        self._curtailed = flexibility.Curtailed()
        self._commands = 0
        self._written = False
        self._timer: asyncio.TimerHandle | None = None
        rights = rights_of(settings)
        bank = Bank(self._image, rights, WriteRate(settings.modbus_tcp.max_writes_per_s), self._take)
        self._fronts = Fronts(settings, bank, rights, clock, self._answered, self._address)
        self.listening = asyncio.Event()
        """Set once the port is open."""
        self._state = self._arbitrate()
        self._image.put("64301.EvtCnt", 0)
        self._refresh()

    @property
    def state(self) -> GridState:
        """The state in force; limited to the failsafe values at start."""
        return self._state

    @property
    def port(self) -> int:
        """The Modbus/TCP port that is open; 0 before `run`."""
        return self._fronts.tcp.port

    @property
    def tls_port(self) -> int:
        """The secure port that is open; 0 before `run`, and when there is none."""
        return self._fronts.tls.port if self._fronts.tls else 0

    async def run(self) -> NoReturn:
        """Serve until cancelled. Reports the first state before the port opens.

        Raises:
            ConfigError: A port cannot be opened.
        """
        self._publish()
        try:
            await self._fronts.start()
            self.listening.set()
            self._tick()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keeper.run(), name="keep-grid-settings")
                tasks.create_task(self._fronts.run(), name="modbus-front-ends")
            raise AssertionError
        finally:
            if self._timer is not None:
                self._timer.cancel()
            await self._fronts.close()

    def update_measurement(
        self,
        report: StationReport,
        *,
        granted: Mapping[ConnectorId, Power] | None = None,
        departures: Mapping[ConnectorId, datetime] | None = None,
    ) -> None:
        """Show the newest report in the registers.

        Args:
            report: From the controller.
            granted: DC power granted to each connector.
            departures: When vehicles are expected to leave, as far as anybody knows.
        """
        self._report = report
        self._sources.reported(report, self._clock.monotonic())
        if report.ac_power is not None:
            now = self._clock.monotonic()
            self._compliance = telemetry.observed(self._compliance, report.ac_power, self._state, now)
        self._curtailed = flexibility.counted(
            self._curtailed, report, self._state, self._rating, self._clock.monotonic()
        )
        self._put(telemetry.measurement(report, granted or {}))
        self._put({**flexibility.needs(report), "64301.CurtWh": self._curtailed.wh})
        self._put(flexibility.departures(report, departures or {}))
        self._image.put_all(telemetry.alarms(report))
        self._refresh()

    def update_forecast(self, flexibility: Sequence[FlexibilitySpan]) -> None:
        """Show how much can be shed and taken up, now first, in the registers."""
        self._put(forecast(flexibility, round(self._clock.utc().timestamp())))

    def add_source(self, source: Source) -> Callable[[], None]:
        """Let `source` contribute from now on.

        Returns:
            What is to be called in the loop whenever the source has something new; when it returns, the state is told.
        """
        self._sources.add(source)
        if isinstance(source, Armable):
            self._panel.attach(source)
        if not self.listening.is_set():
            self._state = self._arbitrate()
        return self._spoken

    def set_return(self, rules: flexible_return.ReturnRules) -> None:
        """How power comes back from now on after a limit of the grid was lifted."""
        self._panel.set_return(rules, self._stamp())

    @property
    def connector_caps(self) -> Mapping[ConnectorId, Limit]:
        """Caps of single connectors from 64302, DC, with who set them; only those below the rating."""
        return {ConnectorId(number): cap for number, cap in self._panel.controls.connector_caps.items()}

    @property
    def connector_priorities(self) -> Mapping[ConnectorId, int]:
        """Priorities of the connectors from 64302; lower goes first."""
        return {ConnectorId(number): rank for number, rank in self._panel.controls.connector_priorities.items()}

    def foreseen(self, utc: datetime) -> Foreseen:
        """The lowest cap and the price that sources announced for an instant to come."""
        return self._sources.foreseen(utc)

    def submit(self, slot: int, values: Mapping[str, int], authority: Authority) -> lpc.State | None:
        """Take raw values of a slot's points from a peer that the station itself asked for them.

        Returns:
            The slot's state. None: it is not commissioned, or a value is not acceptable; nothing was taken.
        """
        points = {name: REGISTER_MAP.by_path[f"64300.Src.{slot}.{name}"].point for name in values}
        if slot not in self._slots or not all(acceptable(points[name], value) for name, value in values.items()):
            return None
        stamp = self._stamp()
        self._note(self._slots.write(slot, values, authority, stamp), stamp)
        self._panel.show_slot(slot, stamp)
        self._settle()
        return self._slots[slot].machine.state

    def _spoken(self) -> None:
        """A source has something new."""
        self._settle()

    def _address(self) -> int:
        """The station's address on serial lines."""
        return self._panel.controls.values[ADDRESS]

    def _stamp(self) -> Stamp:
        now = self._clock.monotonic()
        return Stamp(now, self._clock.utc(), self._trust.holds(now))

    def _look_at_clock(self) -> None:
        """Follow whether times of day can be trusted."""
        now, quality = self._clock.monotonic(), self._quality()
        before, self._trust = self._trust, seen(self._trust, quality, now)
        self._image.put("64301.UtcQ", quality)
        if before.holds(now) is not self._trust.holds(now):
            _log.info("grid_clock_trusted", quality=quality.name.lower())

    def _take(self, changes: Sequence[Change], authority: Authority) -> None:
        """Apply a validated write. Raises Refused: what must persist cannot be stored."""
        persistent = self._panel.persists(changes)
        if persistent and self._keeper.failed:
            raise Refused(Code.FAILURE)
        stamp = self._stamp()
        for step in self._panel.take(changes, authority, stamp):
            self._note(step, stamp)
        if persistent:
            self._keep()
        if any(change.field.path == ALARM_RESET and change.value for change in changes):
            _log.info("alarm_reset_asked", controller=self._reset_alarms())
        self._written = True
        audit(changes, authority)

    def _note(self, step: Step, stamp: Stamp) -> None:
        """Tell what happened to a slot."""
        source = step.after.commission.source
        if step.commanded:
            self._commands += 1
            self._image.put("64301.EvtCnt", self._commands % 0xFFFF)
            counter("powerctl_grid_commands_total").labels(source.value, step.after.result.name.lower()).inc()
        if step.fell_silent:
            counter("powerctl_grid_failsafes_total").labels(source.value).inc()
        if step.before.machine.state is not step.after.machine.state:
            gauge("powerctl_grid_source_state").labels(source.value).set(step.after.machine.state)
            states = {"before": step.before.machine.state.name.lower(), "after": step.after.machine.state.name.lower()}
            _log.info("grid_source_state_changed", source=source.value, **states)
        if held(step.before, stamp.now) is not held(step.after, stamp.now):
            self._keep()
        for event in events(step, stamp, self._report.ac_power if self._report else None):
            self._on_event(event)

    def _keep(self) -> None:
        self._keeper.keep(saved_of(self._panel, self._clock.monotonic()))

    def _arbitrate(self) -> GridState:
        stamp = self._stamp()
        contributions = self._panel.contributions(stamp.now) + self._sources.contributions(stamp)
        contributions += self._returning(contributions, stamp.now)
        return arbitrate(self._rating, contributions, next_change=self._deadline(stamp))

    def _returning(self, contributions: Sequence[Contribution], now: Monotonic) -> list[Contribution]:
        """What the return after a limit of the grid adds: a delay, and a ramp."""
        goal = flexible_return.commanded(self._rating, contributions)
        fraction = random.random()  # noqa: S311 - spreads stations, guards nothing
        rules = self._panel.controls.return_rules
        self._return = flexible_return.followed(self._return, goal, rules, fraction, now)
        return flexible_return.contributions(self._return, self._rating, rules, now)

    def _deadline(self, stamp: Stamp) -> Monotonic | None:
        """When the state may change by time alone."""
        instants = (self._panel.deadline(), self._sources.deadline(stamp), self._return.resume_at)
        return min((at for at in instants if at is not None), default=None)

    def _answered(self, arrived: Monotonic) -> None:
        """A request is answered; `arrived` is the loop's time at which it came."""
        if self._written:
            self._written = False
            if self._settle():
                histogram("powerctl_grid_apply_seconds").observe(asyncio.get_running_loop().time() - arrived)

    def _settle(self) -> bool:
        """Arbitrate; if the outcome is new, tell it at once. True: it was new."""
        before, self._state = self._state, self._arbitrate()
        self._rearm()
        for event in self._sources.news(self._stamp(), self._report.ac_power if self._report else None):
            self._on_event(event)
        if replace(before, next_change=self._state.next_change) == self._state:
            return False
        if self._state.cap < before.cap:
            self._compliance = telemetry.asked(self._clock.monotonic())
        self._publish()
        self._apply_event(before)
        return True

    def _publish(self) -> None:
        gauge("powerctl_grid_cap_watts").set(self._state.cap.w)
        self._on_change(self._state)
        self._refresh()

    def _apply_event(self, before: GridState) -> None:
        state = self._state
        if (state.cap, state.source, state.command) == (before.cap, before.source, before.command):
            return
        self._image.put("64301.CmdTms", int(self._clock.utc().timestamp()))
        _log.info("grid_cap_changed", cap_w=state.cap.w, before_w=before.cap.w, source=state.source.value)
        measured = self._report.ac_power if self._report else None
        self._on_event(
            GridEvent(GridEventKind.APPLIED, state.source, state.cap, measured, self._clock.utc(), state.detail)
        )

    def _refresh(self) -> None:
        """Bring status registers up to date."""
        rules = self._panel.controls.return_rules
        self._put(telemetry.status(self._state, self._report, self._rating, self._compliance))
        self._put(flexibility.response(self._state, self._report, self._rating, rules))

    def _show_ahead(self, stamp: Stamp) -> None:
        """Bring what is known ahead up to date."""
        known = self._panel.next_cap(self._sources.contributions(stamp), stamp)
        self._put(flexibility.ahead(known))
        foreseen = self._sources.foreseen(stamp.utc)
        self._put(flexibility.price(foreseen))
        self._image.put("64301.PrcCur", foreseen.currency or None)

    def _put(self, values: telemetry.Scaled) -> None:
        for path, value in values.items():
            self._image.put_scaled(path, value)

    def _tick(self) -> None:
        """What time alone brings: ended timers, clocks and remaining times. Re-arms itself."""
        self._look_at_clock()
        stamp = self._stamp()
        for step in self._panel.expire(stamp):
            self._note(step, stamp)
        self._put(telemetry.clocks(stamp.utc, stamp.now, self._return.resume_at))
        self._show_ahead(stamp)
        self._settle()
        self._rearm()

    def _rearm(self) -> None:
        """Have `_tick` run at the next deadline or second, whichever is first."""
        if self._timer is not None:
            self._timer.cancel()
        now = self._clock.monotonic()
        deadline = self._deadline(self._stamp())
        wait = TICK_S - now % TICK_S
        if deadline is not None:
            wait = min(wait, deadline - now)
        self._timer = asyncio.get_running_loop().call_later(max(MIN_WAIT_S, wait), self._tick)
