from __future__ import annotations

from pathlib import Path

import pytest

from edge.sim.mischief import MISCHIEF
from edge.sim.models import MODELS
from edge.sim.settings import VehicleSettings, can_parameters, faults, parse_arguments, plant_address
from powerctl.core.errors import ConfigError


def test_the_defaults_are_those_of_the_demo() -> None:
    settings = parse_arguments([])
    assert settings == VehicleSettings()
    assert can_parameters(settings.can)["port"] == 29536
    assert plant_address(settings.plant) == ("127.0.0.1", 7001)


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "car.toml"
    file.write_text('[vehicle]\nmodel = "outlander"\nsoc = 20\n')
    settings = parse_arguments(["--config", str(file), "--soc", "55"])
    assert (settings.model, settings.soc) == ("outlander", 55.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "socketcand:127.0.0.1:29536/can0",
            {"interface": "socketcand", "host": "127.0.0.1", "port": 29536, "channel": "can0"},
        ),
        ("socketcan:vcan0", {"interface": "socketcan", "channel": "vcan0"}),
        ("udp_multicast:239.74.163.2", {"interface": "udp_multicast", "channel": "239.74.163.2"}),
    ],
)
def test_a_bus_is_written_as_python_can_understands_it(text: str, expected: dict[str, object]) -> None:
    assert can_parameters(text) == expected


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["--can", "socketcand"], "vehicle.can"),
        (["--can", "socketcand:localhost"], "vehicle.can"),
        (["--plant", "7001"], "vehicle.plant"),
        (["--plant", "127.0.0.1:99999"], "vehicle.plant"),
        (["--soc", "101"], "vehicle.soc"),
        (["--capacity-kwh", "0"], "vehicle.capacity_kwh"),
        (["--fault", "tired"], "vehicle.fault"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_name(arguments: list[str], where: str) -> None:
    with pytest.raises(ConfigError, match=where):
        parse_arguments(arguments)


def test_an_unknown_key_or_model_in_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "car.toml"
    file.write_text("[vehicle]\ncolour = 1\n")
    with pytest.raises(ConfigError, match="colour"):
        parse_arguments(["--config", str(file)])
    file.write_text('[vehicle]\nmodel = "tractor"\n')
    with pytest.raises(ConfigError, match="leaf40"):
        parse_arguments(["--config", str(file)])


def test_faults_may_be_repeated_and_have_their_time() -> None:
    settings = parse_arguments(["--fault", "hot@30", "--fault", "stray-stop-bit"])
    assert [(plan.what.name, plan.after_s) for plan in faults(settings)] == [("hot", 30.0), ("stray-stop-bit", 10.0)]


def test_help_lists_every_model_and_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--help"])
    text = capsys.readouterr().out
    assert [name for name in (*MODELS, *MISCHIEF) if f"  {name} " not in text] == []
