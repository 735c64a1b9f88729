"""What is known of a kind of vehicle: rules that were commissioned, and what earlier sessions have shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from powerctl.core.session import Flexibility

_MOST: Final = 16
"""Kinds of vehicles that a connector remembers."""
_FIRM: Final = 2
"""Strikes after which a kind of vehicle is only started and stopped."""


@dataclass(frozen=True, slots=True)
class Identity:
    """By what a vehicle can be told from others; fixed with its permission."""

    maker: int | None
    """Of 0x700. None: not sent."""
    protocol_number: int
    max_voltage_v: int
    min_current_a: int


@dataclass(frozen=True, slots=True)
class VehicleRule:
    """How a kind of vehicle is treated. What is None does not matter for the match, or is not ruled."""

    name: str
    """For people."""
    maker: int | None = None
    protocol_number: int | None = None
    max_voltage_v: int | None = None
    min_current_a: int | None = None
    flexibility: Flexibility | None = None
    slope_a_s: float | None = None
    """How fast available current may fall."""
    floor_a: float | None = None
    """The smallest current, when it is more than 100.0 says."""
    pause_s: float | None = None
    """How long it stays in its session without current; 0: not at all."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What sessions with a kind of vehicle have shown."""

    identity: Identity
    strikes: int = 0
    """2 for a fault right after a decrease, 1 for an end without a fault."""
    pause_s: float | None = None
    """Ended by itself after so long without current."""

    @property
    def firm(self) -> bool:
        """True when it cannot take a lower announcement."""
        return self.strikes >= _FIRM


def rule_for(identity: Identity, rules: Iterable[VehicleRule]) -> VehicleRule | None:
    """The first rule that fits."""
    return next((rule for rule in rules if _fits(rule, identity)), None)


def _fits(rule: VehicleRule, identity: Identity) -> bool:
    pairs = (
        (rule.maker, identity.maker),
        (rule.protocol_number, identity.protocol_number),
        (rule.max_voltage_v, identity.max_voltage_v),
        (rule.min_current_a, identity.min_current_a),
    )
    return all(wanted is None or wanted == there for wanted, there in pairs)


def lesson_for(identity: Identity, lessons: Iterable[Lesson]) -> Lesson:
    """What is known of this kind; an empty lesson for a new one."""
    return next((lesson for lesson in lessons if lesson.identity == identity), Lesson(identity))


def struck(lessons: tuple[Lesson, ...], identity: Identity, strikes: int) -> tuple[Lesson, ...]:
    """`lessons` after a further end of a session right after a decrease."""
    known = lesson_for(identity, lessons)
    return _kept(lessons, replace(known, strikes=known.strikes + strikes))


def waited(lessons: tuple[Lesson, ...], identity: Identity, seconds: float) -> tuple[Lesson, ...]:
    """`lessons` after the vehicle gave up in a pause of `seconds`; the shortest counts."""
    known = lesson_for(identity, lessons)
    pause_s = seconds if known.pause_s is None else min(known.pause_s, seconds)
    return _kept(lessons, replace(known, pause_s=pause_s))


def _kept(lessons: tuple[Lesson, ...], fresh: Lesson) -> tuple[Lesson, ...]:
    others = tuple(lesson for lesson in lessons if lesson.identity != fresh.identity)
    return (fresh, *others)[:_MOST]
