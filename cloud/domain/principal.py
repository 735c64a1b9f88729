"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person may do; `policy.py` says what that is."""

    DRIVER = "driver"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Principal:
    """A person who has signed in."""

    user: str
    """Id of the user, without the `users/` of its resource name."""
    display_name: str
    role: Role

    def owns_or_operates(self, driver: str | None) -> bool:
        """True when what belongs to `driver` is this person's to see and to stop. None: it belongs to nobody."""
        return self.role is Role.OPERATOR or (driver is not None and driver == self.user)
