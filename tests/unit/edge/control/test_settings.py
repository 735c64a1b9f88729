"""A station file either starts the controller or names the key that does not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.chademo.vehicles import VehicleRule
from edge.cli import main
from edge.control.settings import describe, load_settings
from powerctl.core.errors import ConfigError
from powerctl.core.session import Flexibility
from powerctl.core.units import Voltage

GOOD = """
[station]
id = "st-1"
display_name = "Yard"
rating_w = 25000
simulated = true
state_dir = "state"

[[station.connector]]
id = 1
type = "chademo"
position = "left"
max_power_w = 22000
max_current_a = 60
max_voltage_v = 500
min_power_w = 1000
fallback_w = 5000

[edge.dispatch]
target = "127.0.0.1:50061"
tls = { ca = "ca.pem", certificate = "st-1.pem", key = "st-1.key" }

[[edge.connector]]
id = 1
can = { interface = "socketcan", channel = "can0", bitrate = 500000 }
plant = "tcp://127.0.0.1:7001"

[manager]
anything = "is the energy manager's business"
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(content: str) -> Path:
        path = tmp_path / "station.toml"
        path.write_text(content)
        return path

    return written


def test_a_good_file_is_taken_with_its_defaults(write: Write) -> None:
    station, edge = load_settings(write(GOOD))
    assert edge.http.port == 9465
    assert edge.outbox_path(station) == Path("state/outbox.sqlite")
    assert edge.connectors[0].can["bitrate"] == 500000
    config = edge.connectors[0].chademo.config(station.capabilities()[0])
    assert (config.max_voltage, config.test_voltage) == (Voltage(500.0), Voltage(500.0))


@pytest.mark.parametrize(
    ("good", "wrong", "key"),
    [
        ('type = "chademo"', 'type = "ccs"', "Connector 1 is of type 'ccs'"),
        ("[[edge.connector]]\nid = 1", "[[edge.connector]]\nid = 2", r"edge\.connector: has the ids \[2\]"),
        ('"socketcan", ', '"sokketcan", ', "can.interface: 'sokketcan'"),
        ('interface = "socketcan", ', "", "interface is missing"),
        ('"socketcan", ', '"socketcand", ', "can.host: is missing"),
        ("tcp://127.0.0.1:7001", "127.0.0.1:7001", "plant: '127.0.0.1:7001' is no plant"),
        ("simulated = true", "simulated = false", "station.simulated: is false"),
        ('plant = "tcp', 'plantt = "tcp', "edge.connector"),
        ('target = "127.0.0.1:50061"', "", "edge.dispatch.target: is missing"),
        ("[edge.dispatch]", "[edge.simulated]\nefficiency = [[100, 1.5]]\n[edge.dispatch]", "edge.simulated"),
        (
            "[edge.dispatch]",
            "[edge.simulated]\nefficiency = [[9, 0.9], [5, 0.9]]\n[edge.dispatch]",
            "edge.simulated: .*rising",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_its_key(write: Write, good: str, wrong: str, key: str) -> None:
    assert good in GOOD
    with pytest.raises(ConfigError, match=key):
        load_settings(write(GOOD.replace(good, wrong)))


def test_a_wrong_file_ends_the_program_with_status_2(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(GOOD.replace('type = "chademo"', 'type = "ccs"'))
    assert main(["control", "--config", str(path)]) == 2
    assert "CHAdeMO" in capsys.readouterr().err


def test_a_missing_certificate_is_named(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["control", "--config", str(write(GOOD))]) == 2
    assert "edge.dispatch.tls.ca: ca.pem cannot be read" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(GOOD.replace('state_dir = "state"', 'state_dir = "/proc/nowhere"'))
    assert main(["release", "--config", str(path)]) == 2
    assert "/proc/nowhere" in capsys.readouterr().err


def test_the_controller_says_what_it_will_do(write: Write) -> None:
    sentences = " ".join(describe(*load_settings(write(GOOD))))
    assert "5.0 kW on connector 1" in sentences
    assert "CHAdeMO on socketcan can0" in sentences
    assert "emergency" in sentences


def test_rules_for_kinds_of_vehicles_reach_the_protocol_core(write: Write) -> None:
    rules = """
[[edge.connector.chademo.vehicles]]
name = "jdemo kit"
max_voltage_v = 410
flexibility = "firm"
"""
    station, edge = load_settings(write(GOOD.replace("[manager]", rules + "[manager]")))
    config = edge.connectors[0].chademo.config(station.capabilities()[0])
    assert config.rules == (VehicleRule("jdemo kit", max_voltage_v=410, flexibility=Flexibility.FIRM),)
