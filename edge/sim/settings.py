"""How a simulated vehicle is reached: command line and TOML file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError

from edge.sim.mischief import MISCHIEF, Planned, planned
from edge.sim.models import MODELS
from powerctl.core.errors import ConfigError
from powerctl.runtime.settings import Section, load

_CAN_HELP: Final = "INTERFACE:REST, for example socketcand:127.0.0.1:29536/can0, socketcan:can0, virtual:name"


class VehicleSettings(Section):
    """The `[vehicle]` table."""

    model: str = "leaf40"
    can: str = "socketcand:127.0.0.1:29536/can0"
    plant: str = "127.0.0.1:7001"
    """HOST:PORT to listen on for the station's pilot lines."""
    soc: float = Field(default=40.0, ge=0, le=100)
    """Per cent."""
    seed: int = 0
    """Varies the car's reaction times within what captures show; 0: typical times."""
    plug_after: float | None = Field(default=None, ge=0)
    """Seconds. Absent: plugged in from the start, or by `--stdin`."""
    unplug_after: float | None = Field(default=None, ge=0)
    """Seconds. Absent: never."""
    capacity_kwh: float | None = Field(default=None, gt=0)
    """Usable. Absent: the model's."""
    fault: tuple[str, ...] = ()
    """Faults to inject, each as NAME or NAME@SECONDS of charging."""
    stdin: bool = False
    """Take commands as JSON lines on standard input; starts unplugged unless `plug_after` says otherwise."""


def parse_arguments(argv: Sequence[str]) -> VehicleSettings:
    """The settings from a command line; what it names wins over the file.

    Raises:
        ConfigError: A value cannot be used.
    """
    arguments = {name: value for name, value in vars(parser().parse_args(argv)).items() if value is not None}
    config = arguments.pop("config", None)
    base: dict[str, Any] = {}
    if config is not None:
        base = load(config, {"vehicle": VehicleSettings}, known=())["vehicle"].model_dump()
    try:
        return checked(VehicleSettings(**{**base, **arguments}))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = f"vehicle.{first['loc'][0]}"
        raise ConfigError(where, f"{first['input']!r}: {first['msg']}.", "See powerctl vehicle --help.") from error


def checked(settings: VehicleSettings) -> VehicleSettings:
    """`settings`, when its model exists and its addresses can be read.

    Raises:
        ConfigError: Otherwise.
    """
    if settings.model not in MODELS:
        raise ConfigError("vehicle.model", f"There is no model {settings.model!r}.", f"Use one of {', '.join(MODELS)}.")
    can_parameters(settings.can)
    plant_address(settings.plant)
    faults(settings)
    return settings


def faults(settings: VehicleSettings) -> tuple[Planned, ...]:
    """The faults to inject.

    Raises:
        ConfigError: One of them does not exist.
    """
    plans = []
    for text in settings.fault:
        try:
            plans.append(planned(text))
        except ValueError as error:
            known = ", ".join(MISCHIEF)
            raise ConfigError(
                "vehicle.fault", f"{text!r}: {error}.", f"Write NAME or NAME@SECONDS: {known}."
            ) from error
    return tuple(plans)


def can_parameters(text: str) -> Mapping[str, Any]:
    """Arguments for `can.Bus` from INTERFACE:CHANNEL, or socketcand:HOST:PORT/CHANNEL.

    Raises:
        ConfigError: It is neither.
    """
    interface, _, rest = text.partition(":")
    if not interface or not rest:
        raise ConfigError("vehicle.can", f"{text!r} is no CAN bus.", f"Write {_CAN_HELP}.")
    if interface != "socketcand":
        return {"interface": interface, "channel": rest}
    address, _, channel = rest.partition("/")
    host, port = _host_port("vehicle.can", address)
    return {"interface": interface, "host": host, "port": port, "channel": channel or "can0"}


def plant_address(text: str) -> tuple[str, int]:
    """Host and port to listen on.

    Raises:
        ConfigError: It is not HOST:PORT.
    """
    return _host_port("vehicle.plant", text.removeprefix("tcp://"))


def _host_port(where: str, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ConfigError(where, f"{text!r} is no address.", "Write HOST:PORT, for example 127.0.0.1:7001.")
    return host, int(port)


def _catalogue() -> str:
    models = (f"  {model.name:<17} {model.description}" for model in MODELS.values())
    mischief = (f"  {one.name:<17} {one.meaning}" for one in MISCHIEF.values())
    return "\n".join(["models:", *models, "", "faults:", *mischief])


def parser() -> argparse.ArgumentParser:
    """What `powerctl vehicle` takes; the reference page is made from it."""
    parser = argparse.ArgumentParser(
        prog="powerctl vehicle",
        description="A simulated vehicle on a CAN bus and a plant port.",
        epilog=_catalogue(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, help="TOML file with a [vehicle] table")
    parser.add_argument("--model", choices=sorted(MODELS), help="which car")
    parser.add_argument("--can", help=_CAN_HELP)
    parser.add_argument("--plant", help="HOST:PORT to listen on for the station's pilot lines")
    parser.add_argument("--soc", type=float, help="state of charge at the start, per cent")
    parser.add_argument("--seed", type=int, help="varies the reaction times; 0: typical")
    parser.add_argument("--plug-after", type=float, metavar="SECONDS", help="plug in then; default: at once")
    parser.add_argument("--unplug-after", type=float, metavar="SECONDS", help="pull the plug then; default: never")
    parser.add_argument("--capacity-kwh", type=float, help="usable capacity of the battery")
    parser.add_argument(
        "--fault",
        action="append",
        metavar="NAME[@SECONDS]",
        help="inject a fault, where it needs a time after so many seconds of charging (10); may be repeated",
    )
    parser.add_argument("--stdin", action="store_true", default=None, help="JSON commands in, JSON status out")
    return parser
