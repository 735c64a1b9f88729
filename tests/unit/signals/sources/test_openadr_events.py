"""Events of OpenADR 3.1 as timed signals, checked against another implementation's reading of them."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openadr3.entities.models import Event

from powerctl.core.errors import RemoteError
from powerctl.signals.sources.openadr_events import LAST_PRIORITY, Payload, TimedSignal, signals_of

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
RECEIVED = NOON - timedelta(hours=1)


def event(*payloads: tuple[str, Any], **head: Any) -> dict[str, Any]:
    """An event at noon whose intervals of a quarter of an hour carry one payload each."""
    return {
        "id": "event-1",
        "programID": "program-1",
        "intervalPeriod": {"start": "2026-11-01T12:00:00Z", "duration": "PT15M"},
        "intervals": [
            {"id": number, "payloads": [{"type": kind, "values": [value]}]}
            for number, (kind, value) in enumerate(payloads)
        ],
        **head,
    }


def read(raw: dict[str, Any], fraction: float = 0.5) -> tuple[TimedSignal, ...]:
    return signals_of(raw, RECEIVED, lambda _: fraction)


def test_a_capacity_limit_comes_in_kilowatts() -> None:
    (signal,) = read(event(("IMPORT_CAPACITY_LIMIT", 4.2), priority=3))
    assert signal == TimedSignal(
        "event-1",
        3,
        Payload.IMPORT_CAPACITY_LIMIT,
        Decimal(4200),
        "",
        NOON,
        NOON + timedelta(minutes=15),
    )


@pytest.mark.parametrize(("units", "watts"), [("KW", 4000), ("W", 4), ("MW", 4_000_000)])
def test_the_descriptor_tells_the_unit(units: str, watts: int) -> None:
    described = event(
        ("IMPORT_CAPACITY_LIMIT", 4), payloadDescriptors=[{"payloadType": "IMPORT_CAPACITY_LIMIT", "units": units}]
    )
    assert read(described)[0].value == watts


def test_prices_are_exact_and_have_a_currency() -> None:
    prices = read(
        event(
            *(("PRICE", value) for value in (0.1, 0.3, -0.05)),
            payloadDescriptors=[{"payloadType": "PRICE", "units": "KWH", "currency": "EUR"}],
        )
    )
    assert [signal.value for signal in prices] == [Decimal("0.1"), Decimal("0.3"), Decimal("-0.05")]
    assert {(signal.units, signal.priority) for signal in prices} == {("EUR", LAST_PRIORITY)}


def test_an_alert_keeps_its_text() -> None:
    (alert,) = read(event(("ALERT_GRID_EMERGENCY", "Rolling outages.")))
    assert (alert.payload, alert.text) == (Payload.ALERT_GRID_EMERGENCY, "Rolling outages.")


def test_a_charge_state_is_a_goal_in_per_cent_or_an_energy() -> None:
    assert read(event(("CHARGE_STATE_SETPOINT", 80)))[0].units == "PERCENT"
    descriptors = [{"payloadType": "CHARGE_STATE_SETPOINT", "units": "KWH"}]
    (goal,) = read(event(("CHARGE_STATE_SETPOINT", 5), payloadDescriptors=descriptors))
    assert (goal.value, goal.units) == (Decimal(5000), "WH")


def test_payloads_that_the_station_does_not_follow_are_left_out() -> None:
    assert read(event(("GHG", 120), ("SIMPLE", 1)))[0].payload is Payload.SIMPLE


def test_what_starts_at_once_starts_when_it_came_and_may_be_endless() -> None:
    period = {"start": "0001-01-01T00:00:00Z", "duration": "P9999Y"}
    (signal,) = read(event(("SIMPLE", 2), intervalPeriod=period))
    assert (signal.start, signal.end) == (RECEIVED, None)
    (signal,) = read(event(("SIMPLE", 2), intervalPeriod=None))
    assert (signal.start, signal.end) == (RECEIVED, None)


@pytest.mark.parametrize(("fraction", "shift_s"), [(0.0, -300), (0.5, 0), (1.0, 300)])
def test_a_random_start_shifts_all_intervals_by_the_same_time(fraction: float, shift_s: float) -> None:
    period = {"start": "2026-11-01T12:00:00Z", "duration": "PT15M", "randomizeStart": "PT5M"}
    signals = read(event(("SIMPLE", 1), ("SIMPLE", 2), intervalPeriod=period), fraction)
    quarter = timedelta(minutes=15)
    assert [s.start - timedelta(seconds=shift_s) for s in signals] == [NOON, NOON + quarter]
    assert signals[0].end == signals[1].start


periods = st.fixed_dictionaries(
    {},
    optional={
        "start": st.sampled_from(["2026-11-01T13:00:00Z", "2026-11-02T00:00:00+02:00"]),
        "duration": st.sampled_from(["PT5M", "PT1H", "P1D"]),
    },
)


@given(st.lists(st.one_of(st.none(), periods), min_size=1, max_size=6))
def test_intervals_lie_where_another_implementation_puts_them(own: list[dict[str, str] | None]) -> None:
    raw = event(*(("SIMPLE", 1) for _ in own))
    for interval, period in zip(raw["intervals"], own, strict=True):
        if period is not None:
            interval["intervalPeriod"] = period
    if any(period is not None and "start" in period for period in own[:-1]):
        return  # The specification leaves open what follows an interval with a start of its own.
    resolved = [interval.interval_period for interval in Event.from_raw(raw).resolved_intervals()]
    assert [(s.start, s.end) for s in read(raw)] == [period.period for period in resolved if period]


BROKEN: list[Any] = [
    None,
    [],
    "event",
    {},
    {"id": ""},
    event(("IMPORT_CAPACITY_LIMIT", -1)),
    event(("IMPORT_CAPACITY_LIMIT", "much")),
    event(("IMPORT_CAPACITY_LIMIT", True)),
    event(("IMPORT_CAPACITY_LIMIT", 1e300)),
    event(("IMPORT_CAPACITY_LIMIT", float("nan"))),
    event(("IMPORT_CAPACITY_LIMIT", None)),
    event(
        ("IMPORT_CAPACITY_LIMIT", 1), payloadDescriptors=[{"payloadType": "IMPORT_CAPACITY_LIMIT", "units": "HORSE"}]
    ),
    event(("SIMPLE", 4)),
    event(("SIMPLE", 1.5)),
    event(("CHARGE_STATE_SETPOINT", 101)),
    event(("SIMPLE", 1), priority=-1),
    event(("SIMPLE", 1), priority="high"),
    event(("SIMPLE", 1), intervalPeriod={"start": "soon"}),
    event(("SIMPLE", 1), intervalPeriod={"start": "2026-11-01T12:00:00Z", "duration": "15"}),
    event(("SIMPLE", 1), intervalPeriod=[]) | {"intervalPeriod": [1]},
    event(("SIMPLE", 1), payloadDescriptors={"a": 1}),
    event() | {"intervals": [{"id": 0}]},
    event() | {"intervals": [{"id": 0, "payloads": [{"type": "SIMPLE"}]}]},
    event() | {"intervals": [3]},
    event() | {"intervals": [{}] * 1001},
    event(("SIMPLE", 1), ("SIMPLE", 2), intervalPeriod={"start": "2026-11-01T12:00:00Z", "duration": "P9999Y"}),
]


@pytest.mark.parametrize("raw", BROKEN, ids=range(len(BROKEN)))
def test_an_event_that_cannot_be_understood_is_refused_as_a_whole(raw: Any) -> None:
    with pytest.raises(RemoteError):
        read(raw)


json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(event())), inner, max_size=4),
    max_leaves=12,
)


@given(json)
def test_nothing_but_a_refusal_comes_of_nonsense(raw: Any) -> None:
    with contextlib.suppress(RemoteError):
        read(raw)
