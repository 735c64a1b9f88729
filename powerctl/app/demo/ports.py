"""The ports of the demo: defaults, how to move them, and a clear refusal when one is in use."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Final

from powerctl.core.errors import ConfigError

HOST: Final = "127.0.0.1"
"""The demo never listens beyond loopback."""


@dataclass(frozen=True, slots=True)
class Ports:
    """One TCP port for each thing that listens."""

    web: int = 8080
    grpc: int = 50051
    modbus: int = 5020
    modbus_tls: int = 5802
    metrics_powerctl: int = 9464
    metrics_edge: int = 9465
    metrics_cloud: int = 9466
    metrics_uplink: int = 9467
    can_left: int = 29536
    can_right: int = 29537
    plant_left: int = 7001
    plant_right: int = 7002
    dispatch: int = 50061
    mqtt: int = 8883
    smtp: int = 1025


VEHICLE_PORTS: Final = frozenset({"plant_left", "plant_right"})
"""Where vehicles listen; somebody else's when the demo brings none."""


def moved(ports: Ports, settings: Iterable[str]) -> Ports:
    """`ports` with those of `settings` ("web=8088") moved.

    Raises:
        ConfigError: An unknown name, or no port.
    """
    names = {field.name for field in fields(Ports)}
    changes: dict[str, int] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        name = name.strip().replace("-", "_")
        if name not in names:
            raise ConfigError(f"--set {setting}", f"{name!r} is no port.", f"Ports are {', '.join(sorted(names))}.")
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
            raise ConfigError(f"--set {setting}", f"{text!r} is no port number.", "Give one from 1 to 65535.")
        changes[name] = int(text)
    return replace(ports, **changes)


def refuse_used(ports: Ports, *, besides: frozenset[str] = frozenset()) -> None:
    """Make sure that every port but `besides` can be opened.

    Raises:
        ConfigError: One cannot; it names the setting that moves it. Or two are the same.
    """
    numbers: dict[int, str] = {}
    for name, port in _named(ports).items():
        if port in numbers:
            raise ConfigError(f"--set {name}={port}", f"is the port of {numbers[port]} already.", "Give another one.")
        numbers[port] = name
        if name not in besides:
            _refuse_used(name, port)


def _named(ports: Ports) -> Mapping[str, int]:
    return asdict(ports)


def _refuse_used(name: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigError(
                f"port {port} ({name})",
                f"cannot be opened on {HOST}: {error.strerror}.",
                f"Stop the program that uses it, or move it with --set {name}=PORT.",
            ) from error
