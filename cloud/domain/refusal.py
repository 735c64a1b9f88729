"""A refusal is an answer to the caller, not an error of ours."""

from __future__ import annotations

from enum import StrEnum

from powerctl.core.errors import PowerctlError


class Why(StrEnum):
    """The kind of a refusal; the names and meanings are those of google.rpc.Code."""

    INVALID_ARGUMENT = "invalid_argument"
    UNAUTHENTICATED = "unauthenticated"
    PERMISSION_DENIED = "permission_denied"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    FAILED_PRECONDITION = "failed_precondition"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    UNAVAILABLE = "unavailable"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    UNIMPLEMENTED = "unimplemented"
    INTERNAL = "internal"


class Refusal(PowerctlError):
    """The caller asked for something that cannot be done.

    Args:
        why: What kind of refusal it is.
        message: One sentence for a person, with the remedy where there is one; nothing about our internals.
        reason: For programs: the kind within `why`, in upper case. Empty: `why` says enough.
        retry_s: After so many seconds it may be tried again. None: nothing is known about that.
    """

    def __init__(self, why: Why, message: str, *, reason: str = "", retry_s: float | None = None) -> None:
        super().__init__(message)
        self.why = why
        self.message = message
        self.reason = reason or why.name
        self.retry_s = retry_s
