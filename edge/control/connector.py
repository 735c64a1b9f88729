"""One connector: its protocol core, its hardware, its lease, its session. Everything happens in its event loop.

What comes in (frames, pilot lines, setpoints, commands) is fed to the core at once, and what the core wants is carried
out in the same turn of the loop; only the frames to the vehicle wait for the next period.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, NoReturn

from edge.can.frame import Frame
from edge.chademo import effects, events
from edge.chademo.config import ON_SITE
from edge.chademo.session import Session, advance, frames_due, status
from edge.chademo.status import Status
from edge.chademo.table import Code
from edge.chademo.timing import PERIOD_S
from edge.control import lease
from edge.control.beat import Beat
from edge.control.derating import Derating, bounded, derating, is_news
from edge.control.keeper import SessionKeeper
from edge.control.parts import Parts
from edge.control.service import CANNOT_START, SAFE_TO_TOUCH, STOPPABLE, why_not_unlock
from edge.control.signed import Signing
from edge.control.telemetry import Snapshot
from edge.control.transaction import OpenSession
from powerctl.core.clock import after
from powerctl.core.ids import SessionId
from powerctl.core.session import ConnectorState, StopReason
from powerctl.core.setpoint import Setpoint
from powerctl.core.units import Power, Voltage
from powerctl.runtime import log, metrics

STARTABLE: Final = frozenset({ConnectorState.OCCUPIED, ConnectorState.FINISHED})
LIVE: Final = Voltage(50.0)
"""Above this a battery is on the cable (osx)."""
TIMER_S: Final = 0.001
"""What a timer may be early: the lease must have ended when it rings."""
UNSTORED: Final = "The start of the transaction could not be stored."

_log = log.get(__name__)


class Connector:
    """The owner of one connector.

    Args:
        parts: Commissioning, hardware, bus and books.
        session: The protocol core's first state.
        fallback: Commissioned share, DC.
        open_session: The session that was open before a restart.
        on_change: Called when something changed that the energy manager should hear at once.
    """

    def __init__(
        self,
        parts: Parts,
        session: Session,
        *,
        fallback: Power,
        on_change: Callable[[], None],
        open_session: OpenSession | None = None,
    ) -> None:
        self.id = parts.config.connector
        self._parts = parts
        self._core = session
        self._summed_up: tuple[Session, Status] | None = None
        self._holding = lease.Holding(fallback)
        self._on_change = on_change
        self._keeper = SessionKeeper(
            self.id, parts.books, parts.hardware.meter, parts.clock, open_session, parts.quality
        )
        self._expiry: asyncio.TimerHandle | None = None
        self._derating: Derating | None = None
        self._period_at: float | None = None
        self._has_measured = False
        self._signing = Signing(parts.signer)
        self._announced = (ConnectorState.AVAILABLE, Power(0.0))
        self._log = _log.bind(connector=self.id)

    # What comes in.

    def frame(self, frame: Frame) -> None:
        """A well-formed frame from the vehicle."""
        if self._parts.blackbox is not None:
            self._parts.blackbox.heard(frame, self._parts.clock.monotonic())
        self._feed(events.FrameReceived(frame.frame_id, frame.data))

    def lines_changed(self) -> None:
        """An input of the pilot circuit may have changed."""
        lines = self._parts.hardware.lines.read()
        self._note("lines", k=lines.k, prox=lines.prox, lock=lines.lock_feedback, pe=lines.pe)
        if lines.prox:
            self._keeper.plugged()
        self._feed(events.LinesRead(k=lines.k, prox=lines.prox, lock_feedback=lines.lock_feedback, pe=lines.pe))
        if not lines.prox:
            self._keeper.unplugged(self.state)

    def setpoint(self, setpoint: Setpoint) -> bool:
        """Take a setpoint. A decrease that must settle at once has reached the power stage when this returns.

        Returns:
            False: its sequence is not newer than the newest of this stream; nothing changed.
        """
        now = self._parts.clock.monotonic()
        holding = lease.taken(self._holding, setpoint, now, self._status().committed)
        if holding is None:
            return False
        self._holding = holding
        self._note("setpoint", limit_w=setpoint.limit.w, command=setpoint.command, settle_s=setpoint.settle_s)
        self._offer()
        self._parts.bus.renew(self._frames())
        self._watch_lease()
        self._on_change()
        return True

    def stream_began(self) -> None:
        """The energy manager's sequences start again."""
        self._holding = lease.new_stream(self._holding)

    def introduce(self) -> None:
        """Tell the cloud where the connector stands when the program starts."""
        self._keeper.introduce(self.state)

    def start(self, command_id: str) -> str | None:
        """Begin to charge. Returns why not, as a sentence; None: it begins."""
        refusal = self._why_not_start()
        if refusal is None:
            self._feed(events.StartRequested(command_id))
        return refusal

    def stop(self, reason: StopReason, detail: str) -> str | None:
        """End charging in the protocol's normal way. Returns why not, as a sentence; None: it ends."""
        if self.state not in STOPPABLE:
            return "The vehicle is not charging."
        self._feed(events.StopRequested(reason, detail))
        return None

    def emergency(self, detail: str) -> None:
        """Power off at once. Said again while it stands, nothing changes."""
        if Code.EMERGENCY_STOP not in {fault.code for fault in self._status().faults}:
            self._feed(events.EmergencyStop(detail))

    @property
    def latched(self) -> tuple[str, ...]:
        """The codes of the latched faults."""
        return tuple(sorted(fault.code for fault in self._status().faults if fault.latched))

    def release(self, held: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Release the latched faults but those of `held`; returns the codes of those that stay."""
        if released := frozenset(self.latched) - held:
            self._feed(events.FaultReleased(released))
        return self.latched

    def reset_alarms(self) -> tuple[str, ...]:
        """Release the latched faults that need nobody at the station; returns the codes of those that stay."""
        return self.release(held=ON_SITE)

    def unlock(self) -> str | None:
        """Open the lock for a plug that is stuck. Returns why not, as a sentence; None: it opens."""
        measured = self._parts.hardware.stage.measure().voltage
        refusal = why_not_unlock(self.state, measured)
        if refusal is None:
            self._parts.hardware.lines.lock(False)
        return refusal

    def reset(self) -> str | None:
        """Let go of latched faults. Returns why not, as a sentence; None: they are gone."""
        stays = self.reset_alarms()
        return f"Somebody must release this at the station: {', '.join(stays)}." if stays else None

    # What is seen from outside.

    @property
    def state(self) -> ConnectorState:
        """Where the connector is between plug-in and unplug."""
        return self._status().state

    @property
    def session(self) -> SessionId | None:
        """The session that is plugged in."""
        return self._keeper.session_id

    def snapshot(self) -> Snapshot:
        """Everything at this instant."""
        now = self._parts.clock.monotonic()
        lease_ends = lease.next_change(self._holding, now)
        return Snapshot(
            connector=self.id,
            status=self._status(),
            grant=lease.grant(self._holding, now),
            applied_sequence=self._holding.sequence,
            output=self._parts.hardware.stage.measure(),
            register=self._parts.hardware.meter.read(),
            session=self._keeper.session,
            has_lease_history=self._holding.lease is not None,
            lease_remaining_s=lease_ends - now if lease_ends is not None else 0.0,
            derating=self._derating.reason if self._derating else None,
        )

    # The period.

    async def run(self, phase_s: float) -> NoReturn:
        """Beat every 100 ms on absolute deadlines until cancelled, the first time after `phase_s`."""
        clock = self._parts.clock
        beat = Beat(after(clock.monotonic(), phase_s), PERIOD_S)
        self._offer()
        while True:
            await asyncio.sleep(beat.remaining(clock.monotonic()))
            self.beat()
            beat, missed = beat.following(clock.monotonic())
            if missed:
                metrics.counter("edge_missed_periods_total").labels(str(self.id)).inc(missed)

    def beat(self) -> None:
        """One period: measure, tick, send."""
        self._observe_period()
        self.lines_changed()
        self._measure()
        self._watch_stage()
        self._feed(events.Tick())
        frames = self._frames()
        self._parts.bus.repeat(frames)
        if self._parts.blackbox is not None:
            self._parts.blackbox.sent(frames, self._parts.clock.monotonic())
        self._announce()
        self._parts.on_beat(self.id)

    def switch_off(self) -> None:
        """Current off, then d2, then d1; the plug is released when it is safe to touch."""
        hardware = self._parts.hardware
        hardware.stage.off(urgent=True)
        hardware.lines.switch_d2(False)
        hardware.lines.switch_d1(False)
        if hardware.stage.is_measured and hardware.stage.measure().voltage <= SAFE_TO_TOUCH:
            hardware.lines.lock(False)
        self._keeper.ended(StopReason.RESTART, "The controller was shut down.")

    def _frames(self) -> list[Frame]:
        return [Frame(frame_id, data) for frame_id, data in frames_due(self._core)]

    def _observe_period(self) -> None:
        now = self._parts.clock.monotonic()
        if self._period_at is not None:
            metrics.histogram("edge_period_seconds").labels(str(self.id)).observe(now - self._period_at)
        self._period_at = now

    def _measure(self) -> None:
        hardware = self._parts.hardware
        output = hardware.stage.measure()
        self._note("output", voltage_v=round(output.voltage.v, 1), current_a=round(output.current.a, 1))
        if hardware.stage.is_measured:
            self._release_what_was_left(output.voltage)
            self._feed(events.Measured(output.voltage, output.current, hardware.insulation.resistance_kohm()))
        offered = lease.grant(self._holding, self._parts.clock.monotonic()).limit
        self._keeper.looked(target=self._status().target, offered=offered)

    def _release_what_was_left(self, voltage: Voltage) -> None:
        """After a start the lock is as the last run has left it: it opens when the cable is measured to be dead."""
        if not self._has_measured and voltage <= SAFE_TO_TOUCH and not STOPPABLE & {self.state}:
            self._has_measured = True
            self._parts.hardware.lines.lock(False)

    def _note(self, kind: str, **values: Any) -> None:
        if self._parts.blackbox is not None:
            self._parts.blackbox.note(kind, self._parts.clock.monotonic(), **values)

    def _watch_stage(self) -> None:
        """Offer less, or more again, when the power stage can do less or more than before."""
        stage, now = self._parts.hardware.stage, self._parts.clock.monotonic()
        present = derating(stage.capability(), self._working_voltage(stage.measure().voltage), now)
        before, self._derating = self._derating, present
        if is_news(before, present):
            self._log.info("power_stage_derated", limit_w=present.limit.w if present else None)
            self._offer()
            self._on_change()

    def _working_voltage(self, measured: Voltage) -> Voltage:
        return measured if measured > LIVE else self._parts.config.max_voltage

    def _announce(self) -> None:
        """Tell the energy manager at once of a new state, or that less is committed."""
        present = self._status()
        self._note(
            "status",
            phase=present.phase,
            available_a=round(present.available_current.a),
            requested_a=round(present.requested_current.a),
            commanded_a=round(present.commanded_current.a, 1),
        )
        state, committed = self._announced
        if present.state is not state or present.committed < committed:
            self._on_change()
        self._announced = (present.state, present.committed)

    # Lease.

    def _offer(self) -> None:
        grant = lease.grant(self._holding, self._parts.clock.monotonic())
        limit, settle_by = bounded(grant, self._derating, self._status().committed)
        self._feed(events.OfferChanged(events.Offer(limit, grant.command, settle_by)))

    def _watch_lease(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        now = self._parts.clock.monotonic()
        ends = lease.next_change(self._holding, now)
        if ends is not None:
            self._expiry = asyncio.get_running_loop().call_later(ends - now + TIMER_S, self._lease_may_have_ended)

    def _lease_may_have_ended(self) -> None:
        self._expiry = None
        if lease.next_change(self._holding, self._parts.clock.monotonic()) is not None:
            self._watch_lease()
            return
        self._log.warning("lease_ended")
        self._offer()
        self._on_change()

    def _why_not_start(self) -> str | None:
        if self.state not in STARTABLE:
            return CANNOT_START.get(self.state, "The vehicle is charging already.")
        if self._keeper.is_full:
            return "The station cannot store a new session: its disk is full."
        if not self._parts.bus.is_open:
            return "The station cannot talk to the vehicle: its CAN bus is not available."
        if self._derating is not None and self._derating.limit < self._parts.config.min_power:
            return f"The power stage cannot charge now: {self._derating.detail}"
        return lease.refusal(self._holding, self._parts.clock.monotonic(), self._parts.config.min_power)

    # The core.

    def _status(self) -> Status:
        """The core summed up, once for each of its states."""
        if self._summed_up is None or self._summed_up[0] is not self._core:
            self._summed_up = self._core, status(self._core)
        return self._summed_up[1]

    def _feed(self, event: events.Event) -> None:
        self._core, wanted = advance(self._core, event, self._parts.clock.monotonic())
        for effect in wanted:
            self._carry_out(effect)

    def _carry_out(self, effect: effects.Effect) -> None:
        hardware = self._parts.hardware
        match effect:
            case effects.CommandOutput(voltage, current):
                hardware.stage.command(voltage, current)
            case effects.OutputOff(urgent):
                hardware.stage.off(urgent=urgent)
            case effects.TestInsulation(voltage):
                hardware.stage.test_insulation(voltage)
            case effects.SwitchD1(on):
                hardware.lines.switch_d1(on)
            case effects.SwitchD2(on):
                hardware.lines.switch_d2(on)
            case effects.Lock(on):
                hardware.lines.lock(on)
            case _:
                self._remember(effect)

    def _remember(self, effect: effects.Effect) -> None:
        match effect:
            case effects.StateChanged(state, detail):
                self._state_changed(state, detail)
            case effects.TransactionBegan(command_id):
                self._keeper.began(command_id).add_done_callback(self._start_stored)
                self._signing.began(self._keeper.session_id, self._parts.clock.utc())
            case effects.TransactionOver(reason, detail):
                self._keeper.ended(reason, detail)
                self._signing.ended()
            case effects.FaultSeen(fault):
                self._keeper.fault_seen(fault)
                if self._parts.blackbox is not None:
                    self._parts.blackbox.fault(fault.code, self._parts.clock.monotonic())
            case effects.FaultGone(code):
                self._keeper.fault_gone(code)
            case effects.LessonsLearnt(lessons):
                self._parts.books.learnt(self.id, lessons)

    def _state_changed(self, state: ConnectorState, detail: str) -> None:
        if state is ConnectorState.AVAILABLE:
            self._keeper.unplugged(state)
        self._keeper.state_changed(state, detail)
        self._note("state", state=state, detail=detail)
        self._on_change()

    def _start_stored(self, done: asyncio.Future[None]) -> None:
        if done.cancelled() and self._keeper.transaction is not None:
            self._feed(events.StopRequested(StopReason.FAULT, UNSTORED))
