"""What the observer concludes from what it sees: latency from signal to CAN, power over the envelope. Pure.

Instants are seconds on one monotonic clock. Power is AC at the grid connection, in watts, unless said otherwise.
The envelope follows rule 4 of the architecture: after a decrease, power may fall along the slope that a vehicle
follows, until the settle time of the source has passed; from then on the cap holds, plus the meter's tolerance.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

METER_TOLERANCE_SHARE: Final = 0.02
METER_TOLERANCE_W: Final = 200.0
"""The envelope includes the larger of the two (architecture, rule 4)."""
VEHICLE_SLOPE_A_S: Final = 10.0
"""What a vehicle is known to follow until its own slope is learnt."""
MODULE_SLOPE_A_S: Final = 100.0
BUS_PERIOD_S: Final = 0.1
READING_DELAY_S: Final = 0.15
"""How old a reading of the station's meter may be when the observer sees it: one report, one poll."""
SIGNAL_LOST_S: Final = 1.0
"""A decrease that has not reached a bus by then never will, as far as the report is concerned."""


def tolerance_w(cap_w: float) -> float:
    """How far a compliant measurement may lie above `cap_w`."""
    return max(METER_TOLERANCE_SHARE * cap_w, METER_TOLERANCE_W)


@dataclass(frozen=True, slots=True)
class Decrease:
    """One lowering of the cap."""

    at: float
    cap_w: float
    power_w: float
    """Measured when it was accepted."""
    settle_s: float

    def allowed_w(self, now: float, slope_w_s: float, module_slope_w_s: float) -> float:
        """The envelope at `now`, without the meter's tolerance."""
        elapsed = now - self.at - BUS_PERIOD_S - READING_DELAY_S
        if elapsed >= self.settle_s + BUS_PERIOD_S and self.settle_s > 0:
            # The clamp at the end of the settle time acts at the slope of the power modules.
            since_clamp = elapsed - self.settle_s
            falling = self.power_w - slope_w_s * self.settle_s - module_slope_w_s * since_clamp
        else:
            falling = self.power_w - (slope_w_s if self.settle_s > 0 else module_slope_w_s) * max(0.0, elapsed)
        return max(self.cap_w, falling)


@dataclass(slots=True)
class EnvelopeWatch:
    """Compares measured power with the cap's envelope."""

    voltage_v: float = 400.0
    """Lowest battery voltage seen; a slope in amperes means least power at it."""
    efficiency: float = 0.9
    max_over_w: float = 0.0
    max_settle_ms: float = 0.0
    worst_at: float | None = None
    _cap_w: float | None = None
    _power_w: float = 0.0
    _decrease: Decrease | None = None
    _settling_since: float | None = None

    @property
    def cap_w(self) -> float | None:
        """The cap that is expected now; None before the first one."""
        return self._cap_w

    def cap(self, now: float, cap_w: float, settle_s: float) -> None:
        """The cap that must hold from `now` on."""
        previous = self._cap_w
        self._cap_w = cap_w
        if previous is not None and cap_w < previous:
            self._decrease = Decrease(now, cap_w, self._power_w, settle_s)
            self._settling_since = now if self._power_w > cap_w + tolerance_w(cap_w) else None
        elif previous is not None and cap_w > previous:
            self._decrease = None
            self._settling_since = None

    def power(self, now: float, power_w: float) -> float:
        """A measurement; returns how far it lies above the envelope, 0 when within."""
        self._power_w = power_w
        if self._cap_w is None:
            return 0.0
        allowed = self._cap_w
        if self._decrease is not None:
            per_ampere = self.voltage_v / self.efficiency
            allowed = self._decrease.allowed_w(now, VEHICLE_SLOPE_A_S * per_ampere, MODULE_SLOPE_A_S * per_ampere)
        within = self._cap_w + tolerance_w(self._cap_w)
        if self._settling_since is not None and power_w <= within:
            self.max_settle_ms = max(self.max_settle_ms, (now - self._settling_since) * 1000)
            self._settling_since = None
        over = max(0.0, power_w - allowed - tolerance_w(allowed))
        if over > self.max_over_w:
            self.max_over_w, self.worst_at = over, now
        return over


@dataclass(slots=True)
class LatencyWatch:
    """Times from an accepted write to the first 0x108 that carries a lower available current, on any bus."""

    samples_ms: list[float] = field(default_factory=list)
    missed: int = 0
    """Decreases that reached no bus within `SIGNAL_LOST_S`."""
    _pending: float | None = None
    _available_a: dict[int, int] = field(default_factory=dict)
    _recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=16))
    """Instants at which a bus carried a lower value, newest last."""

    def decrease(self, accepted_at: float) -> None:
        """A write that asks for less than is drawn was accepted at `accepted_at`, at the earliest.

        The observer may learn of a write after its effect; frames that came since `accepted_at` count.
        """
        for at, _ in self._recent:
            if at >= accepted_at:
                self.samples_ms.append((at - accepted_at) * 1000)
                return
        self._pending = accepted_at

    def frame(self, now: float, bus: int, available_a: int) -> None:
        """A 0x108 frame on `bus`."""
        previous = self._available_a.get(bus)
        self._available_a[bus] = available_a
        if previous is None or available_a >= previous:
            self._expire(now)
            return
        self._recent.append((now, bus))
        if self._pending is not None:
            self.samples_ms.append((now - self._pending) * 1000)
            self._pending = None

    def _expire(self, now: float) -> None:
        if self._pending is not None and now - self._pending > SIGNAL_LOST_S:
            self._pending = None
            self.missed += 1


@dataclass(frozen=True, slots=True)
class SlotReading:
    """What one poll of a grid-signal slot and the station's head showed."""

    at: float
    since: float
    """When the poll before it was sent: a change happened after this."""
    enabled: bool
    limit_w: int
    mode: int
    """0 cap, 1 setpoint, 2 pause, 3 emergency."""
    heartbeat: int
    failsafe_w: int
    heartbeat_timeout_s: int
    power_w: float | None


MODE_PAUSE: Final = 2
MODE_EMERGENCY: Final = 3
HEARTBEAT_GRACE_S: Final = 1.0
"""A lost heartbeat is noticed within this of its time-out."""


@dataclass(slots=True)
class CapWatch:
    """The cap that the station must obey, derived from the registers that were written and from silence.

    Args:
        rating_w: Rating of the grid connection.
        settle_s: Commissioned settle time of the slot.
    """

    rating_w: float
    settle_s: float
    _written: tuple[bool, int, int] | None = None
    _limit_seen: bool = False
    _heartbeat: int | None = None
    _heartbeat_at: float = 0.0

    def manager_gone(self) -> None:
        """The energy manager does not answer: after its return it starts in failsafe."""
        self._limit_seen = False
        self._written = None
        self._heartbeat = None

    def read(self, reading: SlotReading) -> tuple[float, float]:
        """The cap that must hold at `reading`, and the settle time of what binds."""
        if reading.heartbeat != self._heartbeat or self._changed(reading):
            self._heartbeat, self._heartbeat_at = reading.heartbeat, reading.at
        self._limit_seen = self._limit_seen or reading.enabled
        silent_s = reading.at - self._heartbeat_at
        lost = reading.heartbeat_timeout_s > 0 and silent_s > reading.heartbeat_timeout_s + HEARTBEAT_GRACE_S
        caps = [(self.rating_w, self.settle_s)]
        if lost or not self._limit_seen:
            caps.append((float(reading.failsafe_w), self.settle_s))
        if reading.enabled:
            caps.append(self._asked(reading))
        return min(caps)

    def changed_limit(self, reading: SlotReading) -> bool:
        """True when this reading shows another limit, enable or mode than the one before. Call before `read`."""
        return self._written is not None and self._changed(reading)

    def remember(self, reading: SlotReading) -> None:
        """Keep what was written, for the next comparison. Call after `read`."""
        self._written = (reading.enabled, reading.limit_w, reading.mode)

    def _changed(self, reading: SlotReading) -> bool:
        return self._written != (reading.enabled, reading.limit_w, reading.mode)

    def _asked(self, reading: SlotReading) -> tuple[float, float]:
        if reading.mode == MODE_EMERGENCY:
            return 0.0, 0.0
        if reading.mode == MODE_PAUSE:
            return 0.0, self.settle_s
        return min(float(reading.limit_w), self.rating_w), self.settle_s


def percentile(samples: Iterable[float], share: float) -> float | None:
    """The smallest sample that at least `share` of them do not exceed; None without samples."""
    ordered = sorted(samples)
    if not ordered:
        return None
    rank = min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))
    return ordered[rank]
