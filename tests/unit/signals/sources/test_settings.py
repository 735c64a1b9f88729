"""What may be commissioned, and what it means in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from powerctl.core.units import Power
from powerctl.signals.sources.settings import SourcesSettings

CONTACT: dict[str, Any] = {"inputs": ["/dev/a", "/dev/b"], "caps_w": ["unlimited", 13_200, 6_600, 0]}
METER: dict[str, Any] = {"host": "10.0.0.2", "limit_w": 40_000, "others_max_w": 32_000}
UTILITY: dict[str, Any] = {"slot": 0, "host": "10.0.0.3", "limit": {"address": 1, "type": "uint16"}}
FREQUENCY: dict[str, Any] = {"product": "ffr", "armed": True, "socket": "/run/hz"}
OPENADR: dict[str, Any] = {
    "url": "https://vtn.example/openadr3",
    "client_id": "station",
    "client_secret_file": "/etc/secret",
    "ven_name": "S-1",
    "simple_w": ["unlimited", 11_000, 4_200, 0],
    "emergency_w": 4_200,
}
ALL = {"contact": CONTACT, "meter": METER, "utility": UTILITY, "frequency": FREQUENCY, "openadr": OPENADR}


def test_without_sources_there_is_nothing_to_say() -> None:
    assert SourcesSettings().describe() == []


def test_every_source_says_what_it_makes_the_station_do() -> None:
    assert SourcesSettings.model_validate(ALL).describe() == [
        "Contacts of the grid operator limit the station; none, first, second, both: no limit, 13.2 kW, 6.6 kW, 0 W.",
        "While they cannot be read the station keeps to 0 W.",
        "The station takes what the other loads leave of 40.0 kW, by the meter at 10.0.0.2:502.",
        "While the meter is silent for 10 s or more, the station keeps to 8.0 kW.",
        "Slot 0 is commanded by the registers of 10.0.0.3:502; every answer is a heartbeat.",
        "Local frequency response (ffr), armed from the start: sheds to 0 W at once below 49.7 Hz.",
        "The aggregator speaks by OpenADR 3.1 through vtn.example.",
        "While its server is silent, the events that are known stay in force.",
    ]


@pytest.mark.parametrize(
    ("source", "change"),
    [
        ("contact", {"caps_w": [0, 1, 2]}),
        ("contact", {"inputs": []}),
        ("contact", {"caps_w": ["unlimited", 1, 2, -3]}),
        ("meter", {"limit_w": None}),
        ("meter", {"stale_s": 0}),
        ("utility", {"slot": 4}),
        ("utility", {"limit": {"address": 70_000, "type": "uint16"}}),
        ("frequency", {"threshold_hz": 49.8}),
        ("frequency", {"down_w": 1000}),
        ("frequency", {"armed": None}),
        ("openadr", {"url": "http://vtn.example"}),
        ("openadr", {"url": "http://vtn.example@127.0.0.1.evil.example"}),
        ("openadr", {"url": "file:///etc/passwd"}),
        ("openadr", {"silence_s": 60}),
        ("openadr", {"simple_w": ["unlimited"]}),
    ],
)
def test_what_cannot_be_meant_is_refused(source: str, change: dict[str, Any]) -> None:
    SourcesSettings.model_validate({source: ALL[source]})
    with pytest.raises(ValidationError):
        SourcesSettings.model_validate({source: {**ALL[source], **change}})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8480", "http://[::1]:1", "http://localhost/x", "https://a.example"])
def test_a_server_on_this_machine_may_speak_plainly(url: str) -> None:
    SourcesSettings.model_validate({"openadr": {**OPENADR, "url": url}})


@pytest.mark.parametrize("safety", ["limit_w", "others_max_w"])
def test_what_bears_on_safety_has_no_default(safety: str) -> None:
    with pytest.raises(ValidationError, match="Field required"):
        SourcesSettings.model_validate({"meter": {key: value for key, value in METER.items() if key != safety}})


def test_settings_become_rules() -> None:
    made = SourcesSettings.model_validate(ALL)
    assert made.contact is not None
    assert made.contact.rules().caps == (None, Power(13_200), Power(6_600), Power(0))
    assert made.contact.inputs[0] == Path("/dev/a")
    assert made.openadr is not None
    assert made.openadr.rules(Power(22_000)).simple == (None, Power(11_000), Power(4_200), Power(0))
