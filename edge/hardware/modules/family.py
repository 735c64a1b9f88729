"""What a family of power modules must offer: orders, questions and answers as frames (pure).

Both halves are here, the controller's and the module's, so that a simulated module speaks through the same words. The
tests compare the frames of both with published examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from edge.can.frame import Frame


class Trouble(StrEnum):
    """Why a module cannot be relied on."""

    FAULT = "fault"
    PROTECTION = "protection"
    OVER_TEMPERATURE = "over-temperature"
    FAN = "fan"
    INPUT = "mains input"
    SHORT = "short circuit"
    OVER_VOLTAGE = "over-voltage"
    SAME_ADDRESS = "address used twice"
    BLEEDER = "discharge circuit"


@dataclass(frozen=True, slots=True)
class ModuleOrder:
    """What one module shall do."""

    is_on: bool
    voltage_v: float = 0.0
    current_a: float = 0.0


OFF = ModuleOrder(is_on=False)


@dataclass(frozen=True, slots=True)
class ModuleNews:
    """What one answer says. None: it does not say."""

    voltage_v: float | None = None
    current_a: float | None = None
    is_on: bool | None = None
    troubles: frozenset[Trouble] | None = None
    temperature_c: float | None = None
    available_a: float | None = None
    """What it can give now; less than rated when it protects itself."""
    max_power_w: float | None = None
    is_high_range: bool | None = None


class Topic(StrEnum):
    """What a module can be asked."""

    OUTPUT = "output"
    STATUS = "status"
    AVAILABLE = "available"
    RATING = "rating"
    TEMPERATURE = "temperature"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class Ask:
    """What the controller wants of a module: one frame, decoded by the module's half."""

    address: int | None
    """None: of every module."""
    topics: tuple[Topic, ...] = ()
    voltage_v: float | None = None
    current_a: float | None = None
    is_on: bool | None = None
    is_high_range: bool | None = None


class Family(Protocol):
    """One manufacturer's protocol."""

    @property
    def name(self) -> str:
        """As in the settings."""
        ...

    @property
    def bitrate(self) -> int:
        """Bits per second."""
        ...

    @property
    def self_off_s(self) -> float | None:
        """A module that hears nothing for so long switches itself off. None: it does not, or nobody says."""
        ...

    @property
    def split_v(self) -> float | None:
        """Above this voltage the module must be in its high range. None: it has one range."""
        ...

    def orders(self, address: int, order: ModuleOrder) -> tuple[Frame, ...]:
        """The frames that give `order`; a decrease or an end comes first."""
        ...

    def all_off(self) -> tuple[Frame, ...]:
        """The frames that switch every module of the bus off."""
        ...

    def ranged(self, address: int, *, high: bool) -> tuple[Frame, ...]:
        """The frames that choose the voltage range; nothing where there is one."""
        ...

    def questions(self, address: int) -> tuple[Frame, ...]:
        """To be asked ten times a second."""
        ...

    def seldom(self, address: int) -> tuple[Frame, ...]:
        """To be asked every second."""
        ...

    def heard(self, frame: Frame) -> tuple[int, ModuleNews] | None:
        """Which module says what. None: no answer of a module, or one that says nothing of use.

        Raises:
            RemoteError: An answer that cannot be decoded.
        """
        ...

    def asked(self, frame: Frame) -> Ask | None:
        """The module's half: what the controller wants. None: not for a module."""
        ...

    def answer(self, address: int, topic: Topic, news: ModuleNews) -> Frame | None:
        """The module's half: the frame that says `news`. None: this family has no such frame."""
        ...
