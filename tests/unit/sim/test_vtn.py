"""The small server of OpenADR, used through the client library as a stranger would."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from openadr3.api import OpenADRClient
from openadr3.auth import fetch_token

from powerctl.sim.vtn import PAGE, Vtn


@pytest.fixture
def vtn() -> Iterator[Vtn]:
    made = Vtn("me", "mine")
    made.start()
    yield made
    made.close()


@pytest.fixture
def client(vtn: Vtn) -> Iterator[OpenADRClient]:
    with OpenADRClient(vtn.url, token=fetch_token(vtn.url, "me", "mine")) as made:
        yield made


def test_nobody_gets_in_without_the_secret(vtn: Vtn) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        fetch_token(vtn.url, "me", "guess")
    with OpenADRClient(vtn.url, token="forged") as stranger:
        assert stranger.get_events().status_code == 401


def test_programs_and_events_are_the_operators(vtn: Vtn, client: OpenADRClient) -> None:
    program = vtn.put("programs", {"programName": "flex"})
    vtn.put("events", {"programID": program, "eventName": "peak", "intervals": []})
    assert [event.event_name for event in client.events()] == ["peak"]
    assert [one.program_name for one in client.programs()] == ["flex"]
    assert client.create_event({"programID": program}).status_code == 403


def test_a_ven_registers_reports_and_withdraws(vtn: Vtn, client: OpenADRClient) -> None:
    created = client.create_ven({"objectType": "VEN_VEN_REQUEST", "venName": "S-1"})
    assert created.status_code == 201
    name = created.json()["id"]
    assert client.update_ven(name, {"venName": "S-2"}).json()["venName"] == "S-2"
    assert client.get_ven_by_id(name).json()["venName"] == "S-2"
    assert client.delete_ven(name).status_code == 200
    assert client.delete_ven(name).status_code == 404
    assert client.update_ven(name, {"venName": "S-3"}).status_code == 404
    assert client.get_ven_by_id(name).status_code == 404


def test_long_lists_come_in_pages(vtn: Vtn, client: OpenADRClient) -> None:
    for number in range(PAGE + 3):
        vtn.put("events", {"programID": "p", "eventName": str(number), "intervals": []})
    pages = [client.get_events(skip=skip, limit=PAGE).json() for skip in (0, PAGE)]
    assert [len(page) for page in pages] == [PAGE, 3]


def test_a_server_out_of_order_says_so(vtn: Vtn, client: OpenADRClient) -> None:
    vtn.broken = True
    assert client.get_events().status_code == 503
    vtn.broken = False
    vtn.revoke_tokens()
    assert client.get_events().status_code == 401


def test_a_subscriber_that_is_gone_does_no_harm(vtn: Vtn, client: OpenADRClient) -> None:
    wish = {"objects": ["EVENT"], "operations": ["CREATE"], "callbackUrl": "http://127.0.0.1:9/", "bearerToken": "t"}
    client.create_subscription({"clientName": "S-1", "objectOperations": [wish]})
    assert vtn.put("events", {"programID": "p", "intervals": []})
