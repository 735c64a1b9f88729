"""Resource names: `locations/{location}/evses/{evse}/connectors/{connector}`, `sessions/{id}`, `receipts/{id}`.

A station has one EVSE per connector and numbers both alike.
"""

from __future__ import annotations

import re
from typing import Final

from cloud.domain.refusal import Refusal, Why
from powerctl.core.ids import ConnectorId, SessionId, StationId

_LOCATION: Final = re.compile(r"locations/([A-Za-z0-9][A-Za-z0-9-]{0,35})")
_CONNECTOR: Final = re.compile(_LOCATION.pattern + r"/evses/([1-9][0-9]{0,3})/connectors/([1-9][0-9]{0,3})")
_SESSION: Final = re.compile(r"sessions/([A-Za-z0-9-]{1,64})")
_USER: Final = re.compile(r"users/([a-z0-9][a-z0-9-]{0,62})")
_RESERVATION: Final = re.compile(r"reservations/([A-Za-z0-9-]{1,64})")
_PAYMENT: Final = re.compile(_SESSION.pattern + "/payment")
_STATION: Final = re.compile(r"stations/([A-Za-z0-9][A-Za-z0-9-]{0,35})")
_ANY_STATION: Final = "stations/-"
_ID: Final = r"([A-Za-z0-9-]{1,64})"
_PURCHASE: Final = re.compile(r"purchases/([A-Za-z0-9-]{1,64})")
_RECEIPT: Final = re.compile(r"receipts/([A-Za-z0-9-]{1,64})")


def location_name(station: StationId) -> str:
    """Name of a location."""
    return f"locations/{station}"


def evse_name(station: StationId, connector: ConnectorId) -> str:
    """Name of the EVSE that has this connector."""
    return f"{location_name(station)}/evses/{connector}"


def connector_name(station: StationId, connector: ConnectorId) -> str:
    """Name of a connector."""
    return f"{evse_name(station, connector)}/connectors/{connector}"


def session_name(session: SessionId | None) -> str:
    """Name of a session. Empty: there is none."""
    return f"sessions/{session}" if session else ""


def receipt_name(receipt: str) -> str:
    """Name of a receipt. Empty: there is none."""
    return f"receipts/{receipt}" if receipt else ""


def reservation_name(reservation: str) -> str:
    """Name of a reservation."""
    return f"reservations/{reservation}"


def station_name(station: StationId) -> str:
    """Name of a station as an operator sees it."""
    return f"stations/{station}"


def parse_station(name: str) -> StationId:
    """The station in its name. Raises Refusal: INVALID_ARGUMENT."""
    return StationId(_match(_STATION, name, "stations/{station}").group(1))


def parse_parent(name: str) -> StationId | None:
    """The station in its name. None: any. Raises Refusal: INVALID_ARGUMENT."""
    return None if name == _ANY_STATION else parse_station(name)


def parse_child(name: str, kind: str) -> tuple[StationId, str]:
    """Station and id in `stations/{station}/{kind}/{id}`. Raises Refusal: INVALID_ARGUMENT."""
    pattern = re.compile(f"{_STATION.pattern}/{kind}/{_ID}")
    station, child = _match(pattern, name, f"stations/{{station}}/{kind}/{{id}}").groups()
    return StationId(station), child


def parse_configuration(name: str) -> StationId:
    """The station in the name of its configuration. Raises Refusal: INVALID_ARGUMENT."""
    pattern = re.compile(f"{_STATION.pattern}/configuration")
    return StationId(_match(pattern, name, "stations/{station}/configuration").group(1))


def parse_one(name: str, kind: str) -> str:
    """The id in `{kind}/{id}`. Raises Refusal: INVALID_ARGUMENT."""
    return _match(re.compile(f"{kind}/{_ID}"), name, f"{kind}/{{id}}").group(1)


def parse_push_subscription(name: str) -> tuple[str, str]:
    """User and id in the name of a push subscription. Raises Refusal: INVALID_ARGUMENT."""
    pattern = re.compile(f"{_USER.pattern}/pushSubscriptions/{_ID}")
    user, subscription = _match(pattern, name, "users/{user}/pushSubscriptions/{subscription}").groups()
    return user, subscription


def purchase_name(purchase: str) -> str:
    """Name of a purchase."""
    return f"purchases/{purchase}"


def parse_purchase(name: str) -> str:
    """The id in a purchase's name. Raises Refusal: INVALID_ARGUMENT."""
    return _match(_PURCHASE, name, "purchases/{purchase}").group(1)


def parse_reservation(name: str) -> str:
    """The id in a reservation's name. Raises Refusal: INVALID_ARGUMENT."""
    return _match(_RESERVATION, name, "reservations/{reservation}").group(1)


def parse_payment(name: str) -> SessionId:
    """The session in the name of its payment. Raises Refusal: INVALID_ARGUMENT."""
    return SessionId(_match(_PAYMENT, name, "sessions/{session}/payment").group(1))


def parse_location(name: str) -> StationId:
    """The station in a location's name. Raises Refusal: INVALID_ARGUMENT."""
    return StationId(_match(_LOCATION, name, "locations/{location}").group(1))


def parse_connector(name: str) -> tuple[StationId, ConnectorId]:
    """Station and connector in a connector's name. Raises Refusal: INVALID_ARGUMENT, or NOT_FOUND."""
    found = _match(_CONNECTOR, name, "locations/{location}/evses/{evse}/connectors/{connector}")
    station, evse, connector = found.groups()
    if evse != connector:
        raise Refusal(Why.NOT_FOUND, f"There is no connector {name}.")
    return StationId(station), ConnectorId(int(connector))


def parse_session(name: str) -> SessionId:
    """The session in its name. Raises Refusal: INVALID_ARGUMENT."""
    return SessionId(_match(_SESSION, name, "sessions/{session}").group(1))


def parse_receipt(name: str) -> str:
    """The receipt in its name. Raises Refusal: INVALID_ARGUMENT."""
    return _match(_RECEIPT, name, "receipts/{receipt}").group(1)


def parse_user(name: str) -> str:
    """The user's id in their name. Raises Refusal: INVALID_ARGUMENT."""
    return _match(_USER, name, "users/{user}, of lower case letters, digits and hyphens").group(1)


def _match(pattern: re.Pattern[str], name: str, form: str) -> re.Match[str]:
    found = pattern.fullmatch(name)
    if found is None:
        raise Refusal(Why.INVALID_ARGUMENT, f"The name must look like {form}.")
    return found
