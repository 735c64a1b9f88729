"""Who may call what. A method without a row cannot be served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cloud.domain.principal import Principal, Role
from cloud.domain.refusal import Refusal, Why

ANYONE: Final[frozenset[Role]] = frozenset()
"""Also people who have not signed in."""
_EVERYBODY: Final = frozenset(Role)

POLICY: Final[Mapping[str, frozenset[Role]]] = {
    "/powerctl.v1.IdentityService/SignIn": ANYONE,
    "/powerctl.v1.IdentityService/SignOut": _EVERYBODY,
    "/powerctl.v1.IdentityService/GetPrincipal": _EVERYBODY,
    "/powerctl.v1.LocationService/GetLocation": _EVERYBODY,
    "/powerctl.v1.LocationService/ListLocations": _EVERYBODY,
    "/powerctl.v1.SessionService/GetSession": _EVERYBODY,
    "/powerctl.v1.SessionService/ListSessions": _EVERYBODY,
    "/powerctl.v1.SessionService/StartSession": _EVERYBODY,
    "/powerctl.v1.SessionService/StopSession": _EVERYBODY,
    "/powerctl.v1.ReceiptService/GetReceipt": _EVERYBODY,
    "/powerctl.v1.ReceiptService/ListReceipts": _EVERYBODY,
    "/powerctl.v1.WatchService/Watch": _EVERYBODY,
}
"""Roles per method. Whose sessions and receipts a role sees is decided on the resource, not here."""


def admit(method: str, principal: Principal | None) -> None:
    """Return when `principal` may call `method`.

    Args:
        method: Full name, `/package.Service/Method`.
        principal: None: has not signed in.

    Raises:
        Refusal: UNAUTHENTICATED or PERMISSION_DENIED.
    """
    roles = POLICY.get(method)
    if roles is ANYONE:
        return
    if principal is None:
        raise Refusal(Why.UNAUTHENTICATED, "Sign in first.")
    if roles is None or principal.role not in roles:
        raise Refusal(Why.PERMISSION_DENIED, f"A {principal.role} may not do this.")
