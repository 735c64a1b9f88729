"""The calls to an OpenADR server, against the small server that ships; everything it can break is a RemoteError."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from powerctl.core.errors import ConfigError, RemoteError
from powerctl.signals.sources.openadr_client import PAGE, Server, _secret
from powerctl.signals.sources.settings import OpenAdrSettings
from powerctl.sim.vtn import Vtn


@pytest.fixture
def vtn() -> Iterator[Vtn]:
    made = Vtn("station", "secret")
    made.start()
    yield made
    made.close()


def settings(url: str, **more: Any) -> OpenAdrSettings:
    base = {
        "url": url,
        "client_id": "station",
        "client_secret_file": "/run/secret",
        "ven_name": "S-1",
        "simple_w": ["unlimited", 11_000, 4_200, 0],
        "emergency_w": 0,
    }
    return OpenAdrSettings.model_validate({**base, **more})


@pytest.fixture
def server(vtn: Vtn) -> Iterator[Server]:
    made = Server(settings(vtn.url), "secret")
    made.connect()
    yield made
    made.close()


def event(name: str, program: str = "p") -> dict[str, Any]:
    return {"programID": program, "eventName": name, "intervals": []}


def test_before_it_is_connected_every_call_is_the_peers_failure(vtn: Vtn) -> None:
    with pytest.raises(RemoteError, match="not connected"):
        Server(settings(vtn.url), "secret").events()


def test_a_wrong_secret_and_a_server_that_is_not_there_are_the_peers_failures(vtn: Vtn) -> None:
    with pytest.raises(RemoteError):
        Server(settings(vtn.url), "guess").connect()
    vtn.close()
    with pytest.raises(RemoteError):
        Server(settings(vtn.url), "secret").connect()


def test_all_events_come_however_many_pages_they_are(vtn: Vtn, server: Server) -> None:
    for number in range(2 * PAGE + 1):
        vtn.put("events", event(str(number)))
    assert {one["eventName"] for one in server.events()} == {str(number) for number in range(2 * PAGE + 1)}


def test_only_the_events_of_chosen_programs_are_followed(vtn: Vtn) -> None:
    chosen = vtn.put("programs", {"programName": "flex"})
    vtn.put("events", event("ours", chosen))
    vtn.put("events", event("theirs"))
    made = Server(settings(vtn.url, programs=["flex"]), "secret")
    made.connect()
    assert [one["eventName"] for one in made.events()] == ["ours"]
    made.close()


def test_an_introduction_registers_once_and_replaces_the_subscription_of_an_earlier_start(
    vtn: Vtn, server: Server
) -> None:
    for token in ("old", "new"):
        server.introduce(("http://127.0.0.1:1/notice", token))
    assert [ven["venName"] for ven in vtn.listed("vens")] == ["S-1"]
    (subscription,) = vtn.listed("subscriptions")
    assert subscription["objectOperations"][0]["bearerToken"] == "new"


def test_a_report_is_created_and_then_brought_up_to_date(vtn: Vtn, server: Server) -> None:
    for name in ("first", "second"):
        server.report("e", {"eventID": "e", "programID": "p", "reportName": name, "resources": []})
    assert [one["reportName"] for one in vtn.listed("reports")] == ["second"]
    server.forget(set())
    server.report("e", {"eventID": "e", "programID": "p", "reportName": "third", "resources": []})
    assert [one["reportName"] for one in vtn.listed("reports")] == ["second", "third"]


def test_a_server_that_breaks_is_the_peers_failure(vtn: Vtn, server: Server) -> None:
    vtn.broken = True
    with pytest.raises(RemoteError):
        server.events()


def test_an_empty_secret_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(" \n")
    with pytest.raises(ConfigError, match="empty"):
        _secret(settings("http://127.0.0.1:1", client_secret_file=str(path)))
