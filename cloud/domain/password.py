"""Which passwords are good enough to be taken (NIST SP 800-63B, 5.1.1.2: long, not common, not the user's own name)."""

from __future__ import annotations

from typing import Final

from cloud.domain.refusal import Refusal, Why

SHORTEST: Final = 12
LONGEST: Final = 128
"""Longer ones only cost time to hash."""
_FEWEST_DIFFERENT: Final = 5
_COMMON: Final = (
    "password", "passwort", "salasana", "letmein", "welcome", "iloveyou", "qwertyuiop", "qwertz", "asdfgh", "zxcvbn",
    "administrator", "changeme", "charging", "powerctl", "football", "baseball", "superman", "trustno1", "sunshine",
    "princess", "dragon", "monkey", "abcdef", "abc123", "123456", "654321", "111111", "000000", "112233", "123123",
)  # fmt: skip
"""What stands at the top of every published list of leaked passwords, alone or with a few signs around it."""
_SIGNS_OF_ONES_OWN: Final = 8
"""A password around a common word must have so many signs beside it."""


def require_good(password: str, user: str) -> None:
    """Return when `password` may become that of `user`.

    Raises:
        Refusal: INVALID_ARGUMENT: too short or long, too uniform, common, or made from the user's name.
    """
    lowered = password.lower()
    if not SHORTEST <= len(password) <= LONGEST:
        raise _bad(f"have {SHORTEST} to {LONGEST} characters")
    if len(set(lowered)) < _FEWEST_DIFFERENT:
        raise _bad("have more different characters")
    if len(user) > 2 and user.lower() in lowered:
        raise _bad("not contain the user's name")
    rest = lowered
    for word in _COMMON:
        rest = rest.replace(word, "")
    if len(rest) < len(lowered) and len(rest) < _SIGNS_OF_ONES_OWN:
        raise _bad("not be one of the words that everybody uses")


def _bad(must: str) -> Refusal:
    return Refusal(Why.INVALID_ARGUMENT, f"The password must {must}.")
