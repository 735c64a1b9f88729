"""How benchmarks say what they measured: one table, each figure beside its limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    """None: only stated. Otherwise the most that is promised."""
    at_least: bool = False
    """True: `limit` is the least that is promised."""
    digits: int = 1
    """After the point."""

    @property
    def held(self) -> bool:
        """True when the promise was kept, or there is none."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def show(title: str, figures: Sequence[Figure]) -> None:
    """Print the table; what was not kept is marked."""
    width = max(len(figure.what) for figure in figures)
    print(f"\n{title}")
    for figure in figures:
        sign = "≥" if figure.at_least else "≤"
        promise = "" if figure.limit is None else f"{sign} {figure.limit:g} {figure.unit}"
        mark = "" if figure.held else "   NOT KEPT"
        print(f"  {figure.what:<{width}}  {figure.value:10.{figure.digits}f} {figure.unit:<5} {promise}{mark}")
