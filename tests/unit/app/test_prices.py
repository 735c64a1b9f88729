"""Prices travel hour by hour, as far as they are told without a gap."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from powerctl.app.prices import HOURS, hourly
from powerctl.signals.sources.source import Foreseen

NOW = datetime(2026, 11, 1, 12, 20, tzinfo=UTC)


def told(*prices: str | None) -> Callable[[datetime], Foreseen]:
    def foreseen(utc: datetime) -> Foreseen:
        hour = (utc - NOW) // timedelta(hours=1)
        price = prices[hour] if hour < len(prices) else None
        return Foreseen(None) if price is None else Foreseen(None, Decimal(price), "EUR")

    return foreseen


def test_the_prices_begin_with_this_hour_and_end_where_nothing_is_told() -> None:
    assert hourly(told("0.34", "0.05"), NOW) == ((0.34, 0.05), "EUR")


def test_a_gap_ends_them() -> None:
    assert hourly(told("0.34", None, "0.05"), NOW) == ((0.34,), "EUR")


def test_without_a_price_for_this_hour_nothing_is_said() -> None:
    assert hourly(told(None, "0.05"), NOW) == ((), "")


def test_a_day_is_told_and_no_more() -> None:
    assert len(hourly(told(*["0.1"] * 90), NOW)[0]) == HOURS
