"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from powerctl.core.ids import StationId


class Role(StrEnum):
    """What a person may do; `policy.py` says what that is."""

    DRIVER = "driver"
    OWNER = "owner"
    """Owns stations, and sees what happens at those and at no other."""
    OPERATOR = "operator"
    """Sees and controls every station."""
    OPERATOR_VIEW = "operator_view"
    """Sees every station and controls none."""
    BILLING = "billing"
    UTILITY = "utility"
    AUDITOR = "auditor"
    ADMIN = "admin"
    """Manages people and the identities of stations; controls no station."""


GUEST: Final = "guest-"
"""What the id of a driver without an account begins with; no account has such an id."""
SECOND_FACTOR: Final = frozenset({Role.OPERATOR, Role.ADMIN, Role.UTILITY})
"""Roles that nobody has with a password alone."""
_ALL_SESSIONS: Final = frozenset({Role.OPERATOR, Role.OPERATOR_VIEW, Role.BILLING, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class Principal:
    """A person who has signed in."""

    user: str
    """Id of the user, without the `users/` of its resource name."""
    display_name: str
    role: Role
    stations: frozenset[StationId] = frozenset()
    """Stations that an owner owns; empty for everybody else."""

    @property
    def sees_all(self) -> bool:
        """True when everybody's sessions and receipts are this person's to see."""
        return self.role in _ALL_SESSIONS

    def sees(self, driver: str | None, station: StationId) -> bool:
        """True when what `driver` did at `station` is this person's to see. None: it belongs to nobody."""
        return self.sees_all or self._is(driver) or station in self.stations

    def owns_or_operates(self, driver: str | None) -> bool:
        """True when what belongs to `driver` is this person's to stop. None: it belongs to nobody."""
        return self.role is Role.OPERATOR or self._is(driver)

    def _is(self, driver: str | None) -> bool:
        return driver is not None and driver == self.user
