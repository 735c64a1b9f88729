"""Names, pages and routes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.api import encode, names, paging, rest
from cloud.api.method import methods_of, snake
from cloud.domain.money import Money
from cloud.domain.refusal import Refusal
from powerctl.v1 import session_pb2
from tests.unit.cloud.stories import LEFT, STATION


def test_a_connectors_name_is_read_as_it_was_written() -> None:
    assert names.parse_connector(names.connector_name(STATION, LEFT)) == (STATION, LEFT)


@pytest.mark.parametrize(
    "name",
    ["", "locations/a", "locations/a/evses/1/connectors/2", "locations/-/evses/1/connectors/1", "sessions/1\n"],
)
def test_other_connector_names_are_refused(name: str) -> None:
    with pytest.raises(Refusal):
        names.parse_connector(name)


@given(st.text(max_size=80))
def test_no_text_breaks_a_parser(text: str) -> None:
    parsers: list[Any] = [names.parse_location, names.parse_connector, names.parse_session, names.parse_receipt]
    parsers += [paging.text_in, paging.number_in]
    for parse in parsers:
        try:
            parse(text)
        except Refusal:
            continue


@given(st.integers(1, 10**15))
def test_a_page_token_is_read_as_it_was_given(position: int) -> None:
    assert paging.number_in(paging.token_of(position)) == position


@pytest.mark.parametrize(("asked", "size"), [(0, 50), (7, 7), (10_000, 100)])
def test_page_sizes_are_coerced(asked: int, size: int) -> None:
    assert paging.page_size(asked) == size


@pytest.mark.parametrize(
    ("amount", "units", "nanos"),
    [("1.23", 1, 230_000_000), ("0.5", 0, 500_000_000), ("-1.5", -1, -500_000_000), ("3", 3, 0)],
)
def test_money_is_units_and_billionths_of_the_same_sign(amount: str, units: int, nanos: int) -> None:
    message = encode.money(Money("EUR", Decimal(amount)))
    assert (message.units, message.nanos) == (units, nanos)


def test_every_route_leads_to_a_method_of_the_api() -> None:
    served = {
        f"/powerctl.v1.{service}"
        for service in ("LocationService", "SessionService", "ReceiptService", "IdentityService")
    }
    assert {route.method.rpartition("/")[0] for route in rest.ROUTES} == served


def test_a_path_names_its_resource() -> None:
    route, fields = rest.find("POST", "/v1/locations/a/evses/1/connectors/1:start")
    assert (route.method, fields) == (
        "/powerctl.v1.SessionService/StartSession",
        {"connector": "locations/a/evses/1/connectors/1"},
    )


def test_a_servicer_that_lacks_a_method_does_not_start() -> None:
    with pytest.raises(AttributeError):
        methods_of(session_pb2.DESCRIPTOR.services_by_name["SessionService"], object())


def test_handlers_are_named_as_python_names_things() -> None:
    assert snake("GetLocation") == "get_location"
