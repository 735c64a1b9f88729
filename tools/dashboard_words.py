"""The words in which the tables of dashboards are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Query:
    """One expression of a panel."""

    expression: str
    legend: str = ""
    after: str = ""
    """What must have happened before there is an answer; empty: a running station answers at once."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture."""

    title: str
    unit: str
    """As Grafana names units; `short` for a count."""
    meaning: str
    queries: tuple[Query, ...]
    is_number: bool = False
    """One number instead of a curve."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page."""

    name: str
    """Of the file, and of the address."""
    title: str
    meaning: str
    panels: tuple[Panel, ...]
    per_station: bool = False
    """The reader chooses stations; expressions say `{station=~"$station"}`."""


SESSION_END: Final = "a session that ended"
REFUSAL: Final = "something that was refused or lost"
SILENCE: Final = "a grid source that fell silent"
CERTIFICATE: Final = "a station that enrols"
SOURCE: Final = "a grid source beside the register map"
HARDWARE: Final = "real power electronics"
SIGNAL: Final = "a lower cap"
ATTACK: Final = "a sign-in that failed, or an attack"
ALERT: Final = "an alert"
HOUR: Final = "some minutes of history"


def number(title: str, unit: str, meaning: str, expression: str, after: str = "") -> Panel:
    """A panel with one number."""
    return Panel(title, unit, meaning, (Query(expression, after=after),), is_number=True)


def curves(title: str, unit: str, meaning: str, *queries: Query) -> Panel:
    """A panel with values over time."""
    return Panel(title, unit, meaning, queries)


def quantile(fraction: float, histogram: str, labels: str = "", selector: str = "") -> str:
    """The expression for a quantile of a histogram, kept apart by `labels` ("station, connector")."""
    by = f"{labels}, le" if labels else "le"
    return f"histogram_quantile({fraction}, sum by ({by}) (rate({histogram}_bucket{selector}[$__rate_interval])))"


S: Final = '{station=~"$station"}'
"""The selector for the stations that the reader chose."""


def as_prometheus(expression: str, *, station: str = ".*", rate_interval: str = "20s") -> str:
    """The expression that Grafana would send: its variables replaced."""
    return expression.replace("$station", station).replace("$__rate_interval", rate_interval)
