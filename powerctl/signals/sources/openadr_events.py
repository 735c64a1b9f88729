"""From an event of OpenADR 3.1 to timed signals. Pure; whatever cannot be understood is a `RemoteError`.

The event's period gives start and duration of its intervals, one after the other; an interval may have its own
(OpenADR 3.1.0, Definition, intervalPeriod).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final

from powerctl.core.errors import RemoteError
from powerctl.signals.sources.iso8601 import duration_s, instant, later

MAX_INTERVALS: Final = 1000
LAST_PRIORITY: Final = 1 << 31
"""Of an event that gives none: 0 is the highest."""


class Payload(StrEnum):
    """The types of payload that the station follows."""

    IMPORT_CAPACITY_LIMIT = "IMPORT_CAPACITY_LIMIT"
    PRICE = "PRICE"
    SIMPLE = "SIMPLE"
    CHARGE_STATE_SETPOINT = "CHARGE_STATE_SETPOINT"
    DISPATCH_SETPOINT = "DISPATCH_SETPOINT"
    ALERT_GRID_EMERGENCY = "ALERT_GRID_EMERGENCY"


_WATTS: Final = {"": 1000.0, "W": 1.0, "KW": 1000.0, "MW": 1_000_000.0}
"""Powers come in kilowatts unless the descriptor says otherwise."""
_POWERS: Final = frozenset({Payload.IMPORT_CAPACITY_LIMIT, Payload.DISPATCH_SETPOINT})


@dataclass(frozen=True, slots=True)
class TimedSignal:
    """One payload of one interval."""

    event: str
    priority: int
    """Lower goes first."""
    payload: Payload
    value: Decimal
    """Watts, a price per kilowatt hour, a level, per cent, or watt hours; 0 for an alert."""
    units: str
    """Of a charge state: PERCENT or WH. Of a price: its currency. Else empty."""
    start: datetime
    end: datetime | None
    """None: endless."""
    text: str = ""
    """For a person, as the other side wrote it."""
    at_once: bool = False
    """True: `start` is when it was received; the server named no time of day."""

    def holds(self, utc: datetime) -> bool:
        """True from its start until before its end."""
        return self.start <= utc and (self.end is None or utc < self.end)


def signals_of(event: Any, received: datetime, fraction: Callable[[str], float]) -> tuple[TimedSignal, ...]:
    """The signals of an event, in the order of its intervals; payloads of other types are left out.

    Args:
        event: As parsed from JSON.
        received: When it came: the start of what starts at once.
        fraction: Uniformly distributed from 0 to 1 and always the same for one event: spreads its start.

    Raises:
        RemoteError: The event cannot be understood. None of it is taken.
    """
    head = _mapping(event, "event")
    name = head.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= 128:
        raise RemoteError("an event without id")
    intervals = head.get("intervals") or []
    if not isinstance(intervals, list) or len(intervals) > MAX_INTERVALS:
        raise RemoteError(f"event {name}: {MAX_INTERVALS} intervals at most")
    units = _units(head)
    found: list[TimedSignal] = []
    for interval, (start, end) in zip(intervals, _periods(head, intervals, received, fraction(name)), strict=True):
        at_once = _is_at_once(head, interval)
        for payload, values in _payloads(interval):
            value, unit, text = _value(payload, values, units.get(payload, {}))
            found.append(TimedSignal(name, _priority(head), payload, value, unit, start, end, text, at_once))
    return tuple(found)


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RemoteError(f"{what}: not an object")
    return value


def _priority(head: Mapping[str, Any]) -> int:
    priority = head.get("priority")
    if priority is None:
        return LAST_PRIORITY
    if not isinstance(priority, int) or isinstance(priority, bool) or priority < 0:
        raise RemoteError(f"a priority of {priority!r}")
    return priority


def _units(head: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    descriptors = head.get("payloadDescriptors") or []
    if not isinstance(descriptors, list):
        raise RemoteError("payloadDescriptors: not a list")
    return {str(one.get("payloadType")): one for one in (_mapping(d, "descriptor") for d in descriptors)}


def _periods(
    head: Mapping[str, Any], intervals: list[Any], received: datetime, fraction: float
) -> Iterator[tuple[datetime, datetime | None]]:
    """Start and end of every interval, shifted by the event's or the interval's random time."""
    whole = _mapping(head.get("intervalPeriod") or {}, "intervalPeriod")
    begins: datetime | None = _start(whole, received)
    for interval in intervals:
        own = _mapping(_mapping(interval, "interval").get("intervalPeriod") or {}, "intervalPeriod")
        start = _start(own, received) if "start" in own else begins
        if start is None:
            raise RemoteError("an interval after an endless one")
        spread = timedelta(seconds=(2 * fraction - 1) * _random_s(own if "randomizeStart" in own else whole))
        begins = later(start, _duration(own, whole))
        yield start + spread, None if begins is None else begins + spread


def _is_at_once(head: Mapping[str, Any], interval: Mapping[str, Any]) -> bool:
    """True if neither the event nor its interval names a time of day."""
    periods = (interval.get("intervalPeriod") or {}, head.get("intervalPeriod") or {})
    return all(instant(period["start"]) is None for period in periods if "start" in period)


def _start(period: Mapping[str, Any], received: datetime) -> datetime:
    found = instant(period["start"]) if "start" in period else None
    return received if found is None else found


def _duration(own: Mapping[str, Any], whole: Mapping[str, Any]) -> float | None:
    text = own.get("duration", whole.get("duration"))
    return None if text is None else duration_s(text)


def _random_s(period: Mapping[str, Any]) -> float:
    text = period.get("randomizeStart")
    return 0.0 if text is None else duration_s(text) or 0.0


def _payloads(interval: Mapping[str, Any]) -> Iterator[tuple[Payload, list[Any]]]:
    payloads = interval.get("payloads")
    if not isinstance(payloads, list):
        raise RemoteError("an interval without payloads")
    for payload in payloads:
        name, values = _mapping(payload, "payload").get("type"), payload.get("values")
        if not isinstance(values, list):
            raise RemoteError("a payload without values")
        if name in set(Payload):
            yield Payload(name), values


def _value(payload: Payload, values: list[Any], descriptor: Mapping[str, Any]) -> tuple[Decimal, str, str]:
    """Value in our unit, its unit, and the text."""
    if payload is Payload.ALERT_GRID_EMERGENCY:
        return Decimal(0), "", str(values[0])[:200] if values else ""
    number = _number(payload, values)
    units = str(descriptor.get("units") or "").upper()
    if payload in _POWERS:
        return _at_least_zero(number * Decimal(_factor(payload, units)), payload), "", ""
    if payload is Payload.PRICE:
        return number, str(descriptor.get("currency") or "")[:3], ""
    if payload is Payload.SIMPLE:
        return _level(number), "", ""
    return _charge_state(number, units)


def _number(payload: Payload, values: list[Any]) -> Decimal:
    value = values[0] if len(values) == 1 else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise RemoteError(f"{payload}: one number is needed")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise RemoteError(f"{payload}: {value!r} is no number") from error
    if not number.is_finite() or not math.isfinite(float(number)) or abs(number) > Decimal(10) ** 9:
        raise RemoteError(f"{payload}: {value!r} is out of range")
    return number


def _factor(payload: Payload, units: str) -> float:
    if units not in _WATTS:
        raise RemoteError(f"{payload}: unit {units[:16]!r}")
    return _WATTS[units]


def _at_least_zero(number: Decimal, payload: Payload) -> Decimal:
    if number < 0:
        raise RemoteError(f"{payload}: {number} is negative")
    return number


def _level(number: Decimal) -> Decimal:
    if number not in (0, 1, 2, 3):
        raise RemoteError(f"SIMPLE: level {number}")
    return number


def _charge_state(number: Decimal, units: str) -> tuple[Decimal, str, str]:
    _at_least_zero(number, Payload.CHARGE_STATE_SETPOINT)
    if units in ("KWH", "WH"):
        return number * (1000 if units == "KWH" else 1), "WH", ""
    if units not in ("", "PERCENT", "%") or number > 100:
        raise RemoteError(f"CHARGE_STATE_SETPOINT: {number} {units[:16]}")
    return number, "PERCENT", ""
