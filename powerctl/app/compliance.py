"""What the grid ordered, and when the measured power complied: to the evidence, the metrics and the cloud."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from powerctl.allocation.budget import Budget
from powerctl.allocation.compliance import Complied, Exceeded, Watch, measured, ordered
from powerctl.app.evidence import Evidence, entry_of
from powerctl.core.clock import Clock, Monotonic
from powerctl.core.record import GridEvent, GridEventKind, Record
from powerctl.core.units import Power
from powerctl.runtime import log, metrics

_log = log.get(__name__)


class Compliance:
    """Follows the caps and the meter.

    Args:
        evidence: Keeps every event.
        clock: Of the events' times.
        send: Queues a record for the cloud.
    """

    def __init__(self, evidence: Evidence, clock: Clock, send: Callable[[Record], None]) -> None:
        self._evidence, self._clock, self._send = evidence, clock, send
        self._watch = Watch()

    def ordered(self, budget: Budget, now: Monotonic) -> None:
        """What may be drawn from now on."""
        self._watch = ordered(self._watch, budget, now)

    def measured(self, power: Power, now: Monotonic) -> None:
        """What the meter says, AC."""
        self._watch, seen = measured(self._watch, power, now)
        if isinstance(seen, Complied):
            metrics.histogram("powerctl_compliance_seconds").observe(seen.after_s)
            self.record(_event(seen, self._clock.utc()), latency_s=seen.after_s)
        elif seen is not None:
            self._exceeded(seen)

    def record(self, event: GridEvent, *, latency_s: float | None = None) -> None:
        """Keep an event, and tell the cloud."""
        self._evidence.add(entry_of(event, latency_s=latency_s))
        self._send(Record(self._clock.utc(), event))

    def _exceeded(self, seen: Exceeded) -> None:
        metrics.counter("powerctl_compliance_missed_total").labels(seen.source.value).inc()
        values = {"source": seen.source.value, "cap_w": seen.cap.w, "measured_w": seen.measured.w}
        detail = f"Measured {seen.measured} above the limit of {seen.cap}, {seen.after_s:.3f} s after it fell."
        self._evidence.note("exceeded", detail, **values)
        _log.warning("grid_cap_exceeded", **values)


def _event(met: Complied, utc: datetime) -> GridEvent:
    detail = f"Measured {met.measured} within the limit of {met.cap} after {met.after_s:.3f} s."
    return GridEvent(GridEventKind.COMPLIED, met.source, met.cap, met.measured, utc, detail)
