"""What a protocol number brings. Both sides behave as the lower of the two numbers says (osx)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Feature(StrEnum):
    """Parts of the protocol that came later than its first edition."""

    CONTACTOR_REPORT = "102.5.3 tells whether the vehicle's contactor is open"
    MIN_CURRENT = "100.0 states the smallest current"
    EXTENDED = "0x110 and 0x118 exist"


@dataclass(frozen=True, slots=True)
class Edition:
    """One protocol number."""

    meaning: str
    features: frozenset[Feature]
    source: str


_LATER: Final = frozenset(Feature)

EDITIONS: Final[Mapping[int, Edition]] = {
    0: Edition("before 0.9", frozenset(), "osx; treated as 0.9"),
    1: Edition("0.9, 0.9.1", frozenset(), "captures: a Leaf that hears 1 never sets 102.5.3"),
    2: Edition("1.0.0 to 1.2", _LATER, "osx; captures: a Leaf sends 2 together with 0x110"),
    3: Edition("2.0", _LATER, "osx; a stop does not wait for k, and never does here"),
}
"""Indexed by 102.0 and 109.0."""


def has(number: int, feature: Feature) -> bool:
    """True when the lower number of both sides, `number`, brings `feature`. Later numbers bring what 2.0 has."""
    return feature in EDITIONS[max(0, min(number, max(EDITIONS)))].features
