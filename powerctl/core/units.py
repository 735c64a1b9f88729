"""Physical quantities as types. Positive power flows from the grid into the vehicle.

A quantity has no truth value and mixes with no other kind: `Power(1) + Current(2)` fails in the type checker
and at run time. Plain floats appear only inside numeric kernels, with the unit as suffix (`limit_w`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NoReturn, Self, overload


@dataclass(frozen=True, slots=True, order=True)
class _Quantity:
    value: float
    """In the base unit of the kind: watts, volts, amperes, watt hours."""

    def __post_init__(self) -> None:
        if math.isnan(self.value):
            raise ValueError(f"{type(self).__name__} is not a number")

    def _same(self, other: object) -> bool:
        return type(other) is type(self)

    def __add__(self, other: Self) -> Self:
        if not self._same(other):
            return NotImplemented
        return type(self)(self.value + other.value)

    def __sub__(self, other: Self) -> Self:
        if not self._same(other):
            return NotImplemented
        return type(self)(self.value - other.value)

    def __neg__(self) -> Self:
        return type(self)(-self.value)

    def __mul__(self, factor: float) -> Self:
        return type(self)(self.value * float(factor))

    __rmul__ = __mul__

    @overload
    def __truediv__(self, other: Self) -> float: ...
    @overload
    def __truediv__(self, other: float) -> Self: ...
    def __truediv__(self, other: Self | float) -> Self | float:
        if isinstance(other, _Quantity):
            return self.value / other.value if self._same(other) else NotImplemented
        return type(self)(self.value / other)

    def __bool__(self) -> NoReturn:
        raise TypeError("a quantity has no truth value; compare it with zero")


@dataclass(frozen=True, slots=True, order=True)
class Power(_Quantity):
    """Power, in watts."""

    @classmethod
    def from_kw(cls, kilowatts: float) -> Power:
        """Power of so many kilowatts."""
        return cls(kilowatts * 1000.0)

    @property
    def w(self) -> float:
        """Watts."""
        return self.value

    @property
    def kw(self) -> float:
        """Kilowatts."""
        return self.value / 1000.0

    def at(self, voltage: Voltage) -> Current:
        """The current that carries this power at `voltage`; zero at or below zero volts."""
        return Current(self.value / voltage.value) if voltage.value > 0 else Current(0.0)

    def __str__(self) -> str:
        return f"{self.value / 1000:.1f} kW" if abs(self.value) >= 1000 else f"{self.value:.0f} W"


@dataclass(frozen=True, slots=True, order=True)
class Voltage(_Quantity):
    """Voltage, in volts."""

    @property
    def v(self) -> float:
        """Volts."""
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.0f} V"


@dataclass(frozen=True, slots=True, order=True)
class Current(_Quantity):
    """Current, in amperes; positive into the vehicle."""

    @property
    def a(self) -> float:
        """Amperes."""
        return self.value

    def at(self, voltage: Voltage) -> Power:
        """The power that this current carries at `voltage`."""
        return Power(self.value * voltage.value)

    def __str__(self) -> str:
        return f"{self.value:.1f} A"


@dataclass(frozen=True, slots=True, order=True)
class Energy(_Quantity):
    """Energy, in watt hours."""

    @property
    def wh(self) -> float:
        """Watt hours."""
        return self.value

    @property
    def kwh(self) -> float:
        """Kilowatt hours."""
        return self.value / 1000.0

    def __str__(self) -> str:
        return f"{self.value / 1000:.2f} kWh"


ZERO_POWER = Power(0.0)
UNLIMITED = Power(math.inf)
"""No bound. Never sent on a wire."""
