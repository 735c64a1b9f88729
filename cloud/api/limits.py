"""How often one caller may call: per person, or per address for who has not signed in."""

from __future__ import annotations

from cloud.api.call import Call
from cloud.domain.bucket import Buckets
from cloud.domain.refusal import Refusal, Why
from powerctl.core.clock import Clock


class Limits:
    """Counts calls.

    Args:
        clock: For the rates.
        rate: Calls per second that one caller may make for long.
        burst: Calls that one caller may make at once.
    """

    def __init__(self, clock: Clock, *, rate: float, burst: float) -> None:
        self._clock = clock
        self._buckets = Buckets(rate, burst)

    def count(self, call: Call) -> Call:
        """`call`, when the caller may make it.

        Raises:
            Refusal: RESOURCE_EXHAUSTED: there were too many.
        """
        key = f"u:{call.principal.user}" if call.principal else f"a:{call.peer}"
        wait = self._buckets.take(key, self._clock.monotonic())
        if wait > 0:
            raise Refusal(Why.RESOURCE_EXHAUSTED, "Too many requests. Slow down.", retry_s=wait)
        return call
