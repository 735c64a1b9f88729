"""What the grid's sources have told about prices, as it travels to the cloud."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from powerctl.signals.sources.source import Foreseen

HOURS: Final = 24


def hourly(foreseen: Callable[[datetime], Foreseen], utc: datetime) -> tuple[tuple[float, ...], str]:
    """Prices per kilowatt hour of this hour and of those that follow without a gap, and their currency.

    Args:
        foreseen: What is known about an instant.
        utc: Now.

    Returns:
        At most `HOURS` prices, none when this hour's is not known; the currency is empty when it was not told.
    """
    prices: list[float] = []
    known = foreseen(utc)
    currency = known.currency
    for hour in range(1, HOURS + 1):
        if known.price is None:
            break
        prices.append(float(known.price))
        known = foreseen(utc + timedelta(hours=hour))
    return tuple(prices), currency if prices else ""
