"""Plain routes over the same methods: GET for reading, POST with a verb for starting and stopping (AIP-136)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cloud.domain.refusal import Refusal, Why

_INTEGER: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Route:
    """One plain route."""

    verb: str
    path: re.Pattern[str]
    """Its group becomes the field `name_field`."""
    method: str
    name_field: str = ""
    """Empty: the path names nothing."""


def _route(verb: str, path: str, method: str, name_field: str = "") -> Route:
    return Route(verb, re.compile(path), f"/powerctl.v1.{method}", name_field)


_ID: Final = "[A-Za-z0-9-]+"
ROUTES: Final = (
    _route("GET", "/v1/locations", "LocationService/ListLocations"),
    _route("GET", f"/v1/(locations/{_ID})", "LocationService/GetLocation", "name"),
    _route("GET", "/v1/sessions", "SessionService/ListSessions"),
    _route("GET", f"/v1/(sessions/{_ID})", "SessionService/GetSession", "name"),
    _route("GET", "/v1/receipts", "ReceiptService/ListReceipts"),
    _route("GET", f"/v1/(receipts/{_ID})", "ReceiptService/GetReceipt", "name"),
    _route("GET", "/v1/principal", "IdentityService/GetPrincipal"),
    _route(
        "POST",
        f"/v1/(locations/{_ID}/evses/{_ID}/connectors/{_ID}):start",
        "SessionService/StartSession",
        "connector",
    ),
    _route("POST", f"/v1/(sessions/{_ID}):stop", "SessionService/StopSession", "name"),
)


def find(verb: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route for a request, and the fields that its path gives.

    Raises:
        Refusal: NOT_FOUND, or UNIMPLEMENTED: the path has another verb.
    """
    matches = [(route, found) for route in ROUTES if (found := route.path.fullmatch(path))]
    for route, found in matches:
        if route.verb == verb:
            return route, {route.name_field: found.group(1)} if route.name_field else {}
    if matches:
        raise Refusal(Why.UNIMPLEMENTED, f"Use {matches[0][0].verb} here.")
    raise Refusal(Why.NOT_FOUND, "There is nothing at this address.")


def page_fields(query: Mapping[str, str]) -> dict[str, object]:
    """The paging fields in a query.

    Raises:
        Refusal: INVALID_ARGUMENT: something else is in it.
    """
    if unknown := sorted(set(query) - {"pageSize", "pageToken"}):
        raise Refusal(Why.INVALID_ARGUMENT, f"{unknown[0]} is not a parameter here; there are pageSize and pageToken.")
    if not _INTEGER.fullmatch(query.get("pageSize", "0")):
        raise Refusal(Why.INVALID_ARGUMENT, "pageSize must be a number that is not negative.")
    return dict(query)
